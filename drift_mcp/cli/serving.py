"""`drift serve`: the MCP server, started as clients start it."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path
from typing import Any

from drift_mcp.cli.words import DONE


def add_to(commands: Any) -> None:
    serve = commands.add_parser("serve", help="the MCP server, on stdio unless told otherwise")
    serve.add_argument(
        "--project", metavar="PATH", help="the project's folder (default: CLAUDE_PROJECT_DIR, else here)"
    )
    serve.add_argument("--http", type=int, metavar="PORT", help="streamable HTTP on 127.0.0.1 instead of stdio")
    serve.set_defaults(run=_serve)


def _serve(asked: argparse.Namespace) -> int:
    # The SDK makes half a million objects while it is imported. Collecting among them, then and again at exit, costs
    # more than a tenth of the start and nine tenths of the exit.
    gc.disable()
    from drift_mcp import server  # 0.6 s of CPU that no other command needs

    gc.freeze()
    gc.enable()
    start = Path(asked.project) if asked.project else None
    if asked.http is not None:
        server.serve_http(start, asked.http)
    else:
        server.serve(start)
    return DONE
