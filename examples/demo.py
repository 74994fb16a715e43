"""An agent's first questions to a codebase, asked for real: `python -m examples.demo PROJECT`.

Scans the project, starts its server as any client would, asks five questions over stdio and prints the conversation.
What to ask about is chosen from the store itself, through its public views, so that it runs on any repository; where
there is nothing to ask about, the server's own answer says so. Memories are written only where the project brings some
along (`examples/bookshop/memories.jsonl`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import TextContent

MEMORIES = Path("examples/bookshop/memories.jsonl")

# A function that is called in more than one way, through injection too, says more than the most called one.
FUNCTION = """
SELECT callee
FROM v_calls
WHERE callee_file IS NOT NULL
    AND caller_file NOT LIKE '%test%'
    AND callee_file NOT LIKE '%test%'
    AND callee NOT IN (SELECT qualified_name FROM v_functions GROUP BY qualified_name HAVING count(*) > 1)
GROUP BY callee_file, callee
HAVING count(*) BETWEEN 3 AND 15
ORDER BY max(resolution = 'di') DESC, count(DISTINCT resolution) DESC, count(DISTINCT caller_file) DESC, callee
LIMIT 1
"""

# The sensitive field that the most functions name; without one, the table that the most functions touch.
DATA = """
SELECT table_name || ifnull('.' || field_name, '')
FROM v_data_access
WHERE file NOT LIKE '%test%'
GROUP BY table_name, field_name
ORDER BY sensitivity IS NULL, sensitivity <> 'auth', field_name IS NULL, count(DISTINCT function) DESC
LIMIT 1
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Scan a project and ask its server five questions.")
    parser.add_argument("project", type=Path, help="the project's folder")
    project = parser.parse_args().project.resolve()
    scanned = subprocess.run([sys.executable, "-m", "drift_mcp", "scan", str(project)], check=False)
    if scanned.returncode:
        return scanned.returncode
    asyncio.run(converse(project))
    return 0


async def converse(project: Path) -> None:
    """The whole conversation, printed."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "drift_mcp", "serve", "--project", str(project)])
    async with Client(server) as client:
        known = await ask(client, "drift_status", {"format": "json"})
        brought = memories(project)
        if brought and json.loads(known)["memories"] == 0:
            for memory in brought:
                await ask(client, "memory_write", {"action": "add", **memory})
            await until_meaning_is_known(client)
        for question, tool, arguments in questions(project):
            said = " ".join(f"{name}={value}" for name, value in arguments.items())
            print(f"\n\n● {question}\n  {tool} {said}".rstrip() + "\n")
            print(textwrap.indent(await ask(client, tool, arguments), "  │ ", lambda line: True))


async def until_meaning_is_known(client: Client) -> None:
    """The server answers by words at once and loads its model meanwhile; here we wait for it, some seconds at most."""
    for _ in range(40):
        answer = await ask(client, "memory_search", {"query": "decisions"})
        if "still loading" not in answer and "by words only" not in answer:
            return
        await asyncio.sleep(0.25)


async def ask(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    answer = await client.call_tool(tool, arguments)
    return "\n".join(block.text for block in answer.content if isinstance(block, TextContent))


def questions(project: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What to ask: in words, the tool, its arguments."""
    function, data = first(project, FUNCTION), first(project, DATA)
    yield ("How is this project doing?", "drift_status", {})
    yield ("Which conventions hold here?", "query_patterns", {"limit": 5})
    if function is not None:
        yield (f"Who calls {function}?", "get_callers", {"function": function})
    if data is not None:
        yield (f"Who can reach {data}?", "reachable_data", {"data": data, "budget_tokens": 1200})
    elif function is not None:
        yield (f"What data can {function} reach?", "reachable_data", {"location": function})
    brought = (project / MEMORIES).exists()
    about = "how are passwords and payments handled, and why" if brought else "decisions about this code"
    yield (f"What do we remember about it: {about}?", "memory_search", {"query": about, "limit": 3})


def first(project: Path, query: str) -> str | None:
    """The first value that the query finds in the project's store; None when it finds nothing."""
    with closing(sqlite3.connect(f"{(project / '.drift' / 'drift.db').as_uri()}?mode=ro", uri=True)) as db:
        row = db.execute(query).fetchone()
    return None if row is None else str(row[0])


def memories(project: Path) -> list[dict[str, Any]]:
    """What the project brings along to be remembered."""
    path = project / MEMORIES
    if not path.exists():
        return []
    return [argument_of(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def argument_of(memory: dict[str, Any]) -> dict[str, Any]:
    """A line of the file as the arguments of memory_write, which cites lines as `path:first-last`."""
    files = [f"{each['path']}:{each['line_start']}-{each['line_end']}" for each in memory.get("files", ())]
    return {**memory, "files": files}


if __name__ == "__main__":
    sys.exit(main())
