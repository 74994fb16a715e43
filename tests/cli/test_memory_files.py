"""`drift memory export` and `import` as a person runs them: files, stdin and stdout, and with which status they end."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from drift_mcp.cli import main

GRAPH = (
    '{"type":"entity","name":"Ana","entityType":"person","observations":["Speaks Spanish"]}\n'
    '{"type":"entity","name":"Acme","entityType":"organization","observations":[]}\n'
    '{"type":"relation","from":"Ana","to":"Acme","relationType":"works_at"}\n'
)
FIELDS = ("found", "imported", "merged", "already_there", "refused")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    for name in ("shop", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    (tmp_path / "shop" / "graph.jsonl").write_text(GRAPH)
    return tmp_path / "shop"


class Said:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, status: int = 0) -> str:
        """What was said on stdout, or with a status other than 0 on both."""
        got = main(["memory", *words])
        out, err = self._capsys.readouterr()
        assert got == status, f"{got}: {out}{err}"
        assert bool(err) == (status != 0)
        return out + err


@pytest.fixture
def drift(capsys: pytest.CaptureFixture[str], project: Path) -> Said:
    return Said(capsys)


def test_a_knowledge_graph_is_recognised_and_told_as_a_table(drift: Said) -> None:
    said = drift("import", "graph.jsonl").splitlines()
    assert said[0] == "shop: 3 lines imported."
    assert [line.split() for line in said[1:4]] == [
        ["found", "imported", "merged", "already", "there", "refused"],
        ["entities", "2", "2", "0", "0", "0"],
        ["relations", "1", "1", "0", "0", "0"],
    ]
    assert said[4].startswith("2 texts wait for their vector")
    assert "entities" in drift("import", "graph.jsonl", "--format", "knowledge-graph")


def test_what_goes_out_comes_in_elsewhere_and_goes_out_the_same(drift: Said, project: Path) -> None:
    drift("import", "graph.jsonl")
    said = drift("export", "memories.jsonl")
    written = (project / "memories.jsonl").read_bytes()
    assert said == f"shop: 2 memories and 1 relationship written to memories.jsonl ({len(written):,} bytes).\n"
    other = str(project.parent / "other")
    told = json.loads(drift("import", "memories.jsonl", "--json", "--project", other))
    assert told["counts"]["memories"] == dict(zip(FIELDS, (2, 2, 0, 0, 0), strict=True))
    assert (told["format"], told["is_written"], told["vectors_pending"]) == ("jsonl", True, 2)
    assert drift("export", "--project", other).encode() == written
    told = json.loads(drift("import", "memories.jsonl", "--json", "--project", other))
    assert told["counts"]["memories"] == dict(zip(FIELDS, (2, 0, 0, 2, 0), strict=True))
    assert [path.name for path in project.iterdir() if path.name.endswith(".part")] == []


def test_memories_come_from_stdin(drift: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GRAPH.encode())))
    assert "shop: 3 lines imported." in drift("import", "-")


def test_a_dry_run_makes_no_store(drift: Said, project: Path) -> None:
    assert "Without --dry-run, 3 lines would be imported" in drift("import", "graph.jsonl", "--dry-run")
    assert not (project / ".drift").exists()
    drift("import", "graph.jsonl")
    assert "0 lines would be imported" in drift("import", "graph.jsonl", "--dry-run")


def test_a_file_that_is_there_is_replaced_only_when_told(drift: Said, project: Path) -> None:
    drift("import", "graph.jsonl")
    assert "is there already" in drift("export", "graph.jsonl", status=2)
    assert (project / "graph.jsonl").read_text() == GRAPH
    told = json.loads(drift("export", "graph.jsonl", "--force", "--json"))
    assert told["bytes"] == (project / "graph.jsonl").stat().st_size
    assert (told["file"], told["memories"], told["relationships"]) == ("graph.jsonl", 2, 1)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("export", ".drift/cortex.db", "--force"), "among the store's own files"),
        (("export", "../shop/.drift/x.jsonl"), "among the store's own files"),
        (("import", ".drift/cortex.db"), "among the store's own files"),
        (("export", "/dev/null", "--force"), "is no plain file"),
        (("export", "."), "is no plain file"),
        (("export", "none/x.jsonl"), "There is no folder 'none'"),
        (("import", "none.jsonl"), "No such file"),
        (("import", "."), "Is a directory"),
        (("export", "--project", "../other"), "Nothing is remembered about other yet"),
        (("import", "other.txt"), "Line 1: no JSON"),
        (("import", "empty.txt"), "Line 1: the input is empty"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    drift: Said, project: Path, words: tuple[str, ...], problem: str
) -> None:
    drift("import", "graph.jsonl")
    (project / "other.txt").write_text("to do: write\n")
    (project / "empty.txt").write_text("")
    said = drift(*words, status=2)
    assert problem in said
    assert said.count("\n") == 1


def test_lines_at_fault_are_listed_and_nothing_is_imported(drift: Said, project: Path) -> None:
    (project / "graph.jsonl").write_text(
        GRAPH + '{"type":"relation","from":"Bo","to":"Cy","relationType":"knows"}\nno\n'
    )
    said = drift("import", "graph.jsonl", status=2).splitlines()
    assert said[0] == "shop: nothing was imported."
    assert said[-1].startswith("drift: graph.jsonl has 2 problems, and nothing was imported.")
    assert [line.split(":")[0] for line in said if line.startswith("line ")] == ["line 4", "line 5"]
    assert "2 memories" not in drift("list")
