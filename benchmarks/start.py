"""What a server costs before it is asked anything: from spawn to the `initialize` answer, its memory, its modules.

Speaks the protocol's lines itself, so that nothing but the server is measured.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import IO, Any, NamedTuple

from benchmarks import processes, table
from drift_mcp import ingest
from drift_mcp.cortex.cortex import NewMemory
from drift_mcp.project import Project

_TIMES = 12
_MEMORIES = 50
_PATIENCE_SECONDS = 60.0
# What takes long to load, or much memory, and what most questions do without.
_HEAVY = ("tree_sitter", "onnxruntime", "numpy", "sqlglot", "sqlite_vec")
_SOURCE = "def greet(name):\n    return shout(name)\n\n\ndef shout(text):\n    return text.upper()\n"
_IMPORTED = re.compile(rb"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", re.MULTILINE)
# A server that is only thinking about it: its warming-up has ended when it used no CPU for so long.
_QUIET_SECONDS = 0.5


class Start(NamedTuple):
    cpu: float  # seconds of all threads, when the answer to `initialize` came
    wall: float  # seconds
    resident_bytes: int


def run(here: Path) -> None:
    project = here / "project"
    project.mkdir()
    (project / "greeting.py").write_text(_SOURCE, encoding="utf-8")
    with Project(project) as opened:
        ingest.scan(opened)
    ours = ["-m", "drift_mcp", "serve", "--project", str(project)]
    servers = {
        "drift serve": ours,
        "bare": ["-m", "benchmarks.bare_server"],
        "bare, collecting no garbage meanwhile": ["-m", "benchmarks.bare_server", "frozen"],
    }
    starts: dict[str, list[Start]] = {name: [] for name in servers}
    for turn in range(_TIMES + 1):
        for name, arguments in servers.items():
            with _Spoken(arguments) as server:
                started = server.initialise()
            if turn:  # the first of each fills the page cache
                starts[name].append(started)
    floor = starts["bare"]
    rows = [
        (
            name,
            table.median_ms([one.cpu for one in found]),
            table.ratio([one.cpu for one in found], [one.cpu for one in floor]),
            f"{min(one.cpu for one in found) * 1e3:.2f}",
            table.median_ms([one.wall for one in found]),
            table.ratio([one.wall for one in found], [one.wall for one in floor]),
            f"{max(one.resident_bytes for one in found) / 1e6:.0f}",
        )
        for name, found in starts.items()
    ]
    table.show(
        "start",
        "python -m benchmarks start",
        "",
        ("server", "CPU ms", "ratio", "least", "wall ms", "ratio", "RSS MB"),
        rows,
        [
            f"From spawn to the answer to `initialize`; medians of {_TIMES} fresh processes each, in turn.",
            *_loaded(ours),
            _with_memories(project, ours),
        ],
    )


def _loaded(arguments: list[str]) -> list[str]:
    """What is resident and which heavy modules are loaded, step by step."""
    said = []
    with _Spoken(arguments) as server, _Spoken(["-X", "importtime", *arguments]) as watched:
        for one in (server, watched):
            one.initialise()
        said.append(_standing("after initialize", server, watched))
        for one in (server, watched):
            one.tell("notifications/initialized")
            one.ask("tools/list")
        said.append(_standing("after tools/list", server, watched))
        for tool, given in (("drift_status", {}), ("get_callers", {"function": "shout"})):
            for one in (server, watched):
                one.ask("tools/call", {"name": tool, "arguments": given})
            said.append(_standing(f"after {tool}", server, watched))
        for one in (server, watched):
            one.ask("tools/call", {"name": "memory_search", "arguments": {"query": "greeting"}})
        said.append(_standing("after memory_search without memories", server, watched))
    return ["Idle, project without memories:\n" + "\n".join(f"- {line}" for line in said)]


def _with_memories(root: Path, arguments: list[str]) -> str:
    """What it costs beyond the answer to `initialize` until memories are found by meaning: the store opened, the tools
    described, the model loaded. Medians of fresh processes; the memories have their vectors already."""
    with Project(root) as project:
        for number in range(_MEMORIES):
            project.memory.add(NewMemory("tribal", f"Case {number}: the greeting of guest {number} is shouted."))
        assert project.memory.wait_for_vectors(_PATIENCE_SECONDS), project.memory.standing().model_reason
    cpu, added = [], []
    for _ in range(_TIMES):
        with _Spoken(arguments) as server:
            began = server.initialise()
            server.tell("notifications/initialized")
            server.ask("tools/list")  # what every client asks next; then the server begins
            server.settle()
            cpu.append(processes.cpu_seconds(server.pid) - began.cpu)
            added.append(processes.resident_bytes(server.pid) - began.resident_bytes)
            found = server.ask("tools/call", {"name": "memory_search", "arguments": {"query": "whom do we welcome"}})
            assert "found by words and meaning" in found["content"][0]["text"], found
    return (
        f"Project with {_MEMORIES} memories: the model is ready {median(cpu):.2f} s of CPU after the answer to "
        f"`initialize` (most {max(cpu):.2f}), and the server {median(added) / 1e6:.0f} MB larger "
        f"(most {max(added) / 1e6:.0f})."
    )


def _standing(when: str, server: _Spoken, watched: _Spoken) -> str:
    for one in (server, watched):
        one.settle()
    modules = watched.imported()
    heavy = [name for name in _HEAVY if name in modules]
    megabytes = processes.resident_bytes(server.pid) / 1e6
    return (
        f"{when}: {megabytes:.0f} MB resident, {len(modules)} modules, of the heavy ones: {', '.join(heavy) or 'none'}"
    )


class _Spoken:
    """A server, spoken to in the protocol's own lines. One thread."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._number = 0
        self._said = b""  # on stderr
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        os.set_blocking(self._pipe(self._process.stderr).fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def initialise(self) -> Start:
        self.ask(
            "initialize",
            {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
        )
        wall = time.perf_counter() - self._began
        return Start(processes.cpu_seconds(self.pid), wall, processes.resident_bytes(self.pid))

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result that the server gives."""
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params or {}})
        with selectors.DefaultSelector() as ready:
            out, err = self._pipe(self._process.stdout), self._pipe(self._process.stderr)
            ready.register(out, selectors.EVENT_READ)
            ready.register(err, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is err:
                        self._drain()
                        continue
                    answer = json.loads(out.readline())
                    if answer.get("id") == self._number:
                        assert "error" not in answer, answer
                        result: dict[str, Any] = answer["result"]
                        return result

    def tell(self, method: str) -> None:
        self._write({"jsonrpc": "2.0", "method": method})

    def settle(self) -> None:
        """Waits until the server has nothing more to do."""
        before = -1.0
        while (now := processes.cpu_seconds(self.pid)) - before > 0.002:
            before = now
            time.sleep(_QUIET_SECONDS)
            self._drain()

    def imported(self) -> set[str]:
        """The top names of all modules imported so far, by the interpreter's own account."""
        self._drain()
        return {found.decode().partition(".")[0] for found in _IMPORTED.findall(self._said)}

    def _drain(self) -> None:
        while chunk := self._pipe(self._process.stderr).read(1 << 16):
            self._said += chunk

    def _write(self, message: dict[str, Any]) -> None:
        stdin = self._pipe(self._process.stdin)
        stdin.write(json.dumps(message).encode() + b"\n")
        stdin.flush()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None, "all three are piped"
        return pipe

    def __enter__(self) -> _Spoken:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe(self._process.stdin).close()
        self._process.wait(timeout=10)
        self._pipe(self._process.stdout).close()
        self._pipe(self._process.stderr).close()
