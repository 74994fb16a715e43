"""Reads source files and turns each into facts, on as many processes as are given.

A file that cannot be read or parsed becomes an answer with its problem; none is ever lost, and none stops the others,
not even one that kills the process that reads it. Knows no database, and never needs two files at once.
"""

from __future__ import annotations

import contextlib
import gc
import json
import marshal
import os
import queue
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple, TypeAlias

from blake3 import blake3

from drift_mcp.scan import evidence, languages
from drift_mcp.scan.facts import FileFacts, Problem, pack
from drift_mcp.scan.walk import Entry, content_problem, too_large

Status: TypeAlias = Literal["scanned", "skipped", "failed"]


class Extracted(NamedTuple):
    """What became of one file of a listing."""

    path: str
    language: str
    status: Status  # 'scanned' has facts, perhaps with problems; the others say why not in their first problem
    size: int  # of what was read, like all that follows; it may differ from the listing's
    mtime_ns: int
    content_hash: bytes  # 16 bytes of blake3; empty when the file was not read whole
    lines: int
    is_test: int
    definitions: int
    problems: tuple[Problem, ...]
    facts: bytes | None  # facts.pack of the file's facts
    microseconds: int  # from opening the file to its packed facts


# Below this many files starting processes costs more than they save: 0.1 to 0.2 s each with their grammars.
_FEW: Final = 300
# One message of about this much amortises its transfer; more would leave one process working while the others are done.
_BATCH_FILES: Final = 64
_BATCH_BYTES: Final = 500_000
# Answers a process that may wait to be taken: enough for it to go on while the taker is busy for a moment.
_WAITING: Final = 2
# A megabyte of source takes about a second on a slow machine; whoever needs a minute for a batch is caught in a loop.
_BATCH_SECONDS: Final = 60.0


def extract(
    root: Path,
    entries: Sequence[Entry],
    jobs: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Generator[Extracted, None, None]:
    """The facts of each entry, in the order in which they are ready; exactly one answer an entry.

    `jobs` is the number of processes (None: one a core that we may use); `on_progress` hears how many files were
    finished since it was last called. Closing the iterator early ends the processes.
    """
    wanted = jobs if jobs is not None else _cores()
    if wanted <= 1 or len(entries) < _FEW:
        answers: Iterator[Extracted] = (_extract_one(os.fspath(root), entry) for entry in entries)
    else:
        answers = _by_processes(os.fspath(root), entries, wanted)
    for answer in answers:
        if on_progress is not None:
            on_progress(1)
        yield answer


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- one file ---------------------------------------------------------------------------------------------------------

# What our own code raises when a front end meets a file that it was not made for. One odd file among thousands is that
# file's problem and is reported with the place in our code; it must not cost the others their answers.
FAULTS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,  # RecursionError is one
    TypeError,
    ValueError,  # UnicodeError is one
)


def _extract_one(root: str, entry: Entry) -> Extracted:
    began = time.perf_counter_ns()
    language = languages.named(entry.language)
    try:
        with open(f"{root}/{entry.path}", "rb", opener=_open_no_link) as file:
            status = os.fstat(file.fileno())
            # One byte more than allowed: a file may have grown since it was listed.
            data = file.read(language.most_bytes + 1)
    except OSError as error:
        return _refused(entry, Problem("unreadable", 0, error.strerror or "cannot be read"))
    entry = entry._replace(size=status.st_size, mtime_ns=status.st_mtime_ns)
    if len(data) > language.most_bytes:
        return _refused(entry, Problem("too_large", 0, too_large(status.st_size, language)))
    digest = blake3(data).digest(16)
    source, problems = as_utf8(data, is_python=language.name == "python")
    refusal = content_problem(language, source)
    if refusal is not None:
        return _refused(entry, refusal, digest)
    try:
        facts = languages.front_end(entry.language)(entry.path, source)
        facts = facts._replace(
            language=entry.language,
            is_test=int(languages.is_test(entry.path)),
            problems=(*problems, *facts.problems),
        )
        facts = facts._replace(evidence=(*facts.evidence, *evidence.of(facts)))
        blob = pack(facts)
    except FAULTS as fault:
        return _refused(entry, Problem("crash", 0, told_fault(fault)), digest)
    return _answer(entry, digest, facts, blob, (time.perf_counter_ns() - began) // 1000)


def _open_no_link(path: str, flags: int) -> int:
    # Between listing and reading the file may have become a link or a pipe; neither may lead us out or hold us up.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _answer(entry: Entry, digest: bytes, facts: FileFacts, blob: bytes, microseconds: int) -> Extracted:
    return Extracted(
        entry.path,
        entry.language,
        "scanned",
        entry.size,
        entry.mtime_ns,
        digest,
        facts.lines,
        facts.is_test,
        len(facts.definitions),
        facts.problems,
        blob,
        microseconds,
    )


def _refused(entry: Entry, problem: Problem, digest: bytes = b"") -> Extracted:
    status: Status = "failed" if problem.kind in ("crash", "unreadable") else "skipped"
    is_test = int(languages.is_test(entry.path))
    return Extracted(
        entry.path, entry.language, status, entry.size, entry.mtime_ns, digest, 0, is_test, 0, (problem,), None, 0
    )


def told_fault(fault: BaseException) -> str:
    # The last frame says where; read by hand, because formatting a trace needs the stack that may just have run out.
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    # Only the module's name: the paths of this machine are nobody's business.
    place = "" if trace is None else f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - no stack for a Path
    return f"{type(fault).__name__}{place}: {str(fault)[:200]}"


_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_COOKIE: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def as_utf8(data: bytes, *, is_python: bool) -> tuple[bytes, tuple[Problem, ...]]:
    """The same text as valid UTF-8 without a byte order mark, and what had to be guessed. Lines stay where they are."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            guessed = "\ufffd" in text
            return text.encode("utf-8", "replace"), (_misread(encoding),) if guessed else ()
    try:
        data.decode("utf-8")
        return data, ()
    except UnicodeDecodeError:
        declared = _declared(data) if is_python else None
    if declared is not None:
        with contextlib.suppress(LookupError, UnicodeDecodeError):  # a codec that we lack, or that is not true
            return data.decode(declared).encode("utf-8", "replace"), ()
    # Latin-1 takes every byte. Names in ASCII, which is nearly all of them, come out right in whatever it really was.
    return data.decode("latin-1").encode("utf-8"), (Problem("encoding", 0, "not UTF-8; read as Latin-1"),)


def _misread(encoding: str) -> Problem:
    return Problem("encoding", 0, f"marked as {encoding}, but not all of it is")


def _declared(data: bytes) -> str | None:
    for line in data.split(b"\n", 2)[:2]:
        found = _COOKIE.match(line)
        if found:
            return found[1].decode("ascii")
    return None


# --- many files -------------------------------------------------------------------------------------------------------


def _batches(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Largest files first, so that no process starts on a large one when the others are done."""
    batches: list[list[Entry]] = []
    size = _BATCH_BYTES
    for entry in sorted(entries, key=lambda each: -each.size):
        if size >= _BATCH_BYTES or len(batches[-1]) >= _BATCH_FILES:
            batches.append([])
            size = 0
        batches[-1].append(entry)
        size += entry.size
    return batches


_CHILD: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from drift_mcp.scan import extract
extract.serve()
"""


class _Died(Exception):
    """A process ended, or was ended, before it answered."""


class _Process:
    """A child that extracts batches, one after the other. For one thread; closing it is idempotent.

    A program of its own rather than a fork (this process has threads and open databases) or one of multiprocessing's
    (which import the main program again, and take the whole pool down when one of them dies).
    """

    def __init__(self, root: str) -> None:
        # The child must find us where we were found, and nothing else: we may stand in the very tree that is scanned.
        paths = json.dumps([str(Path(path).absolute()) for path in sys.path])
        command = [sys.executable, "-I", "-c", _CHILD, paths]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.send(root)

    def send(self, message: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # said by `receive`, which knows what was being done
            _write(self._process.stdin, message)

    def receive(self) -> list[Extracted]:
        assert self._process.stdout is not None
        # Nobody waits for a child for ever.
        alarm = threading.Timer(_BATCH_SECONDS, self._process.kill)
        alarm.start()
        try:
            rows = _read(self._process.stdout)
        finally:
            alarm.cancel()
        if rows is None:
            raise _Died(self._why())
        return [Extracted._make(row)._replace(problems=tuple(map(Problem._make, row[9]))) for row in rows]

    def _why(self) -> str:
        code = self._process.wait()
        return f"ended by signal {-code}" if code < 0 else f"ended with status {code}"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):  # what was still to be sent has no reader any more
                pipe.close()


def serve() -> None:
    """The child's side: a root, then batches of entries on stdin, an answer for each on stdout. Ends with its stdin."""
    # An interrupt at the terminal is for the program that started us; it closes our stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not get between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Syntax trees and facts are free of cycles, and a collection walks all of them: 10 to 20 % of the whole.
    gc.disable()
    root = _read(source)
    while (rows := _read(source)) is not None:
        found = [_extract_one(root, Entry(*row)) for row in rows]
        _write(answers, [(*each[:9], [tuple(problem) for problem in each.problems], *each[10:]) for each in found])


# Each message: its length in four bytes, then a marshalled value. Both ends are the same interpreter.
_LENGTH: Final = struct.Struct("<I")


def _write(pipe: IO[bytes], message: Any) -> None:
    blob = marshal.dumps(message)
    pipe.write(_LENGTH.pack(len(blob)))
    pipe.write(blob)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size = _LENGTH.unpack(head)[0]
    blob = pipe.read(size)
    return marshal.loads(blob) if len(blob) == size else None


def _by_processes(root: str, entries: Sequence[Entry], jobs: int) -> Iterator[Extracted]:
    batches: queue.SimpleQueue[list[Entry]] = queue.SimpleQueue()
    for batch in _batches(entries):
        batches.put(batch)
    jobs = min(jobs, batches.qsize())
    # Bounded, so that a slow consumer holds the processes back rather than the memory full.
    answers: queue.Queue[list[Extracted] | None] = queue.Queue(jobs * _WAITING)
    stopped = threading.Event()
    crew = [
        threading.Thread(target=_lead, args=(root, batches, answers, stopped), name=f"extract-{number}", daemon=True)
        for number in range(jobs)
    ]
    for each in crew:
        each.start()
    working = jobs
    try:
        while working:
            answer = answers.get()
            if answer is None:
                working -= 1
            else:
                yield from answer
    finally:
        stopped.set()
        while working:  # a leader may be waiting for room
            if answers.get() is None:
                working -= 1
        for each in crew:
            each.join()


def _lead(
    root: str,
    batches: queue.SimpleQueue[list[Entry]],
    answers: queue.Queue[list[Extracted] | None],
    stopped: threading.Event,
) -> None:
    """Leads one process at a time through batches until there are none; another takes the place of one that died."""
    process: _Process | None = None
    try:
        while not stopped.is_set():
            try:
                batch = batches.get_nowait()
            except queue.Empty:
                break
            process = process or _Process(root)
            try:
                process.send(_rows(batch))
                answers.put(process.receive())
            except _Died:
                process.close()
                process = None
                answers.put(_one_by_one(root, batch))
    finally:
        if process is not None:
            process.close()
        answers.put(None)


def _rows(batch: Iterable[Entry]) -> list[tuple[Any, ...]]:
    return [tuple(entry) for entry in batch]  # marshal takes exact tuples only


def _one_by_one(root: str, batch: Iterable[Entry]) -> list[Extracted]:
    """Each file of a batch that killed its process, so that only the guilty one goes without facts."""
    answers: list[Extracted] = []
    process: _Process | None = None
    for entry in batch:
        process = process or _Process(root)
        try:
            process.send(_rows([entry]))
            answers += process.receive()
        except _Died as death:
            process.close()
            process = None
            answers.append(_refused(entry, Problem("crash", 0, f"the process that parsed it {death}")))
    if process is not None:
        process.close()
    return answers
