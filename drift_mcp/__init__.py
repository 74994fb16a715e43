"""Drift: the store of what is known about a codebase, given to AI agents as MCP tools."""

__version__ = "0.1.0"
