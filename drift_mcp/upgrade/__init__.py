"""The loading dock: what the predecessor left in a project comes in here, and today's rows go out.

`sources` finds what is there, the converters turn each format into records, `merging` makes one of what was told twice,
`loading` writes them, `proof` compares what stands in the databases with what was meant, and `archive` moves the old
files out of the way. Nothing but the command line imports this room.
"""
