"""`drift patterns` as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from drift_mcp.cli import main
from drift_mcp.project import Project, init
from drift_mcp.tables import scans, status

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """A command in a project that knows three conventions."""
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    root = tmp_path / "till"
    root.mkdir()
    monkeypatch.chdir(root)
    with Project(root) as project:
        init(project)
        with project.write() as tx:
            scans.start(tx, "scan", incremental=False, commit=None)
            tx.execute(
                "INSERT INTO patterns (id, name, category, severity, status, confidence_score, outlier_count, tags, "
                "auto_fixable, first_seen, source, subcategory, confidence_level) VALUES "
                "('a', 'Errors are wrapped', 'errors', 'error', 'approved', 0.9, 2, '[\"x\"]', 1, "
                "'2026-01-01T10:00:00.000Z', 'scan', 'wrap', 'high'), "
                "('b', 'Routes are async', 'api', 'hint', 'discovered', 0.7, 0, NULL, 0, "
                "'2026-02-01T10:00:00.000Z', 'scan', NULL, 'medium'), "
                "('c', 'Names are short', 'structural', 'info', 'ignored', 0.8, 1, '[\"x\", \"y\"]', 0, "
                "'2026-03-01T10:00:00.000Z', 'eslint', NULL, 'medium')"
            )
            scans.finish(tx, "scan", files_scanned=0, changed_files=0, errors=0)
            status.refresh(tx)

    def typed(*words: str) -> tuple[int, str, str]:
        ended = main(words)
        out, err = capsys.readouterr()
        return ended, out, err

    yield typed


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", "ab"),
        ("--status ignored --status approved", "ac"),
        ("--id c --id b", "cb"),
        ("--category api --category errors", "ab"),
        ("--subcategory wrap", "a"),
        ("--severity hint --severity info", "b"),
        ("--level medium", "b"),
        ("--min-confidence 0.8 --max-confidence 0.9", "a"),
        ("--auto-fixable", "a"),
        ("--no-auto-fixable", "b"),
        ("--outliers", "a"),
        ("--no-outliers", "b"),
        ("--min-outliers 3", ""),
        ("--text err", "a"),
        ("--text -y", ""),
        ("--text -x", "a"),
        ("--tag x --tag y", "a"),
        ("--source scan --sort name", "ab"),
        ("--first-seen-after 2026-02-01", "b"),
        ("--first-seen-before 2026-02-01", "a"),
        ("--last-seen-after 2020-01-01 --last-seen-before 2020-01-02", ""),
        ("--sort first-seen", "ba"),
        ("--sort first-seen --ascending", "ab"),
        ("--sort severity --ascending", "ba"),
        ("--sort confidence --ascending", "ba"),
        ("--sort outliers --descending", "ab"),
        ("--limit 1", "a"),
    ],
)
def test_each_option_says_what_is_looked_for(run: Run, words: str, found: str) -> None:
    # A text that begins with a hyphen is given behind an equals sign.
    ended, out, err = run("patterns", *words.replace("--text ", "--text=").split(), "--json")
    assert (ended, err) == (0, "")
    assert "".join(one["pattern"] for one in json.loads(out)["patterns"]) == found


def test_the_pages_follow_one_another(run: Run) -> None:
    first = json.loads(run("patterns", "--sort", "name", "--limit", "1", "--json")[1])
    words = ("patterns", "--sort", "name", "--limit", "1", "--json", "--cursor", first["next_cursor"])
    second = json.loads(run(*words)[1])
    assert [first["patterns"][0]["pattern"], second["patterns"][0]["pattern"]] == ["a", "b"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--category weather", "one of structural"),
        ("--min-confidence 2", "a number from 0 to 1"),
        ("--min-outliers -1", "0 or more"),
        ("--first-seen-after soon", "'soon' is no date"),
        ("--first-seen-after 2026-02-01 --first-seen-before 2026-01-01", "the wrong way round?"),
        ("--file nowhere.py", "No file 'nowhere.py'"),
        ("--cursor abc", "none that this tool gave"),
        ("a --tag x", "Leave out the other options"),
        ("a --sort name", "Leave out the other options"),
        ("a --file x.py --file y.py", "Leave out the other options"),
        ("nosuch", "No pattern 'nosuch'"),
    ],
)
def test_what_cannot_be_meant_ends_with_two_and_says_why(run: Run, words: str, said: str) -> None:
    ended, out, err = run("patterns", *words.split())
    assert (ended, out) == (2, "")
    assert said in err and err.startswith("drift: ")


@pytest.mark.parametrize("words", ["--sort weather", "--status good", "--level all", "--ascending --descending"])
def test_an_unknown_word_is_refused_with_those_that_there_are(run: Run, words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run("patterns", *words.split())
    assert ended.value.code == 2
