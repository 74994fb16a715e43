"""What the doctor says of vectors, of the model that makes them and of the query cache, and the vectors it makes."""

from __future__ import annotations

import pytest

from drift_mcp import doctor
from drift_mcp.cortex.memories import NewMemory
from drift_mcp.cortex.minilm import DEFAULT_MODEL
from drift_mcp.doctor import Finding, Report
from drift_mcp.project import Project


def found(report: Report, check: str) -> Finding:
    (one,) = (each for each in report.findings if each.check == check)
    return one


def remember(project: Project, number: int) -> None:
    for each in range(number):
        project.memory.add(NewMemory("tribal", f"Case {each}: the card was charged once"))


def test_vectors_that_wait_are_made_now_and_how_far_is_told(project: Project) -> None:
    remember(project, 20)
    before = doctor.examine(project)
    assert before.is_well
    assert found(before, "pending").what.startswith("texts of memories that have their vector: 0 of 20")
    told: list[tuple[str, int, int]] = []
    after = doctor.mend(project, lambda stage, done, total: told.append((stage, done, total)))
    assert found(after, "pending").done == "made: 20 texts of memories have their vector"
    assert told == [("vectors", 0, 20), ("vectors", 16, 20), ("vectors", 20, 20)]
    facts = doctor.examine(project).facts["cortex.db"]
    assert (facts["vectors"], facts["vectors_pending"]) == (20, 0)


def test_the_model_its_state_and_the_caches_are_facts(project: Project) -> None:
    remember(project, 1)
    assert project.memory.wait_for_vectors(60)
    for question in ("who pays", "who pays", "error handling"):
        assert project.memory.search(question).found_by == "words and meaning"
    project.close()
    facts = doctor.examine(project).facts["cortex.db"]
    assert {name: facts[name] for name in facts if name.startswith(("model", "vectors", "questions"))} == {
        "model": DEFAULT_MODEL.name,
        "model_state": "installed",
        "model_reason": None,
        "vectors": 1,
        "vectors_pending": 0,
        "questions_in_database": 1,
        "questions_shipped": 427,
        "questions_from_memory": 1,
        "questions_from_database": 0,
        "questions_from_shipped": 1,
        "questions_from_model": 1,
    }


def test_a_model_that_is_not_there_is_said_and_its_vectors_are_not_promised(project: Project) -> None:
    remember(project, 2)
    (project.store.parent / "config.toml").write_text("[memory]\nmodel = './nowhere'\n")
    report = doctor.examine(project)
    assert report.is_well
    assert found(report, "model").what.startswith("memories are found by their words only: the model './nowhere'")
    assert not found(report, "pending").is_fixable
    facts = report.facts["cortex.db"]
    assert (facts["model_state"], facts["vectors_pending"]) == ("absent", 2)
    assert str(facts["model_reason"]).startswith("the model './nowhere' needs the package sentence-transformers")


def test_settings_that_cannot_be_read_are_found_and_the_rest_is_looked_at(project: Project) -> None:
    (project.store.parent / "config.toml").write_text("[memory]\nmodel = 3\n")
    report = doctor.examine(project)
    assert not report.is_well
    assert "`model` of [memory] is 3" in found(report, "settings").what
    assert report.facts["cortex.db"]["model"] == DEFAULT_MODEL.name


@pytest.mark.parametrize("setting", ["[memory]\nmodel = 3\n", "[memory"])
def test_what_mends_the_rest_leaves_settings_alone(project: Project, setting: str) -> None:
    remember(project, 1)
    path = project.store.parent / "config.toml"
    path.write_text(setting)
    assert not doctor.mend(project).is_well
    assert path.read_text() == setting
