"""The door for agents: the tools, spoken as MCP over stdio, or over HTTP on loopback.

The only module that imports mcp. It decides nothing about an answer: it hands a call to `tools`, on a worker thread,
and carries back the text. Nothing of ours that is heavy is imported before `initialize` is answered, so the rooms
behind the tools are imported where the first question for them comes in.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import anyio
import anyio.from_thread
import anyio.to_thread
import mcp_types as wire
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from drift_mcp import __version__

if TYPE_CHECKING:
    from drift_mcp.tools.calls import Reply
    from drift_mcp.tools.projects import OpenProjects

logger = logging.getLogger(__name__)

# Clients show this to the model once, beside the tools. Claude Code cuts it at 2,048 characters.
INSTRUCTIONS = """\
Drift knows this codebase as a graph: functions, resolved calls, routes, database tables and fields, conventions, \
and what was remembered about it. It answers from a local store, in milliseconds, with file:line for every claim.

Prefer it to grep and reading files for: who calls this (get_callers), what data this code can reach or who can \
reach a table, a field or all passwords (reachable_data), what a change touches (impact_of_change), how things are \
done here (query_patterns), what to know before an edit (file_context), where something is defined (find_functions), \
and what was decided or learned before (memory_search; keep new findings with memory_write). Use grep for free text \
and strings, and read the file for code itself.

Usual path: drift_status once; find_functions when unsure of a name; then the question. If an answer says that \
nothing was scanned, or that files changed, call scan_project: it only reads what changed.

Every tool takes `project` (a known project's name, or a path; default: the one the server was started in) and \
`format` ("text", or "json" for programs). Long ones take `budget_tokens` (the answer is never longer; it is said \
more shortly instead), `limit`, and `cursor` (from the end of the answer before, with the same arguments). Functions \
are named as `name`, `Class.name`, or the id `path::Class.name`; places as `path:line`.

Calls that could not be resolved are counted and shown apart from proven ones: "no known caller" does not mean that \
nothing calls it."""

# More at once would only wait for each other: the store's pool of readers is of this size, and so is a client's
# appetite.
_WORKERS = 8
# Long before a client gives up (60 s in the most impatient one), so that the model learns why.
_DEADLINE_SECONDS = 20.0
# What a verdict waits for a scan of another process: less than that, so that it is given or not when the model hears.
_PATIENCE_MS = 15_000
# Progress more often than this is noise on the wire.
_PROGRESS_SECONDS = 0.2
# The set of tools never varies; an hour is a session.
_TOOLS_TTL_MS = 3_600_000


def serve(start: Path | None) -> None:
    """Serve on stdin and stdout until the client closes them. Does not return: teardown of the interpreter would keep
    the client waiting, and everything worth keeping is committed."""
    _leave_on_signals()
    door = _Door(start)
    anyio.run(door.serve_stdio)
    door.close()
    sys.stderr.flush()
    os._exit(0)


def serve_http(start: Path | None, port: int) -> None:
    """Serve streamable HTTP on loopback until interrupted. There is no way to bind it to another address."""
    # The web server is a tenth of a second of imports that stdio does not need.
    import uvicorn

    from drift_mcp.errors import DriftError

    # Bound here rather than by the web server, which would show its own insides to say why it could not.
    listener = socket.socket()
    # A server that was just stopped leaves its port waiting; on Windows this would share the port instead.
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as problem:
        listener.close()
        why = problem.strerror if isinstance(problem, OSError) else "a port is a number from 0 to 65535"
        raise DriftError(f"Port {port} cannot be used: {why}. Give another one to --http.") from problem
    print(f"drift: MCP on http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr)
    door = _Door(start)
    app = door.server.streamable_http_app(host="127.0.0.1")
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
    door.close()


class _Door:
    """One server and the projects it has opened. Only its event loop's thread calls it; tools run on worker threads."""

    def __init__(self, start: Path | None) -> None:
        self._start = start
        self._projects: OpenProjects | None = None
        self._opening = threading.Lock()
        self._warmed = threading.Event()
        self._workers: anyio.CapacityLimiter | None = None
        self.server: Server[Any] = Server(
            "drift",
            version=__version__,
            title="Drift",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            cache_hints={"tools/list": CacheHint(ttl_ms=_TOOLS_TTL_MS, scope="public")},
        )

    async def serve_stdio(self) -> None:
        async with stdio_server() as (incoming, outgoing):
            answered = _Answered(incoming, outgoing)
            await self.server.run(answered, outgoing, self.server.create_initialization_options())

    def close(self) -> None:
        with self._opening:
            if self._projects is not None:
                self._projects.close()

    async def _list_tools(
        self, ctx: ServerRequestContext[Any], params: wire.PaginatedRequestParams | None
    ) -> wire.ListToolsResult:
        described = await anyio.to_thread.run_sync(_described)
        self._warm_up()
        return wire.ListToolsResult(tools=described)

    async def _call_tool(
        self, ctx: ServerRequestContext[Any], params: wire.CallToolRequestParams
    ) -> wire.CallToolResult:
        stopped = threading.Event()
        progress = _Progress(ctx, stopped)
        name, given = params.name, params.arguments
        seconds = None if name == "scan_project" else _DEADLINE_SECONDS
        try:
            with anyio.move_on_after(seconds):
                reply = await anyio.to_thread.run_sync(
                    partial(self._answer, name, given, progress),
                    abandon_on_cancel=True,
                    limiter=self._limiter(),
                )
                self._warm_up()
                return _result(reply.text, reply.is_error)
            return _result(
                f"{name} did not finish within {_DEADLINE_SECONDS:.0f} seconds and was stopped. "
                "Narrow the question (file, max_depth, limit), or try again.",
                is_error=True,
            )
        finally:
            stopped.set()

    def _limiter(self) -> anyio.CapacityLimiter:
        # It can only be made within an event loop.
        if self._workers is None:
            self._workers = anyio.CapacityLimiter(_WORKERS)
        return self._workers

    def _answer(self, name: str, given: dict[str, Any] | None, progress: Callable[[str, int, int], None]) -> Reply:
        # Behind the first call, not before `initialize`: these import the store, and what stands above it.
        from drift_mcp.tools import calls

        try:
            return calls.answered(self._opened(), name, given, progress)
        except Exception:
            # The last door: what we got wrong must cost the client one answer, never the server. The log has the rest.
            logger.exception("%s failed", name)
            return calls.Reply(
                f"{name} failed inside Drift; the server's log says why. Other tools still answer.", is_error=True
            )

    def _opened(self) -> OpenProjects:
        from drift_mcp.tools.projects import OpenProjects  # not before `initialize`, as above

        with self._opening:
            if self._projects is None:
                self._projects = OpenProjects(self._start, patience_ms=_PATIENCE_MS)
            return self._projects

    def _warm_up(self) -> None:
        """After the first reply, on one thread: open the project and load what the first search would wait for."""
        if self._warmed.is_set():
            return
        self._warmed.set()

        def warm() -> None:
            try:
                self._opened().warm_up()
            except Exception:
                # Nothing depends on it: the first question that needs the same thing will say what is wrong.
                logger.debug("warming up failed", exc_info=True)

        threading.Thread(target=warm, name="drift-warm-up", daemon=True).start()


def _described() -> list[wire.Tool]:
    from drift_mcp.tools import TOOLS  # not before `initialize`: see the head of this file
    from drift_mcp.tools.arguments import schema

    return [
        wire.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=dict(schema(tool.asked)),
            annotations=wire.ToolAnnotations(
                title=tool.title,
                read_only_hint=tool.reads_only,
                destructive_hint=tool.destroys,
                idempotent_hint=tool.idempotent,
                open_world_hint=False,
            ),
        )
        for tool in TOOLS
    ]


def _result(text: str, is_error: bool) -> wire.CallToolResult:
    return wire.CallToolResult(content=[wire.TextContent(type="text", text=text)], is_error=is_error)


class _Progress:
    """Carries progress from a worker thread to the client, and the client's giving up back to the worker."""

    def __init__(self, ctx: ServerRequestContext[Any], stopped: threading.Event) -> None:
        self._ctx = ctx
        self._stopped = stopped
        self._said = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._stopped.is_set():
            from drift_mcp.errors import DriftError  # not before `initialize`, as above

            raise DriftError("The client no longer waits for this scan.")
        now = time.monotonic()
        if now - self._said < _PROGRESS_SECONDS and done < total:
            return
        self._said = now
        try:
            anyio.from_thread.run(
                self._ctx.session.report_progress, float(done), float(total), f"{stage}: {done} of {total}"
            )
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            # The client has gone; the scan goes on, because what it finds is kept.
            return


class _Answered:
    """The incoming messages, of which those that are none are answered here.

    The SDK passes over a line that is not JSON, or not JSON-RPC, in silence; a client that waits for its answer would
    wait for ever.
    """

    def __init__(self, incoming: Any, outgoing: Any) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    @property
    def last_context(self) -> Any:
        return self._incoming.last_context

    async def receive(self) -> SessionMessage | Exception:
        while True:
            item: SessionMessage | Exception = await self._incoming.receive()
            if not isinstance(item, Exception):
                return item
            await self._outgoing.send(SessionMessage(_no_message(item)))

    async def aclose(self) -> None:
        await self._incoming.aclose()

    def __aiter__(self) -> _Answered:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> _Answered:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _no_message(problem: Exception) -> wire.JSONRPCError:
    number = None
    error = wire.ErrorData(code=wire.PARSE_ERROR, message="This line is not JSON.")
    if isinstance(problem, ValidationError):
        unread = [each["input"] for each in problem.errors() if each["type"] == "json_invalid"]
        if not unread:
            error = wire.ErrorData(code=wire.INVALID_REQUEST, message="This line is JSON, but no JSON-RPC 2.0 message.")
        elif (asked := _with_half_characters(unread[0])) is not None:
            # What a JavaScript client makes of half an emoji. It waits for the answer to just this request.
            number = asked
            error = wire.ErrorData(
                code=wire.INVALID_PARAMS, message="A text in this request holds half a surrogate pair, no character."
            )
    return wire.JSONRPCError(jsonrpc="2.0", id=number, error=error)


def _with_half_characters(line: object) -> str | int | None:
    """The id of a request that is JSON but for halves of surrogate pairs, which only the SDK's parser refuses."""
    try:
        asked = json.loads(line) if isinstance(line, str) else None
    except (ValueError, RecursionError):
        return None
    number = asked.get("id") if isinstance(asked, dict) else None
    return number if isinstance(number, str | int) else None


def _leave_on_signals() -> None:
    """On SIGTERM and Ctrl-C, leave at once: the SDK would wait for stdin to close. Storage is safe at any instant."""

    def leave(number: int, frame: FrameType | None) -> None:
        # The scan's processes would wait for work for ever once nobody hands it out.
        started = sys.modules.get("multiprocessing")
        if started is not None:
            for child in started.active_children():
                child.terminate()
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
