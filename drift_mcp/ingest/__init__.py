"""Brings the store up to date with the source: changed files become facts, facts become rows, deleted files are gone.

The only room that knows both sides. `scans` decides what is read and linked, `linking` writes what was found. What
other scanners know comes in beside it: `foreign` takes over JSON Lines, `scip` an index.
"""

from __future__ import annotations

from drift_mcp.ingest.scans import ScanRun, refresh, scan

__all__ = ["ScanRun", "refresh", "scan"]
