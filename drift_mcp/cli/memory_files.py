"""`drift memory export` and `drift memory import`: memories as a file, out of one store and into another."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from drift_mcp.cli.words import DONE, WRONG, project

if TYPE_CHECKING:
    from drift_mcp.cortex.cortex import Cortex
    from drift_mcp.cortex.transfer.merge import Taken

_JSONL = "jsonl"
_GRAPH = "knowledge-graph"


def add_to(actions: Any) -> None:
    """The actions of `drift memory` that write a file of memories, and read one."""
    export = actions.add_parser(
        "export",
        help="everything remembered, with its history, as JSON Lines",
        description="Everything remembered, with its whole history, as JSON Lines. Vectors are not part of it: "
        "they are made again from the words.",
    )
    export.add_argument("file", nargs="?", default="-", metavar="FILE|-", help="where to (default: stdout)")
    export.add_argument("--force", action="store_true", help="replace FILE if it is there")
    project(export)
    export.add_argument("--json", action="store_true", help="say as JSON what was written to FILE")
    export.set_defaults(run=_export)

    take = actions.add_parser(
        "import",
        help="take memories from a file: all of it, or nothing",
        description="Take memories from a file: all of it, or nothing. What is here already is not added again, and "
        "what the file knows more of is added to.",
    )
    take.add_argument("file", metavar="FILE|-", help="the input; - reads it from stdin")
    take.add_argument(
        "--format",
        choices=[_JSONL, _GRAPH],
        help="what `drift memory export` wrote, or the file of @modelcontextprotocol/server-memory (default: as it "
        "begins)",
    )
    take.add_argument(
        "--on-conflict",
        choices=["refuse", "keep"],
        default="refuse",
        help="when another history of a memory is here: import nothing (the default), or keep what is here",
    )
    take.add_argument("--dry-run", action="store_true", help="only say what would be done")
    project(take)
    take.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    take.set_defaults(run=_import)


# ---------------------------------------------------------------------------------------------------------------------
# Out


def _export(asked: argparse.Namespace) -> int:
    # Behind the parse, as below: `drift --help` needs no store.
    from drift_mcp.tools.answer import count

    root = _root(asked)
    if asked.file == "-":
        with _kept(root) as memory, tempfile.TemporaryFile() as written:
            # A reader of ours that takes its time must not hold on to the store's past meanwhile.
            memory.export(written.write)
            written.seek(0)
            shutil.copyfileobj(written, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return DONE
    target = Path(asked.file)
    _refuse_store(root, target)
    _refuse_target(target, replace=asked.force)
    with _kept(root) as memory:
        octets, counts = _written(memory, target)
    if asked.json:
        print(json.dumps({"file": asked.file, "bytes": octets, **counts}, ensure_ascii=False, separators=(",", ":")))
    else:
        print(
            f"{root.name}: {count(counts['memories'], 'memories')} and "
            f"{count(counts['relationships'], 'relationships')} written to {asked.file} ({octets:,} bytes)."
        )
    return DONE


def _written(memory: Cortex, target: Path) -> tuple[int, dict[str, int]]:
    """Writes the file, whole or not at all; its size, and what its first line counts."""
    from drift_mcp.store import durable

    part = target.with_name(f".{target.name}-{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            memory.export(file.write)
            octets = file.tell()
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            counts: dict[str, int] = json.loads(file.readline())
        durable.renamed(part, target)
    finally:
        part.unlink(missing_ok=True)
    del counts["drift_memories"]
    return octets, counts


def _refuse_target(target: Path, *, replace: bool) -> None:
    from drift_mcp.errors import DriftError

    if target.exists() and not target.is_file():
        raise DriftError(f"{str(target)!r} is there and is no plain file. Name a file, or `-` for stdout.")
    if target.exists() and not replace:
        raise DriftError(f"{str(target)!r} is there already. Name another file, or replace it with --force.")
    if not target.parent.is_dir():
        raise DriftError(f"There is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")


# ---------------------------------------------------------------------------------------------------------------------
# In


def _import(asked: argparse.Namespace) -> int:
    root = _root(asked)
    with _input(root, asked.file) as stream:
        form = asked.format or _form_of(stream)
        with _taking(root, is_dry=asked.dry_run) as memory:
            if form == _GRAPH:
                taken = memory.take_graph(stream, dry_run=asked.dry_run)
            else:
                taken = memory.take(stream, on_conflict=asked.on_conflict, dry_run=asked.dry_run)
            waiting = memory.standing().vectors_pending if taken.is_written else 0
    if asked.json:
        told = {"format": form, "dry_run": asked.dry_run, **_described(taken), "vectors_pending": waiting}
        print(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
    else:
        print("\n".join(_told(root.name, taken, waiting, is_dry=asked.dry_run)))
    if not taken.problems:
        return DONE
    what = "1 problem" if len(taken.problems) == 1 else f"{len(taken.problems):,} problems"
    print(
        f"drift: {asked.file} has {what}, and nothing was imported. Put the lines right and import it again.",
        file=sys.stderr,
    )
    return WRONG


@contextlib.contextmanager
def _input(root: Path, name: str) -> Iterator[BinaryIO]:
    """The input, to be read more than once."""
    if name == "-":
        with tempfile.TemporaryFile() as spooled:
            shutil.copyfileobj(sys.stdin.buffer, spooled)
            spooled.seek(0)
            yield spooled
        return
    _refuse_store(root, Path(name))
    with Path(name).open("rb") as file:
        yield file


def _form_of(stream: BinaryIO) -> str:
    """What the input is, by its first line with something on it."""
    from drift_mcp import jsonl
    from drift_mcp.cortex.transfer import knowledge_graph, reading

    for _, found in reading.lines(stream):
        if not (isinstance(found, jsonl.Malformed) and found.is_blank):
            break
    else:
        found = {}
    stream.seek(0)
    return _GRAPH if isinstance(found, dict) and knowledge_graph.is_one(found) else _JSONL


# As many as fit a screen; the JSON form has all of them.
_SHOWN = 20
_COLUMNS = ("found", "imported", "merged", "already there", "refused")


def _told(name: str, taken: Taken, waiting: int, *, is_dry: bool) -> list[str]:
    from drift_mcp.tools.answer import cell, clip, count

    imported = sum(each.imported + each.merged for each in taken.counts.values())
    if taken.problems:
        head = f"{name}: nothing was imported."
    elif is_dry:
        head = f"{name}: nothing was written. Without --dry-run, {count(imported, 'lines')} would be imported."
    else:
        head = f"{name}: {count(imported, 'lines')} imported."
    width = max((len(about) for about in taken.counts), default=0)
    lines = [head, " " * (width + 2) + "".join(f"  {each:>13}" for each in _COLUMNS)]
    lines += [
        f"  {about:{width}}" + "".join(f"  {number:>13,}" for number in counts)
        for about, counts in taken.counts.items()
    ]
    if taken.kept:
        lines.append(f"{count(len(taken.kept), 'memories')} kept as they are here: {clip(', '.join(taken.kept), 200)}.")
    if waiting:
        lines.append(
            f"{count(waiting, 'texts')} wait for their vector and are found by words meanwhile: "
            "a server makes them, and so does `drift memory search`."
        )
    lines += [f"line {line}: {clip(cell(what), 400)}" for line, what in taken.problems[:_SHOWN]]
    if len(taken.problems) > _SHOWN:
        lines.append(f"and {len(taken.problems) - _SHOWN:,} more; --json lists them all.")
    return lines


def _described(taken: Taken) -> dict[str, Any]:
    return {
        "is_written": taken.is_written,
        "counts": {about: counts._asdict() for about, counts in taken.counts.items()},
        "kept": list(taken.kept),
        "problems": [problem._asdict() for problem in taken.problems],
    }


# ---------------------------------------------------------------------------------------------------------------------
# The store


def _root(asked: argparse.Namespace) -> Path:
    from drift_mcp.tools.projects import OpenProjects

    return OpenProjects(None).root(asked.project)


@contextlib.contextmanager
def _kept(root: Path) -> Iterator[Cortex]:
    """What is remembered about that project."""
    from drift_mcp.errors import NotInitialised
    from drift_mcp.tools.projects import OpenProjects

    with OpenProjects(None) as projects:
        found = projects.get(root, create=False)
        if found is None or not found.has_memory:
            raise NotInitialised(f"Nothing is remembered about {root.name} yet, so there is nothing to export.")
        yield found.memory


@contextlib.contextmanager
def _taking(root: Path, *, is_dry: bool) -> Iterator[Cortex]:
    """The memory of that project, made if there is none; for a dry run one that is nowhere stands for it."""
    from drift_mcp.cortex.cortex import Cortex
    from drift_mcp.tools.projects import OpenProjects

    with OpenProjects(None) as projects:
        found = projects.get(root, create=not is_dry)
        if found is not None:
            yield found.memory
            return
    with tempfile.TemporaryDirectory() as folder, Cortex.open(Path(folder) / "cortex.db", root) as memory:
        yield memory


def _refuse_store(root: Path, file: Path) -> None:
    """A plain look at a live database would drop the locks that SQLite holds for this process."""
    from drift_mcp.errors import DriftError
    from drift_mcp.project import FOLDER

    if file.resolve().is_relative_to((root / FOLDER).resolve()):
        raise DriftError(f"{str(file)!r} lies in {FOLDER}, among the store's own files. Name a file elsewhere.")
