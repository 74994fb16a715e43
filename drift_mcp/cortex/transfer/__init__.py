"""Memories out of one store and into another, with all that was ever believed.

`histories` says what one memory's history is, `export` reads it from the database, `reading` takes it from a line that
somebody else wrote, `merge` brings it into the database. `knowledge_graph` knows the file of the protocol's reference
memory server. What a consumer needs is `Cortex.export` and `Cortex.take`.
"""
