"""Who calls whom: annotated projects in corpus/, where carets say what a call must lead to, and what it must not.

A comment of carets speaks of the code line above it. The carets stand under the name that is called:

    #   ^^^^^ calls shop.cart.Cart.total                  exactly this function
    #   ^^^^^ calls shop.cart.Cart.total by self          … found in this way
    #   ^^^^^ calls a.f and b.f                           exactly these, no third
    #   ^^^^^ calls nothing known                         no function of the project
    #   ^^^^^ calls outside requests.get                  something outside the project, by that name
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from drift_mcp.graph.modules import PathAlias, WorkspacePackage
from drift_mcp.graph.resolve import Edge
from drift_mcp.scan import packages, walk

CORPUS = Path(__file__).parent / "corpus"
_NOTE = re.compile(r"^\s*(?:#|//)[ ]*(?P<carets>\^+) calls (?P<what>.+?)\s*$")
_CARETS = re.compile(r"^\s*(?:#|//)[ ]*\^")


class Note(NamedTuple):
    line: int
    column: int
    width: int
    what: str


def notes_in(source: str) -> Iterator[Note]:
    code_line = 0
    for number, text in enumerate(source.splitlines(), 1):
        if not _CARETS.match(text):
            code_line = number
            continue
        found = _NOTE.match(text)
        assert found is not None, f"line {number} has carets that say nothing: {text.strip()}"
        yield Note(code_line, found.start("carets"), len(found["carets"]), found["what"])


def said(name_of: Callable[[tuple[str, int]], str], edges: list[Edge], label: bool) -> str:
    """What the resolver found at one place, in the words of the notes."""
    targets = sorted({name_of(edge.target) for edge in edges if edge.target is not None})
    if targets:
        ways = sorted({edge.resolution for edge in edges if edge.target is not None})
        return " and ".join(targets) + (f" by {' and '.join(ways)}" if label else "")
    outside = [edge.symbol for edge in edges if edge.resolution in ("external", "builtin")]
    return f"outside {outside[0]}" if outside else "nothing known"


def projects() -> list[Path]:
    return sorted(folder for family in CORPUS.iterdir() for folder in family.iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", projects(), ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_calls_lead_where_the_carets_say(folder: Path, link: Callable[..., Any]) -> None:
    listing = walk.walk(folder)
    modules = packages.read(folder, listing).modules
    sources = {entry.path: (folder / entry.path).read_text() for entry in listing.files}
    linked = link(
        sources,
        [PathAlias(each.directory, each.base, each.paths) for each in modules.aliases],
        [WorkspacePackage(each.name, each.directory, each.entries) for each in modules.packages],
    )
    wrong: list[str] = []
    count = 0
    for path, source in sources.items():
        edges = linked.edges(path)
        lines = source.splitlines()
        for note in notes_in(source):
            count += 1
            place = f"{path}:{note.line}"
            text = lines[note.line - 1].encode()[note.column : note.column + note.width].decode()
            here = [edge for edge in edges if (edge.line, edge.column) == (note.line, note.column)]
            sites = [call for call in linked.facts[path].calls if (call.line, call.column) == (note.line, note.column)]
            if not here and not sites:
                wrong.append(f"{place} no call begins under the carets: {text}")
                continue
            expected, by, way = note.what.partition(" by ")
            expected = " and ".join(sorted(expected.split(" and ")))
            found = said(linked.name_of, here, bool(by))
            if found != expected + by + way:
                wrong.append(f"{place} {text}: expected {expected}{by}{way}, found {found}")
    assert not wrong, "\n".join(wrong)
    assert count > 0, "a project without carets proves nothing"
