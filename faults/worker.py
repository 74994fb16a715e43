"""One process that has imported everything, and starts a child for each task that it is told of on stdin.

Run as a program, it answers each line with two: the child's number when it begins, and how it ended. So a task takes no
longer than its work, and whoever ends a child by force ends it in the middle of that.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import math
import os
import re
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

# What a task may need, for its child to have at once.
from drift_mcp.cli import main as command
from drift_mcp.cli.words import UNUSABLE
from drift_mcp.cortex.cortex import Cortex, NewMemory, Revision
from drift_mcp.cortex.embeddings import Embedder, Model, ModelIdentity
from drift_mcp.errors import StoreUnusable
from drift_mcp.project import FOLDER, Project

# What a traceback ends with: no answer of ours has this status.
_FAILED: Final = 70


def main() -> None:
    for line in sys.stdin:
        told: dict[str, Any] = json.loads(line)
        child = os.fork()
        if child == 0:
            _work(told)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _work(told: dict[str, Any]) -> None:
    status = _FAILED
    try:
        os.setpgid(0, 0)  # those that it starts itself are found by this number
        said = os.open(told["says"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - the one before belongs to the parent
        os.chdir(told["root"])
        shim = ctypes.CDLL(None)
        if told["powerless"]:
            _give_up_powers(shim)
        if told["ahead_seconds"]:
            shim.faults_clock(ctypes.c_longlong(told["ahead_seconds"]))
        if told["counted"]:
            shim.faults_begin(ctypes.c_longlong(told["die_at"]), ctypes.c_longlong(told["full_at"]))
        try:
            status = TASKS[told["task"]](Path(told["root"]), told["words"])
        except StoreUnusable as problem:
            print(f"drift: {problem}")  # as a command says it
            status = UNUSABLE
        sys.stdout.flush()
        if told["counted"]:
            shim.faults_seen.restype = ctypes.c_longlong
            with contextlib.suppress(OSError):
                os.write(1, f"\n{shim.faults_seen()}".encode())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _give_up_powers(library: ctypes.CDLL) -> None:
    """From here on permissions hold for root as well. It stays the owner of its files, so that Python is found."""
    version, nothing = 0x20080522, (ctypes.c_uint32 * 6)()
    if library.capset((ctypes.c_uint32 * 2)(version, 0), nothing) != 0:
        raise OSError("the powers of root cannot be given up")


def _answer(root: Path, words: list[str]) -> int:
    """Several commands, given as JSON lists: of each its status and what it said."""
    for each in words:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = command(json.loads(each))
        print(f"{status} {said.getvalue().strip()}\n==")
    return 0


def _listen(root: Path, words: list[str]) -> int:
    """One command, given as a JSON list; then how many files it opened by calls of Python, and which of these are
    live databases."""
    opened: list[str] = []

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            opened.append(os.fsdecode(arguments[0]))

    sys.addaudithook(hear)
    status = command(json.loads(words[0]))
    live = [path for path in opened if _LIVE.search(path)]
    print(json.dumps({"opened": len(opened), "live": live}))
    return status


# In the folder itself: what is copied or kept below it has no connection of its own while it is read.
_LIVE: Final = re.compile(rf"(^|/){re.escape(FOLDER)}/[^/]+\.db(-wal|-shm|-journal)?$|registry\.db")


def _remember(root: Path, words: list[str]) -> int:
    """Adds memories, and says of each when it was told that it is kept."""
    with Project(root) as project:
        for each in words:
            project.memory.add(NewMemory("tribal", each))
            print(each, flush=True)
    return 0


def _revise(root: Path, words: list[str]) -> int:
    """Gives memories, or all of them, a second version, and says of each when it was told that it is kept."""
    with Project(root) as project:
        memory = project.memory
        for each in words or [hit.memory for hit in memory.search(None, limit=1_000).hits]:
            written = memory.revise(each, Revision(content=f"better said, of {each}", tags=["told again"]))
            print(written.memory, written.version, flush=True)
    return 0


def _live(root: Path, words: list[str]) -> int:
    """Adds three episodes of each of these facts."""
    with Project(root) as project:
        for number, fact in enumerate([*words] * 3):
            what = {"interaction": {"userQuery": f"question {number}"}, "extractedFacts": [{"fact": fact}]}
            project.memory.add(NewMemory("episodic", what))
    return 0


def _forget(root: Path, words: list[str]) -> int:
    """Forgets some memories, one after the other, and says of each when it was told that it is gone."""
    with Project(root) as project:
        memory = project.memory
        for hit in memory.search(None, limit=8).hits:
            memory.forget(hit.memory)
            print(hit.memory, flush=True)
    return 0


class _Another:
    """A model that is not the one that ships: its vectors say no more than that two texts are the same."""

    name = "another"
    identity = ModelIdentity("another", "1", 384, "l2", "none", 512, "")

    def lacking(self) -> str | None:
        return None

    def load(self) -> Model:
        return self

    def vector(self, text: str) -> bytes:
        signs = blake3(text.encode()).digest(length=384)
        return struct.pack("<384f", *(math.copysign(384**-0.5, sign - 127.5) for sign in signs))

    def question_vector(self, question: str) -> bytes:
        return self.vector(question)


def _embed(root: Path, words: list[str]) -> int:
    """Makes every vector that is missing, by the model that ships or by another."""
    if words == ["another"]:
        with Cortex.open(root / FOLDER / "cortex.db", root, embedder=Embedder(_Another())) as memory:
            memory.make_vectors()
    else:
        with Project(root) as project:
            project.memory.make_vectors()
    return 0


def _judge(root: Path, words: list[str]) -> int:
    """Approves patterns, and says of each when it was told that it is kept."""
    sink = sys.stdout
    for each in words:
        with Path(os.devnull).open("w", encoding="utf-8") as sys.stdout:
            status = command(["approve", each, "--reason", "ours"])
        sys.stdout = sink
        if status:
            return status
        print(each, flush=True)
    return 0


TASKS: Final[dict[str, Callable[[Path, list[str]], int]]] = {
    "command": lambda root, words: command(words),
    "answers": _answer,
    "heard": _listen,
    "remember": _remember,
    "live": _live,
    "revise": _revise,
    "forget": _forget,
    "embed": _embed,
    "judge": _judge,
}


if __name__ == "__main__":
    main()
