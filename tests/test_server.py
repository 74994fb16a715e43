"""The server as a client meets it: a real process on stdio, by the SDK's client and by bare lines."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

APP = """\
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    password_hash = Column(String)


def change(db, user, secret):
    user: User = db.get(User, user)
    user.password_hash = secret


def reset(db, user):
    change(db, user, "")
"""
# Long enough for a loaded machine; nothing waits for it when all is well.
PATIENCE_SECONDS = 60


def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "CLAUDE_PROJECT_DIR"}
    return kept | {"DRIFT_HOME": str(tmp_path / "home")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "app").mkdir(parents=True)
    (root / "app" / "users.py").write_text(APP)
    return root


def command(root: Path) -> list[str]:
    return [sys.executable, "-m", "drift_mcp", "serve", "--project", str(root)]


def told(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert result.structured_content is None
    return block.text


# ---------------------------------------------------------------------------------------------------------------------
# By the SDK's client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_conversation_from_an_empty_folder_to_an_answer(
    tmp_path: Path, project: Path, mode: Literal["auto", "legacy"]
) -> None:
    first, *rest = command(project)
    started = StdioServerParameters(command=first, args=rest, env=environment(tmp_path))
    stages: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        stages.append(message or "")

    async def talk() -> None:
        async with Client(started, mode=mode) as client:
            tools = (await client.list_tools()).tools
            assert len(tools) == 12
            assert all(tool.annotations is not None and tool.output_schema is None for tool in tools)
            for tool in tools:
                hints = tool.annotations
                assert hints is not None
                assert None not in (
                    hints.read_only_hint,
                    hints.destructive_hint,
                    hints.idempotent_hint,
                    hints.open_world_hint,
                )
            before = await client.call_tool("get_callers", {"function": "change"})
            assert before.is_error and "Call scan_project" in told(before)
            assert not (project / ".drift").exists()
            scanned = await client.call_tool("scan_project", {}, progress_callback=progress)
            assert not scanned.is_error, told(scanned)
            assert stages
            callers = await client.call_tool("get_callers", {"function": "change"})
            assert "reset" in told(callers) and "app/users.py:21" in told(callers)
            data = json.loads(told(await client.call_tool("reachable_data", {"data": "auth", "format": "json"})))
            assert "change" in {one["function"] for one in data["functions"]}
            misspelt = await client.call_tool("get_callers", {"functoin": "change"})
            assert misspelt.is_error and "`function`" in told(misspelt)
            wrong = await client.call_tool("get_caller", {})
            assert wrong.is_error and "get_callers" in told(wrong)
            written = await client.call_tool("memory_write", {"action": "add", "content": "resets are audited"})
            assert "Remembered as mem_" in told(written)
            found = await client.call_tool("memory_search", {"query": "audited"})
            assert "resets are audited" in told(found)

    anyio.run(talk)


def test_many_questions_at_once_are_all_answered(tmp_path: Path, project: Path) -> None:
    first, *rest = command(project)
    started = StdioServerParameters(command=first, args=rest, env=environment(tmp_path))
    answers: list[str] = []

    async def talk() -> None:
        async with Client(started) as client:
            await client.call_tool("scan_project", {})

            async def ask() -> None:
                answers.append(told(await client.call_tool("find_functions", {"query": "change"})))

            async with anyio.create_task_group() as group:
                for _ in range(30):
                    group.start_soon(ask)

    anyio.run(talk)
    assert len(answers) == 30
    assert all("app/users.py:15" in answer for answer in answers)


def test_an_edit_is_seen_by_the_next_answer_and_gone_with_its_revert(tmp_path: Path, project: Path) -> None:
    first, *rest = command(project)
    started = StdioServerParameters(command=first, args=rest, env=environment(tmp_path))
    file = project / "app" / "users.py"

    async def talk() -> None:
        async with Client(started) as client:
            await client.call_tool("scan_project", {})
            file.write_text(APP + "\n\ndef forget(db, user):\n    change(db, user, None)\n")
            assert "forget" in told(await client.call_tool("get_callers", {"function": "change"}))
            file.write_text(APP)
            assert "forget" not in told(await client.call_tool("get_callers", {"function": "change"}))
            (project / "app" / "late.py").write_text("def written_just_now():\n    pass\n")
            late = await client.call_tool("get_callers", {"function": "written_just_now"})
            assert "No known caller of written_just_now (app/late.py:1)" in told(late)

    anyio.run(talk)


# ---------------------------------------------------------------------------------------------------------------------
# By bare lines


class Wire:
    """A server process spoken to line by line."""

    def __init__(self, root: Path, tmp_path: Path) -> None:
        self.process = subprocess.Popen(
            command(root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path),
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self._number = 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def next(self) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = json.loads(self._lines.get(timeout=PATIENCE_SECONDS))
            if "method" not in message:  # what the server tells by itself is not waited for
                return message

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params or {}}
        self.send(json.dumps(request).encode())
        message = self.next()
        assert message["id"] == self._number
        return message

    def call(self, tool: str, **given: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.ask("tools/call", {"name": tool, "arguments": given})["result"]
        return result

    def greet(self) -> None:
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
        assert self.ask("initialize", hello)["result"]["serverInfo"]["name"] == "drift"
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def wire(project: Path, tmp_path: Path) -> Iterator[Wire]:
    opened = Wire(project, tmp_path)
    yield opened
    opened.close()


def test_lines_that_are_no_messages_are_answered_as_such_and_the_server_lives_on(wire: Wire) -> None:
    wire.greet()
    for line, code in (
        (b"not json", -32700),
        (b'{"jsonrpc":"2.0"}', -32600),
        (b"[1,2]", -32600),
        (b'"\\ud800"', -32700),
    ):
        wire.send(line)
        message = wire.next()
        assert (message["id"], message["error"]["code"]) == (None, code)
    assert wire.ask("no/such/method")["error"]["code"] == -32601
    assert wire.call("drift_status")["isError"] is False


def test_a_request_with_half_an_emoji_gets_its_own_answer(wire: Wire) -> None:
    wire.greet()
    wire.send(
        b'{"jsonrpc":"2.0","id":77,"method":"tools/call",'
        b'"params":{"name":"find_functions","arguments":{"query":"\\ud83d"}}}'
    )
    message = wire.next()
    assert (message["id"], message["error"]["code"]) == (77, -32602)
    assert "half a surrogate pair" in message["error"]["message"]
    assert wire.call("drift_status")["isError"] is False


def test_a_call_before_initialize_is_refused_and_the_server_lives_on(wire: Wire) -> None:
    assert "error" in wire.ask("tools/call", {"name": "drift_status", "arguments": {}})
    wire.greet()
    assert wire.call("drift_status")["isError"] is False


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        ("find_functions", {"query": "x" * 1_000_000}, "at most 4,096 characters"),
        ("find_functions", {"query": "a\u0000b"}, "NUL"),
        ("find_functions", {"query": 5, "limit": "many"}, "whole number"),
        ("find_functions", {"query": "x", "project": "no-such-project"}, "no-such-project"),
        ("scan_project", {"paths": ["../.."]}, "outside"),
        ("memory_write", {"action": "add"}, "`content`"),
        ("memory_search", {"memory": "mem_none"}, "mem_none"),
        ("nonsense", {}, "There are: drift_status"),
    ],
)
def test_bad_input_is_answered_in_words_and_leaks_nothing(
    wire: Wire, tool: str, given: dict[str, Any], words: str
) -> None:
    wire.greet()
    wire.call("scan_project")
    result = wire.call(tool, **given)
    assert result["isError"] is True
    (block,) = result["content"]
    assert words in block["text"]
    assert not {"Traceback", "SELECT", "site-packages"} & set(block["text"].split())
    assert wire.call("drift_status")["isError"] is False


def test_a_store_that_is_none_is_refused_and_left_as_it_was(wire: Wire, project: Path) -> None:
    (project / ".drift").mkdir()
    (project / ".drift" / "drift.db").write_bytes(b"this is no database, only text " * 200)
    before = (project / ".drift" / "drift.db").read_bytes()
    wire.greet()
    result = wire.call("find_functions", query="x")
    assert result["isError"] is True
    assert "failed inside" not in result["content"][0]["text"]
    assert (project / ".drift" / "drift.db").read_bytes() == before


def test_the_server_leaves_promptly_when_the_client_hangs_up(wire: Wire) -> None:
    wire.greet()
    wire.send(b'{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"scan_project","arguments":{}}}')
    assert wire.process.stdin is not None
    wire.process.stdin.close()
    assert wire.process.wait(timeout=PATIENCE_SECONDS) == 0
    wire.process.stdin = None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_leaves_on_a_signal_while_stdin_is_open(wire: Wire, number: signal.Signals) -> None:
    wire.greet()
    wire.process.send_signal(number)
    assert wire.process.wait(timeout=PATIENCE_SECONDS) == 128 + number


def test_nothing_heavy_is_imported_before_initialize_is_answered() -> None:
    program = (
        "import sys, drift_mcp.server\n"
        "heavy = {'apsw', 'numpy', 'onnxruntime', 'sqlite_vec', 'tree_sitter', 'sqlglot', 'tqdm', 'drift_mcp.tools',"
        " 'drift_mcp.cortex', 'drift_mcp.ingest', 'drift_mcp.store'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_answers_need_neither_a_model_nor_a_grammar_nor_a_parser() -> None:
    program = (
        "import sys, drift_mcp.tools.calls\n"
        "heavy = {'onnxruntime', 'sqlite_vec', 'tree_sitter', 'sqlglot', 'mcp', 'tqdm'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("port", ["taken", "-1", "65536"])
def test_a_port_that_cannot_be_had_is_said_in_one_line(project: Path, tmp_path: Path, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1]) if port == "taken" else port
        done = subprocess.run(
            [*command(project), "--http", number],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"drift: Port {number} cannot be used: ")
    assert done.stderr.count("\n") == 1
