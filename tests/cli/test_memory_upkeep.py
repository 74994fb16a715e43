"""`drift memory validate`, `consolidate` and `forget` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.cli import main
from drift_mcp.cortex.citations import FunctionAt
from drift_mcp.cortex.cortex import NewMemory
from drift_mcp.project import Project

SOURCE = """\
def tax(amount):
    return amount * 0.2


def total(amount):
    return amount + tax(amount)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.py").write_text(SOURCE)
    monkeypatch.chdir(root)
    return root


def remember(root: Path, text: str, **given: Any) -> None:
    with Project(root) as opened:
        opened.memory.add(NewMemory("tribal", text, **given))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(words)
    out, err = capsys.readouterr()
    assert err == ""
    return status, out


def validated(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    status, out = run(capsys, "memory", "validate", "--json", *more)
    return status, json.loads(out)


def test_before_anything_was_remembered_nothing_is_stale(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    assert run(capsys, "memory", "validate") == (0, "0 memories looked at; none is stale.\n")


def test_it_shows_first_and_does_it_when_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "scan")
    remember(project, "Taxes are a fifth.", functions=[FunctionAt("till.py::tax", 1, 2)])
    remember(project, "Totals are with tax.", files=["till.py:5-6"])
    assert run(capsys, "memory", "validate") == (0, "2 memories looked at; none is stale.\n")
    (project / "till.py").write_text("import bank\n\n" + SOURCE.replace("0.2", "0.25"))

    # What only moved has gone along with the look at the source; nothing else happens before it is told to.
    for _ in range(2):
        status, out = run(capsys, "memory", "validate")
        assert status == 1
        assert "The code has changed (1)" in out and "till.py::tax has changed" in out
        assert "--apply: confidence 1.00 → 0.70; if it still holds: `drift memory revise mem_" in out
        assert "2 memories looked at; 1 not true as they are." in out
        assert "The code has moved" not in out

    status, out = run(capsys, "memory", "validate", "--apply")
    assert status == 0 and "Done: flagged 1." in out
    status, out = run(capsys, "memory", "validate")
    assert status == 0 and "none is stale, 1 flagged before." in out


def test_the_json_form_is_one_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "scan")
    remember(project, "Taxes are a fifth.", files=["till.py:1-2"])
    (project / "till.py").unlink()
    status, told = validated(capsys)
    (finding,) = told.pop("findings")
    assert (status, told) == (1, {"memories": 1, "stale": 1, "cut": False, "fresh": True, "run": None})
    assert finding.pop("memory").startswith("mem_") and "0.30" in finding.pop("effect")
    assert finding == {
        "summary": "Taxes are a fifth.",
        "kind": "gone",
        "found": "till.py:1-2 is gone",
        "stale": True,
        "applicable": True,
        "flagged": False,
    }
    status, told = validated(capsys, "--apply")
    assert (status, told["run"]["flagged"], told["run"]["stale"]) == (0, 1, 1)
    assert validated(capsys)[0] == 0


def test_what_only_a_person_can_decide_stays_a_no(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    remember(project, "The queue keeps messages for a week.")
    remember(project, "The queue keeps its messages for a week.")
    status, told = validated(capsys, "--apply")
    assert status == 1 and [one["kind"] for one in told["findings"]] == ["same"]
    command = told["findings"][0]["effect"].split("`")[1]
    assert run(capsys, *command.split()[1:])[0] == 0
    assert validated(capsys)[0] == 0


def test_more_than_anybody_reads_is_counted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "scan")
    goods = ["apples", "pears", "plums", "figs", "dates", "limes", "kiwis", "nuts", "leeks", "beans", "peas", "corn"]
    for each in goods:
        remember(project, f"Prices of {each} come without tax.", files=["till.py:1-2"])
    (project / "till.py").unlink()
    out = run(capsys, "memory", "validate")[1]
    assert "The code is gone (12)" in out and "  and 2 more; --json names them all" in out
    assert len(validated(capsys)[1]["findings"]) >= 12


def told(root: Path, *said: str) -> list[str]:
    """Adds episodes, each an interaction of its own; their ids."""
    with Project(root) as opened:
        return [
            opened.memory.add(
                NewMemory("episodic", {"interaction": {"userQuery": f"question {number}", "agentResponse": text}})
            ).memory
            for number, text in enumerate(said)
        ]


def test_consolidation_shows_first_and_is_done_when_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    assert run(capsys, "memory", "consolidate") == (0, "0 episodes looked at; none repeats what others say.\n")
    episodes = told(project, *["Taxes are rounded up"] * 3, "Taxes are never rounded up", "Tills open at nine")
    for _ in range(2):
        status, out = run(capsys, "memory", "consolidate")
        assert status == 0
        assert "New knowledge (1)\n  Taxes are rounded up\n    confidence 0.47\n" in out
        assert f"    told by {', '.join(episodes[:3])}\n" in out
        assert f"    opposed by {episodes[3]}: one affirms what the other denies\n" in out
        assert "into the archive (3)" in out and "5 episodes looked at. `drift memory consolidate --apply`" in out
    status, out = run(capsys, "memory", "consolidate", "--apply")
    assert status == 0 and "5 episodes looked at. Done: made 1, archived 3." in out
    assert run(capsys, "memory", "consolidate", "--apply") == (
        0,
        "2 episodes looked at. Done: nothing was to be done.\n",
    )


def test_consolidation_as_json_tells_all_of_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    episodes = told(project, *["Taxes are rounded up"] * 3)
    _, out = run(capsys, "memory", "consolidate", "--json", "--apply")
    document = json.loads(out)
    (learned,) = document["learned"]
    assert (learned["memory"], learned["knowledge"]) == (None, "Taxes are rounded up")
    assert [each["episode"] for each in learned["supporting"]] == episodes
    assert [(each["episode"], each["learned"]) for each in document["settled"]] == [(each, [0]) for each in episodes]
    assert document["run"]["created"] == 1 and document["run"]["id"].startswith("cons_")


def test_forgetting_shows_what_would_go_and_what_stays(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    with Project(project) as opened:
        memory = opened.memory.add(NewMemory("tribal", "Ada Byron pays by card", files=["till.py"])).memory
        other = opened.memory.add(NewMemory("semantic", "Ada Byron pays by card, always")).memory
    run(capsys, "backup", "create")
    status, out = run(capsys, "memory", "forget", memory)
    assert status == 0
    assert "Would be erased, for good: 1 version, 1 wording, 1 link.\n" in out
    assert f"  {other}  100% of its wording is the same: Ada Byron pays by card, always\n" in out
    assert "  .drift/backups/cortex-" in out and "Nothing was changed." in out
    status, out = run(capsys, "memory", "forget", memory, "--json")
    document = json.loads(out)
    assert (document["versions"], document["forgotten_at"], document["has_traces"]) == (1, None, None)
    assert len(document["copies"]) == 1 and document["repeating"][0]["memory"] == other
    status, out = run(capsys, "memory", "forget", memory, "--apply", "--reason", "Ada asked")
    assert status == 0 and "Its bytes are gone from the store and its log" in out
    for words in (["show", memory], ["forget", memory], ["revise", memory, "again"]):
        assert main(["memory", *words]) == 2
        assert "was forgotten on" in capsys.readouterr().err
