"""What is said of memories when their vectors, their model or their settings are not all there."""

from __future__ import annotations

from drift_mcp.cortex.memories import NewMemory
from drift_mcp.project import Project
from drift_mcp.tools.files import FileContext, file_context
from drift_mcp.tools.status import DriftStatus, drift_status


def attention(project: Project) -> list[str]:
    said: list[str] = drift_status(project, DriftStatus()).data["attention"]
    return [line for line in said if "memor" in line or "config.toml" in line]


def configured(project: Project, text: str) -> None:
    """As it is read by a process that begins now."""
    project.close()
    (project.store.parent / "config.toml").write_text(text)


def test_how_many_texts_have_their_vector_is_said_until_all_have(shop: Project) -> None:
    assert attention(shop) == []
    for each in range(3):
        shop.memory.add(NewMemory("tribal", f"Case {each}: the card was charged once"))
    assert attention(shop) == ["0 of 3 texts of memories have their vector; the rest: found by words"]
    assert drift_status(shop, DriftStatus()).data["vectors"] == {"ready": 0, "pending": 3}
    assert shop.memory.wait_for_vectors(60)
    assert attention(shop) == []
    assert drift_status(shop, DriftStatus()).data["vectors"] == {"ready": 3, "pending": 0}


def test_a_model_that_is_not_there_needs_attention_when_there_are_memories(shop: Project) -> None:
    configured(shop, "[memory]\nmodel = './nowhere'\n")
    assert attention(shop) == []
    shop.memory.add(NewMemory("tribal", "The card is charged once"))
    (said,) = attention(shop)
    assert said.startswith("memories are found by their words only: the model './nowhere' needs the package")


def test_settings_that_cannot_be_read_cost_the_memories_and_nothing_else(shop: Project) -> None:
    configured(shop, "[memory]\nmodel = 3\n")
    (said,) = attention(shop)
    assert "`model` of [memory] is 3" in said
    status = drift_status(shop, DriftStatus())
    assert (status.data["memories"], status.data["model"], status.data["vectors"]) == (None, None, None)
    assert status.data["functions"] > 0
    context = file_context(shop, FileContext(file="app/crud.py"))
    assert any("What is remembered about it is not known" in note for note in context.notes)
