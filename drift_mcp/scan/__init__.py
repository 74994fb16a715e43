"""Source text in, facts and problems out. Knows tree-sitter and no database."""
