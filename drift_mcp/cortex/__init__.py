"""The memory of a project: what was learned about its code, found by word and by meaning, with every version kept.

Owns cortex.db and nothing else. `cortex.Cortex` opens it; `memories` writes and reads, `recall` finds.
"""
