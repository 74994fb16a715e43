"""Cited code that changed is flagged; code that was only laid out anew is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drift_mcp.cortex import citations
from drift_mcp.cortex.citations import Citation, FunctionAt
from drift_mcp.errors import DriftError

Edit = Callable[[str], str]


@pytest.mark.parametrize(
    ("what", "edit", "state"),
    [
        ("nothing", lambda code: code, "unchanged"),
        ("indentation", lambda code: code.replace("    ", "\t"), "unchanged"),
        ("windows line ends", lambda code: code.replace("\n", "\r\n"), "unchanged"),
        ("re-wrapped", lambda code: code.replace("(card, amount):", "(\n    card,\n    amount\n):"), "unchanged"),
        ("blank lines inside", lambda code: code.replace("    return", "\n\n    return"), "unchanged"),
        ("lines above", lambda code: "import bank\n\n" + code, "moved"),
        ("moved below", lambda code: code[code.index("def refund") :] + "\n" + code, "moved"),
        ("one sign", lambda code: code.replace("<= 0", "< 0"), "changed"),
        ("the end of a line", lambda code: code.replace("card, amount)\n\n", "card, amount) or None\n\n"), "changed"),
        ("renamed", lambda code: code.replace("charge_card", "charge"), "changed"),
        ("lines taken out", lambda code: code[code.index("def refund") :], "changed"),
        ("emptied", lambda code: "", "changed"),
    ],
)
def test_cited_lines_after_an_edit(project: Path, what: str, edit: Edit, state: str) -> None:
    file = project / "app" / "pay.py"
    cited = citations.made(project, Citation("app/pay.py", 1, 4))
    file.write_text(edit(file.read_text()), newline="")
    assert citations.state(project, [cited]) == state, what


def test_a_whole_file_is_cited_by_all_of_its_text(project: Path) -> None:
    cited = citations.made(project, Citation("app/pay.py"))
    file = project / "app" / "pay.py"
    file.write_text("\n\n" + file.read_text())
    assert citations.state(project, [cited]) == "unchanged"
    file.write_text(file.read_text() + "x = 1\n")
    assert citations.state(project, [cited]) == "changed"


def test_a_memory_is_as_stale_as_its_stalest_citation(project: Path) -> None:
    (project / "app" / "old.py").write_text("x = 1\n")
    cited = [citations.made(project, Citation(name)) for name in ("app/pay.py", "app/old.py")]
    assert citations.state(project, cited) == "unchanged"
    (project / "app" / "old.py").unlink()
    assert citations.state(project, cited) == "gone"
    assert citations.state(project, []) == "unlinked"


@pytest.mark.parametrize(
    ("text", "citation"),
    [
        ("app/pay.py", Citation("app/pay.py")),
        ("app/pay.py:3", Citation("app/pay.py", 3, 3)),
        ("app/pay.py:3-8", Citation("app/pay.py", 3, 8)),
        ("odd:name", Citation("odd:name")),
        ("odd:3-x", Citation("odd:3-x")),
    ],
)
def test_a_citation_as_somebody_writes_it(text: str, citation: Citation) -> None:
    assert citations.asked(text) == citation


@pytest.mark.parametrize(
    ("citation", "message"),
    [
        (Citation("app/none.py"), "no file 'app/none.py'"),
        (Citation("../outside.py"), "outside the project"),
        (Citation("/etc/passwd"), "outside the project"),
        (Citation("app/pay.py", 5, 2), "no range"),
        (Citation("app/pay.py", 0, 2), "no range"),
        (Citation("app/pay.py", 400, 402), "nothing to cite"),
        (Citation(" "), "no path"),
        (Citation("a\ud800"), "no path"),
    ],
)
def test_what_cannot_be_cited_is_refused(project: Path, citation: Citation, message: str) -> None:
    with pytest.raises(DriftError, match=message):
        citations.made(project, citation)


def test_a_link_out_of_the_project_is_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("secret = 1\n")
    (project / "app" / "inside.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(DriftError, match="no file"):
        citations.made(project, Citation("app/inside.py"))


def test_what_is_too_large_to_be_code_is_not_cited(project: Path) -> None:
    (project / "app" / "data.csv").write_bytes(b"1,2,3\n" * 800_000)
    with pytest.raises(DriftError, match="larger than 4 MB"):
        citations.made(project, Citation("app/data.csv"))


def test_of_several_copies_none_is_taken_for_another(project: Path) -> None:
    """A line that stands twice: when one of them is no more, the other is not where it has moved to."""
    file = project / "app" / "pay.py"
    code = file.read_text() + "\n\ndef credit(card, amount):\n    return bank.book(card, -amount)\n"
    file.write_text(code)
    cited = citations.made(project, Citation("app/pay.py", 8, 8))
    assert cited.copies == 2
    file.write_text(code.replace("-amount)", "-amount, 0)", 1))
    assert citations.state(project, [cited]) == "changed"
    file.write_text("import bank\n" + code)
    assert citations.state(project, [cited]) == "moved"


def test_lines_that_are_not_the_functions_own_are_not_taken_for_its_text(project: Path) -> None:
    known = citations.function(project, FunctionAt("app/pay.py::refund", 7, 8))
    assert known.content_hash is not None and known.owner == ""
    for first, last in ((1, 4), (40, 44)):
        assert citations.function(project, FunctionAt("app/pay.py::refund", first, last)).content_hash is None
