"""From a `drift-ignore` comment in the source to what an answer says of the place below it."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from drift_mcp import ingest
from drift_mcp.project import Project
from drift_mcp.scan.python import facts_of
from drift_mcp.tables import patterns, status, suppressions
from drift_mcp.tools.answer import Answer, budget, render
from drift_mcp.tools.facts import ListFacts, list_facts
from drift_mcp.tools.files import FileContext, file_context
from drift_mcp.tools.patterns import QueryPatterns, query_patterns
from drift_mcp.tools.status import DriftStatus, drift_status

_TICKS = itertools.count(1_700_000_000_000_000_000, 1_000_000)

KEPT = "def f{0}(x):\n    try:\n        return x\n    except ValueError:\n        raise\n\n\n"
# Line 4 does not keep to it.
BROKEN = "def g(x):\n    try:\n        return x\n    except Exception:{0}\n        raise\n"
KEY = "errors.except-breadth"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of projects lies in the test's own folder."""
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "drift-home"))


def made(root: Path) -> Path:
    root.mkdir()
    write(root, {f"m{n}.py": "".join(KEPT.format(k) for k in range(6)) for n in range(5)})
    return root


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Thirty handlers that name their exceptions, and in odd.py one that does not."""
    root = made(tmp_path / "shop")
    write(root, {"odd.py": BROKEN.format("")})
    with Project(root) as opened:
        ingest.scan(opened, jobs=1)
        yield opened


def write(root: Path, sources: Mapping[str, str | None]) -> None:
    for path, source in sources.items():
        place = root / path
        if source is None:
            place.unlink(missing_ok=True)
            continue
        place.write_text(source, encoding="utf-8")
        # A later time each: two writes may fall into one tick of the file system's clock.
        tick = next(_TICKS)
        os.utime(place, ns=(tick, tick))


def scan(project: Project, odd: str | None) -> None:
    write(project.root, {"odd.py": odd})
    ingest.scan(project, jobs=1)


def document(answer: Answer) -> Any:
    return json.loads(render(answer, "json", budget(None)))


def text(answer: Answer) -> str:
    return render(answer, "text", budget(None))


def pattern(project: Project) -> dict[str, Any]:
    found = document(query_patterns(project, QueryPatterns(category="errors")))["patterns"]
    (one,) = (each for each in found if each["name"] == "Exceptions are caught by name")
    whole: dict[str, Any] = document(query_patterns(project, QueryPatterns(pattern=one["pattern"])))["patterns"][0]
    assert (whole["outliers"], whole["suppressed"]) == (one["outliers"], one["suppressed"])
    return whole


def odd(project: Project) -> list[tuple[int, str | None]]:
    """Line and why it is suppressed, of the outliers."""
    return [(at["line"], at["suppressed"]) for at in pattern(project)["places"] if at["outlier"]]


DEFAULT = "a drift-ignore comment that gives no reason"

SUPPRESSED: list[tuple[str, str]] = [
    (BROKEN.format("  # drift-ignore"), DEFAULT),
    (BROKEN.format(f"  # drift-ignore {KEY}: the library"), "the library"),
    (BROKEN.format("  # drift-ignore api, errors until 2999-01-01 -- so"), "so"),
    (BROKEN.format("").replace("    except", "    # drift-ignore: so\n    except"), "so"),
    (BROKEN.format("").replace("return x", "return x  # drift-ignore-next-line"), DEFAULT),
    ("# drift-ignore-file errors: old code\n" + BROKEN.format(""), "old code"),
]
NOT_SUPPRESSED = [
    BROKEN.format(""),
    BROKEN.format("  # drift-ignore api"),
    BROKEN.format("  # drift-ignore until 2001-01-01"),
    BROKEN.format("  # drift-ignore erors"),
    BROKEN.format("\n        '# drift-ignore-file'"),
    "# drift-ignore\n" + BROKEN.format(""),
    "'''\n# drift-ignore-file\n'''\n" + BROKEN.format(""),
]


@pytest.mark.parametrize(("source", "why"), SUPPRESSED)
def test_a_suppressed_outlier_is_shown_as_such_and_not_counted(project: Project, source: str, why: str) -> None:
    before = pattern(project)
    assert (before["outliers"], before["suppressed"]) == (1, 0)
    scan(project, source)
    after = pattern(project)
    assert [reason for _, reason in odd(project)] == [why]
    assert (after["outliers"], after["suppressed"]) == (0, 1)
    same = ("pattern", "name", "confidence", "locations", "severity")
    assert [after[name] for name in same] == [before[name] for name in same]


@pytest.mark.parametrize("source", NOT_SUPPRESSED)
def test_an_outlier_elsewhere_counts(project: Project, source: str) -> None:
    scan(project, source)
    assert [reason for _, reason in odd(project)] == [None]
    assert (pattern(project)["outliers"], pattern(project)["suppressed"]) == (1, 0)


def test_a_comment_by_the_patterns_id(project: Project) -> None:
    number = pattern(project)["pattern"]
    scan(project, BROKEN.format(f"  # drift-ignore {number}"))
    assert pattern(project)["suppressed"] == 1
    scan(project, BROKEN.format("  # drift-ignore 0123456789abcdef"))
    assert pattern(project)["suppressed"] == 0
    assert "0123456789abcdef  waiting: no such pattern now" in text(
        list_facts(project, ListFacts(domain="suppressions"))
    )


def test_answers_name_what_is_suppressed(project: Project) -> None:
    scan(project, BROKEN.format("  # drift-ignore: the library") + BROKEN.format("").replace("g", "h"))
    listed = text(query_patterns(project, QueryPatterns(category="errors")))
    assert "1 outlier and 1 suppressed  [" in listed
    assert "  suppressed odd.py:4  catches everything; elsewhere: " in listed
    assert "(the library)" in listed
    one = text(query_patterns(project, QueryPatterns(pattern=pattern(project)["pattern"])))
    assert one.index("OUTLIER  catches everything") < one.index("SUPPRESSED  catches everything")
    assert "(suppressed: the library)" in one
    here = text(file_context(project, FileContext(file="odd.py")))
    assert "Suppressed outliers here" in here and "(suppressed: the library)" in here
    found = document(file_context(project, FileContext(file="odd.py")))
    assert ([each["line"] for each in found["outliers"]], [each["why"] for each in found["suppressed"]]) == (
        [9],
        ["the library"],
    )


def test_what_is_suppressed_needs_no_attention(project: Project) -> None:
    with project.write() as tx:
        tx.execute("UPDATE patterns SET status = 'approved' WHERE convention = ?", (KEY,))
        status.refresh(tx)
    assert any(
        "1 outlier of an approved" in said for said in document(drift_status(project, DriftStatus()))["attention"]
    )
    scan(project, BROKEN.format("  # drift-ignore until 2999-01-01"))
    assert document(drift_status(project, DriftStatus()))["attention"] == []
    # As if that day had come.
    with project.write() as tx:
        tx.execute("UPDATE pattern_suppressions SET expires_at = '2001-01-01T23:59:59.999Z'")
    for _ in range(2):
        assert [reason for _, reason in odd(project)] == [None]
        assert pattern(project)["outliers"] == 1
        (said,) = document(drift_status(project, DriftStatus()))["attention"]
        assert "1 outlier of an approved convention" in said
        ingest.scan(project, jobs=1)  # nothing has changed, but the day has come
    with project.read() as db:
        assert db.execute("SELECT outlier_count FROM patterns WHERE convention = ?", (KEY,)).get == 1
        assert not suppressions.due(db)
    assert "expired after 2001-01-01" in text(list_facts(project, ListFacts(domain="suppressions")))


def test_a_comment_that_is_not_understood_is_told(project: Project) -> None:
    scan(project, BROKEN.format("  # drift-ignore erors"))
    assert "1 drift-ignore comment not understood" in text(drift_status(project, DriftStatus()))
    assert "comment: This drift-ignore comment does nothing: 'erors'" in text(
        list_facts(project, ListFacts(domain="problems"))
    )
    scan(project, BROKEN.format("  # drift-ignore errors"))
    assert document(drift_status(project, DriftStatus()))["attention"] == []


def test_a_comment_that_is_taken_out_counts_no_more(project: Project) -> None:
    for gone in (BROKEN.format(""), "x = 1\n", None):
        scan(project, BROKEN.format("  # drift-ignore"))
        assert document(list_facts(project, ListFacts(domain="suppressions")))["total"] == 1
        scan(project, gone)
        assert document(list_facts(project, ListFacts(domain="suppressions")))["total"] == 0


def test_a_persons_word_outlives_the_file_and_every_scan(project: Project) -> None:
    with project.write() as tx:
        suppressions.add(tx, file="odd.py", line=4, convention=KEY, reason="legacy", by="ada")
        patterns.recount(tx)
        status.refresh(tx)
    for source in (BROKEN.format("\n"), None, BROKEN.format("")):
        scan(project, source)
        ingest.scan(project, jobs=1, full=True)
    assert odd(project) == [(4, "legacy")]
    assert "line  errors.except-breadth  in force  1 outlier  ada: legacy" in text(
        list_facts(project, ListFacts(domain="suppressions"))
    )


def test_facts_of_suppressions_say_their_state(project: Project) -> None:
    scan(project, BROKEN.format("  # drift-ignore errors until 2999-01-01: the library"))
    (fact,) = document(list_facts(project, ListFacts(domain="suppressions")))["facts"]
    assert (fact["file"], fact["line"]) == ("odd.py", 4)
    said = "line  errors  in force until 2999-01-01  1 outlier  the library"
    assert said in text(list_facts(project, ListFacts(domain="suppressions")))
    assert {name: fact[name] for name in ("state", "outliers", "origin", "category", "expires_at")} == {
        "state": "in force",
        "outliers": 1,
        "origin": "comment",
        "category": "errors",
        "expires_at": "2999-01-01T23:59:59.999Z",
    }


def test_the_comments_in_the_readme_are_understood() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    found = facts_of("a.py", source.encode())
    assert found.problems == ()
    assert [(each.line, each.end_line, each.target) for each in found.ignored] == [
        (3, 3, "errors"),
        (8, 8, "types"),
        (0, 0, "documentation"),
        (0, 0, "0c1dff61f32a8938"),
    ]


VISIBLE = (
    "SELECT id, convention, location_count, outlier_count, confidence_score FROM patterns ORDER BY id",
    "SELECT * FROM v_pattern_locations ORDER BY 1, 2, 3, 4",
    "SELECT scope, file, line, end_line, category, pattern_id, detector_id, reason, expires_at, is_active, origin "
    "FROM v_pattern_suppressions ORDER BY 2, 3, 4, 5, 6, 7, 8",
    "SELECT pattern_id, file, line, reason, in_force FROM v_suppressed_outliers ORDER BY 1, 2, 3, 4",
    "SELECT * FROM v_file_problems ORDER BY 1, 2, 3, 4",
)


def test_scans_of_edits_end_where_a_fresh_scan_would(project: Project, tmp_path: Path) -> None:
    sources = [source for source, _ in SUPPRESSED] + NOT_SUPPRESSED
    for number, source in enumerate([*sources, *reversed(sources), None, sources[0]]):
        scan(project, source)
        with Project(made(tmp_path / f"fresh{number}")) as other:
            write(other.root, {"odd.py": source})
            ingest.scan(other, jobs=1)
            with project.read() as db, other.read() as fresh:
                for question in VISIBLE:
                    assert db.execute(question).fetchall() == fresh.execute(question).fetchall(), source
