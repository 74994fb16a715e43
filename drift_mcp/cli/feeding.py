"""`drift ingest`: facts from other scanners."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from drift_mcp.cli.words import DONE, progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_mcp.ingest.foreign import Ingested
    from drift_mcp.project import Project
    from drift_mcp.tools.answer import Answer

    Progress = Callable[[str, int, int], None]


def add_to(commands: Any) -> None:
    ingest = commands.add_parser(
        "ingest",
        help="take facts from another scanner",
        description="Take facts from another scanner: all of the input, or nothing of it. docs/ingest.md tells more.",
    )
    ingest.add_argument("file", metavar="FILE|-", help="the input; - reads it from stdin")
    ingest.add_argument(
        "--format", choices=["jsonl", "scip"], default="jsonl", help="JSON Lines (the default), or a SCIP index"
    )
    ingest.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    ingest.add_argument(
        "--project",
        metavar="PATH",
        help="the project's folder or registered name (default: the nearest parent folder with .drift/, "
        "else the repository's root)",
    )
    ingest.set_defaults(run=_ingest)


def _ingest(asked: argparse.Namespace) -> int:
    # Behind the parse: `drift --help` needs none of the rooms below.
    from drift_mcp.project import Project
    from drift_mcp.tools.answer import MOST_TOKENS, budget, render
    from drift_mcp.tools.projects import OpenProjects

    with OpenProjects(None) as projects:
        root = projects.root(asked.project)
    # Not opened before the input is read: one that is malformed makes no store.
    with _opened(asked.file) as (stream, octets), Project(root) as project:
        if asked.format == "scip":
            found = _index(project, stream, progress_bar())
        else:
            found = _lines(project, stream, octets, progress_bar())
    print(render(found, "json" if asked.json else "text", budget(MOST_TOKENS)))
    return DONE


@contextlib.contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The input, and how many bytes it has, where that can be told."""
    if name == "-":
        yield sys.stdin.buffer, None
        return
    with Path(name).open("rb") as stream:
        yield stream, os.fstat(stream.fileno()).st_size


def _lines(project: Project, stream: BinaryIO, octets: int | None, tell: Progress | None) -> Answer:
    from drift_mcp.ingest import foreign, lines

    def moved(so_far: int) -> None:
        if tell is not None and octets is not None:
            tell("read", so_far, octets)

    header, rows = lines.read(stream, on_read=moved)
    return _told(project, foreign.ingest(project, header, rows, on_progress=tell))


def _told(project: Project, done: Ingested) -> Answer:
    from drift_mcp.tools import freshness
    from drift_mcp.tools.answer import Answer, count

    with project.read() as db:
        fresh = freshness.of(db)
    lines = [
        f"{project.root.name}: {done.scanner} told of {count(sum(each.given for each in done.tables), 'rows')} "
        f"in {count(done.files, 'files')}. {done.duration_ms / 1000:.1f} s."
    ]
    width = max((len(each.table) for each in done.tables), default=0)
    lines += [
        f"  {each.table:{width}}  {each.given:>9,} given  {each.added:>9,} added  {each.changed:>9,} changed  "
        f"{each.removed:>9,} removed"
        for each in done.tables
    ]
    if done.left:
        lines.append(f"{count(done.left, 'rows')} were left as a person decided.")
    return Answer(
        "\n".join(lines),
        data={
            "project": project.root.name,
            "scanner": done.scanner,
            "tables": {
                each.table: {"given": each.given, "added": each.added, "changed": each.changed, "removed": each.removed}
                for each in done.tables
            },
            "files": done.files,
            "left_as_decided": done.left,
            "duration_ms": done.duration_ms,
        },
        freshness=fresh,
    )


def _index(project: Project, stream: BinaryIO, tell: Progress | None) -> Answer:
    from drift_mcp.ingest import scip
    from drift_mcp.tools import freshness
    from drift_mcp.tools.answer import Answer, clip, count

    done = scip.ingest(project, stream, on_progress=tell)
    with project.read() as db:
        fresh = freshness.of(db)
    lines = [
        f"{project.root.name}: {done.scanner or 'the index'} tells of {count(done.documents, 'files')}. "
        f"{count(done.confirmed, 'call sites')} confirmed, {done.decided:,} decided that were not, "
        f"{done.corrected:,} corrected, {done.added:,} added; {done.outside:,} of the decided and added lead outside. "
        f"{done.duration_ms / 1000:.1f} s."
    ]
    if done.functions:
        lines.append(f"{count(done.functions, 'functions')} known by the index alone, in files that no scan has read.")
    lines.append(f"{count(done.named, 'references')} without a call: imports, annotations, functions handed over.")
    if done.left_out:
        lines.append(f"{count(sum(done.left_out.values()), 'calls')} left as they are:")
        lines += [f"  {number:>9,} {scip.LEFT_OUT[why]}" for why, number in sorted(done.left_out.items())]
    for paths, said in (
        (done.changed, "left out, for the source is another since the index was made: run the indexer again"),
        (done.missing, "of the index not found in this project"),
    ):
        if paths:
            lines.append(f"{count(len(paths), 'files')} {said} ({clip(', '.join(paths[:3]), 200)}).")
    return Answer(
        "\n".join(lines),
        data={
            "project": project.root.name,
            "scanner": done.scanner,
            "files": done.documents,
            "functions": done.functions,
            "calls": {
                "confirmed": done.confirmed,
                "decided": done.decided,
                "corrected": done.corrected,
                "added": done.added,
                "outside": done.outside,
            },
            "no_calls": done.named,
            "left_out": done.left_out,
            "changed": list(done.changed),
            "missing": list(done.missing),
            "duration_ms": done.duration_ms,
        },
        freshness=fresh,
    )
