"""`python -m drift_mcp` is `drift`."""

from __future__ import annotations

import sys

from drift_mcp.cli import main

# Worker processes of a scan import this module again; only the first process is a command.
if __name__ == "__main__":
    sys.exit(main())
