"""Hundreds of edits to real files: what is cited is flagged by every edit of it, and by none of its layout alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from drift_mcp.cortex import citations
from drift_mcp.cortex.citations import AnyCited, Citation, CitedFunction, CodeState, FunctionAt, Sources
from drift_mcp.ingest import scan
from drift_mcp.project import Project
from drift_mcp.tables import cited as scanned

ROOT = Path(__file__).parent.parent.parent
FILES = [
    *(ROOT / "drift_mcp" / name for name in ("cortex/links.py", "cortex/words.py", "store/pool.py", "store/writer.py")),
    *(ROOT / "drift_mcp" / name for name in ("tools/calls.py", "project.py", "scan/python_types.py", "errors.py")),
    *sorted((ROOT / "tests" / "scan" / "corpus" / "typescript").iterdir()),
    *sorted((ROOT / "tests" / "graph" / "corpus" / "typescript").rglob("*.ts*")),
]
# So many places and functions of each file, and so many random edits of each.
PER_FILE = 3
EDITS = 2


class Target(NamedTuple):
    """Something cited, and the lines of its file that it is, counted from 0, the last one not included."""

    cited: AnyCited
    first: int
    end: int


Lines = list[str]
Edit = Callable[[Lines, Target, random.Random], Lines]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mutated")
    for number, file in enumerate(FILES):
        (root / f"f{number}{file.suffix}").write_bytes(file.read_bytes())
    return root


@pytest.fixture(scope="module")
def targets(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Target]:
    chance = random.Random(7)
    found: list[Target] = []
    with pytest.MonkeyPatch.context() as environment, Project(root) as project:
        environment.setenv("DRIFT_HOME", str(tmp_path_factory.mktemp("home")))
        scan(project, jobs=1)
        with project.read() as db:
            functions = scanned.functions(db, sorted(path.name for path in root.iterdir() if path.is_file()))
    for file, inside in functions.items():
        lines = (root / file).read_text().split("\n")
        for _ in range(PER_FILE):
            first = chance.randrange(len(lines) - 1)
            last = min(len(lines) - 1, first + chance.randrange(1, 12))
            if any(line.strip() for line in lines[first : last + 1]):
                cited: AnyCited = citations.made(root, Citation(file, first + 1, last + 1))
                found.append(Target(cited, first, last + 1))
        named = [one for one in inside if one.name.isidentifier()]
        for one in chance.sample(named, min(PER_FILE, len(named))):
            at = FunctionAt(one.id, one.start_line, one.end_line, one.decorators)
            cited = citations.function(root, at)
            assert isinstance(cited, CitedFunction) and cited.content_hash is not None, one
            source = Sources(root).read(file)
            assert source is not None
            found.append(Target(cited, source.with_decorators(at).line_start - 1, one.end_line))
    assert len(found) > 80
    return found


def after(root: Path, target: Target, text: str | None, *, also: dict[str, str] | None = None) -> CodeState:
    """The state of what is cited when its file holds `text`; None: it is gone."""
    file = root / target.cited.file
    before = file.read_bytes()
    try:
        if text is None:
            file.unlink()
        else:
            file.write_text(text, newline="")
        for name, more in (also or {}).items():
            (root / name).write_text(more, newline="")
        return Sources(root).standing(target.cited).state
    finally:
        file.write_bytes(before)
        for name in also or {}:
            (root / name).unlink()


def told(root: Path, target: Target) -> str:
    return (root / target.cited.file).read_text()


LAYOUTS: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: text,
    "indented by tabs": lambda text: re.sub("^( {4})+", lambda found: "\t" * (len(found[0]) // 4), text, flags=re.M),
    "indented deeper": lambda text: re.sub("^(?=.)", "    ", text, flags=re.M),
    "not indented": lambda text: re.sub("^[ \t]+", "", text, flags=re.M),
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "blanks behind lines": lambda text: text.replace("\n", "  \t\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "blank lines on top": lambda text: "\n\n\n" + text,
    "blank lines between": lambda text: text.replace("\n", "\n\n"),
    "no blank lines": lambda text: re.sub(r"\n\s*\n", "\n", text),
    "no line end at the end": lambda text: text.rstrip("\n"),
    "all in one line": lambda text: text.replace("\n", " "),
    "wrapped at every comma": lambda text: text.replace(",", ",\n"),
    "wrapped at every bracket": lambda text: text.replace("(", "(\n    "),
    "wrapped at every blank": lambda text: text.replace(" ", "\n"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_alone_flags_nothing(root: Path, targets: list[Target], layout: str) -> None:
    flagged = [
        (target.cited, state)
        for target in targets
        if (state := after(root, target, LAYOUTS[layout](told(root, target)))) != "unchanged"
    ]
    assert flagged == []


def _at_a_letter(lines: Lines, target: Target, chance: random.Random, change: Callable[[str, int], str]) -> Lines:
    line = chance.choice([at for at in range(target.first, target.end) if lines[at].strip()])
    at = chance.choice([at for at, letter in enumerate(lines[line]) if not letter.isspace()])
    return [*lines[:line], change(lines[line], at), *lines[line + 1 :]]


def _replaced(lines: Lines, target: Target, chance: random.Random) -> Lines:
    return _at_a_letter(lines, target, chance, lambda line, at: line[:at] + chance.choice("xyz!") + line[at + 1 :])


def _inserted(lines: Lines, target: Target, chance: random.Random) -> Lines:
    return _at_a_letter(lines, target, chance, lambda line, at: line[:at] + chance.choice("xyz!") + line[at:])


def _deleted(lines: Lines, target: Target, chance: random.Random) -> Lines:
    return _at_a_letter(lines, target, chance, lambda line, at: line[:at] + line[at + 1 :])


def _appended(lines: Lines, target: Target, chance: random.Random) -> Lines:
    line = chance.choice([at for at in range(target.first, target.end) if lines[at].strip()])
    return [*lines[:line], f"{lines[line]} + 1", *lines[line + 1 :]]


def _line_deleted(lines: Lines, target: Target, chance: random.Random) -> Lines:
    line = chance.choice([at for at in range(target.first, target.end) if lines[at].strip()])
    return [*lines[:line], *lines[line + 1 :]]


def _line_doubled(lines: Lines, target: Target, chance: random.Random) -> Lines:
    inside = [at for at in range(target.first + 1, target.end - 1) if lines[at].strip()]
    line = chance.choice(inside) if inside else len(lines)
    return [*lines[: line + 1], *lines[line:]]


def _lines_reversed(lines: Lines, target: Target, chance: random.Random) -> Lines:
    return [*lines[: target.first], *lines[target.first : target.end][::-1], *lines[target.end :]]


def _commented_out(lines: Lines, target: Target, chance: random.Random) -> Lines:
    cited = [f"// {line}" if line.strip() else line for line in lines[target.first : target.end]]
    return [*lines[: target.first], *cited, *lines[target.end :]]


def _taken_out(lines: Lines, target: Target, chance: random.Random) -> Lines:
    return [*lines[: target.first], *lines[target.end :]]


def _to_the_end(lines: Lines, target: Target, chance: random.Random) -> Lines:
    if isinstance(target.cited, CitedFunction) and target.cited.owner is None:
        return lines  # it says itself where it belongs: `View.prototype.lookup = …`
    rest = [*lines[: target.first], *lines[target.end :]]
    return [*rest, "class Elsewhere:", *(f"  {line}" for line in lines[target.first : target.end])]


EVERY_EDIT: dict[str, Edit] = {
    "one letter is another": _replaced,
    "one letter more": _inserted,
    "one letter less": _deleted,
    "something behind a line": _appended,
    "a line less": _line_deleted,
    "a line twice": _line_doubled,
    "lines in reverse": _lines_reversed,
    "commented out": _commented_out,
    "taken out": _taken_out,
    "moved to another class at the end": _to_the_end,
}


def squeezed(lines: Lines) -> str:
    return "".join("".join(lines).split())


def _edits(root: Path, targets: list[Target], edit: Edit) -> Iterator[tuple[Target, Lines, Lines]]:
    """Those that change the file, and not only to what can be taken for the same: of two equal lines one behind the
    other, nobody can tell which is gone."""
    chance = random.Random(11)
    for target in targets:
        before = told(root, target).split("\n")
        for _ in range(EDITS):
            now = edit(before, target, chance)
            same_place = squeezed(now[target.first :]).startswith(squeezed(before[target.first : target.end]))
            is_same_still = same_place and squeezed(now[: target.first]) == squeezed(before[: target.first])
            if squeezed(now) != squeezed(before) and not is_same_still:
                yield target, before, now


@pytest.mark.parametrize("edit", EVERY_EDIT)
def test_every_edit_of_what_is_cited_flags_it(root: Path, targets: list[Target], edit: str) -> None:
    made = list(_edits(root, targets, EVERY_EDIT[edit]))
    assert len(made) > 80
    unseen = [
        (target, [line for line in now if line not in before][:3])
        for target, before, now in made
        if after(root, target, "\n".join(now)) == "unchanged"
    ]
    assert unseen == []


def test_code_that_is_gone_from_its_file_is_flagged(root: Path, targets: list[Target]) -> None:
    for target in targets:
        text = told(root, target)
        assert after(root, target, None) == "gone"
        assert after(root, target, None, also={f"renamed_{target.cited.file}": text}) == "gone"
        assert after(root, target, "") in ("changed", "gone")
        lines = text.split("\n")
        rest = "\n".join(_taken_out(lines, target, random.Random()))
        if squeezed(lines[target.first : target.end]) not in squeezed(rest.split("\n")):
            block = "\n".join(lines[target.first : target.end])
            assert after(root, target, rest, also={"other.py": block}) in ("changed", "gone")


def test_a_function_is_flagged_when_it_or_its_class_gets_another_name(root: Path, targets: list[Target]) -> None:
    renamed = 0
    for target in targets:
        if not isinstance(target.cited, CitedFunction) or not target.cited.name.isidentifier():
            continue
        text = told(root, target)
        for name in {target.cited.name, target.cited.owner or target.cited.name}:
            now = re.sub(rf"\b{name}\b", f"{name}Renamed", text)
            assert after(root, target, now) != "unchanged", (target, name)
            renamed += 1
    assert renamed > 40


def test_an_edit_elsewhere_is_no_edit_of_what_is_cited(root: Path, targets: list[Target]) -> None:
    for target in targets:
        lines = told(root, target).split("\n")
        if target.end - target.first == len(lines):
            continue  # all of it is cited
        above = after(root, target, "\n".join(["first = 1", *lines]))
        assert above in (["unchanged"] if isinstance(target.cited, CitedFunction) else ["unchanged", "moved"]), target
        assert after(root, target, "\n".join([*lines, "last = 1"])) == "unchanged", target


def test_the_order_of_functions_is_their_files_affair(root: Path, targets: list[Target]) -> None:
    for target in targets:
        if isinstance(target.cited, CitedFunction) and target.cited.owner == "":
            lines = told(root, target).split("\n")
            moved = [*_taken_out(lines, target, random.Random()), *lines[target.first : target.end], "last = 1"]
            assert after(root, target, "\n".join(moved)) == "unchanged", target
