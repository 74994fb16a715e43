"""Programs that make files of this repository anew. Nothing here runs by itself, or is needed where Drift is used."""
