"""Ask a project's Drift server one question, as an agent does: `python examples/ask.py PROJECT`.

Starts `drift serve` for the project, calls `drift_status` over stdio and prints the answer. It never scans; a project
that has no store yet answers with what to do about it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.types import TextContent


async def ask(project: Path, tool: str) -> tuple[str, bool]:
    """The answer's text, and whether the server calls it an error."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "drift_mcp", "serve", "--project", str(project)])
    async with Client(server) as client:
        answer = await client.call_tool(tool)
    return "\n".join(block.text for block in answer.content if isinstance(block, TextContent)), answer.is_error


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask what is known about a project.")
    parser.add_argument("project", type=Path, help="the project's folder")
    text, failed = asyncio.run(ask(parser.parse_args().project.resolve(), "drift_status"))
    print(text, file=sys.stderr if failed else sys.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
