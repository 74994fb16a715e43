"""Two times: what was believed when, and what was true when."""

from __future__ import annotations

import pytest

from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.memories import NewMemory, Revision
from drift_mcp.errors import DriftError

from .conftest import Clock

JAN, FEB, MAR, APR, MAY, JUN = (f"2026-0{month}-01" for month in range(1, 7))


@pytest.fixture
def story(cortex: Cortex, clock: Clock) -> Cortex:
    """January: sessions last 30 minutes. February: corrected to 45. March: 60, and that since mid-February.
    April: the rule for carts is added and in May archived. June is now."""
    clock.set(JAN)
    thirty = cortex.add(NewMemory("semantic", "A session lasts thirty minutes", summary="thirty")).memory
    clock.set(FEB)
    cortex.revise(thirty, Revision(content="A session lasts fortyfive minutes", summary="fortyfive"))
    clock.set(MAR)
    cortex.add(
        NewMemory(
            "semantic", "A session lasts sixty minutes", summary="sixty", supersedes=thirty, valid_from="2026-02-15"
        )
    )
    clock.set(APR)
    cart = cortex.add(NewMemory("semantic", "A session keeps its cart", summary="cart")).memory
    clock.set(MAY)
    cortex.archive(cart)
    clock.set(JUN)
    return cortex


@pytest.mark.parametrize(
    ("as_of", "valid_at", "found"),
    [
        (None, None, {"sixty"}),
        # What the same question would have found then.
        ("2025-12-31", None, set()),
        ("2026-01-15", None, {"thirty"}),
        ("2026-02-10", None, {"fortyfive"}),
        ("2026-02-20", None, {"fortyfive"}),  # nobody knew yet that sixty had begun
        ("2026-03-10", None, {"sixty"}),
        ("2026-04-10", None, {"sixty", "cart"}),
        ("2026-05-10", None, {"sixty"}),
        ("2030-01-01", None, {"sixty"}),
        # What was true then, as believed now.
        (None, "2025-12-31", set()),
        (None, "2026-01-15", {"fortyfive"}),  # the correction holds for all of its time
        (None, "2026-02-14T23:59:59.999Z", {"fortyfive"}),
        (None, "2026-02-15", {"sixty"}),  # half-open: the end of one is the beginning of the other
        (None, "2026-07-01", {"sixty"}),
        # What was believed then about another time.
        ("2026-01-15", "2026-02-20", {"thirty"}),
        ("2026-02-20", "2026-01-15", {"fortyfive"}),
        ("2026-03-10", "2026-02-14", {"fortyfive"}),
        ("2026-03-10", "2026-02-16", {"sixty"}),
        # The very instant of a change belongs to the new belief.
        ("2026-02-01", None, {"fortyfive"}),
        ("2026-01-31T23:59:59.999Z", None, {"thirty"}),
    ],
)
def test_a_question_about_a_time(story: Cortex, as_of: str | None, valid_at: str | None, found: set[str]) -> None:
    filters = Filters(as_of=as_of, valid_at=valid_at)
    assert {hit.summary for hit in story.search("session", filters).hits} == found
    assert {hit.summary for hit in story.search(None, filters).hits} == found


def test_a_past_question_meets_the_words_of_that_time(story: Cortex) -> None:
    assert story.search("fortyfive").hits == ()
    assert [hit.version for hit in story.search("thirty", Filters(as_of="2026-01-15")).hits] == [1]
    assert story.search("thirty", Filters(as_of="2026-02-15")).hits == ()


def test_two_changes_in_one_instant_of_the_clock_stay_apart(cortex: Cortex) -> None:
    memory = cortex.add(NewMemory("semantic", "one")).memory
    for confidence in (0.2, 0.4, 0.6):
        cortex.revise(memory, Revision(confidence=confidence))
    history = cortex.get(memory).history
    assert [each.confidence for each in history] == [1.0, 0.2, 0.4, 0.6]
    stamps = [each.recorded_at for each in history]
    assert stamps == sorted(set(stamps))
    assert [each.recorded_to for each in history] == [*stamps[1:], None]
    for each in history:
        assert cortex.get(memory, as_of=each.recorded_at).memory.confidence == each.confidence


def test_a_clock_set_back_does_not_reorder_what_was_believed(cortex: Cortex, clock: Clock) -> None:
    clock.set(MAR)
    memory = cortex.add(NewMemory("semantic", "one")).memory
    clock.set(JAN)
    cortex.revise(memory, Revision(confidence=0.5))
    first, second = cortex.get(memory).history
    assert first.recorded_at < second.recorded_at


def test_superseded_from_before_it_began_a_memory_was_never_true(cortex: Cortex, clock: Clock) -> None:
    clock.set(FEB)
    old = cortex.add(NewMemory("semantic", "wrong guess about sessions")).memory
    cortex.add(NewMemory("semantic", "right word on sessions", supersedes=old, valid_from=JAN))
    for valid_at in (JAN, FEB, MAR):
        found = cortex.search("sessions", Filters(valid_at=valid_at)).hits
        assert [hit.summary for hit in found] == ["right word on sessions"]
    assert cortex.get(old).memory.superseded_by is not None


@pytest.mark.parametrize(
    ("as_of", "archived", "found"),
    [
        ("2026-04-10", False, {"sixty", "cart"}),  # archived now, and not then
        ("2026-05-10", False, {"sixty"}),  # archived then
        ("2026-05-10", True, {"sixty", "cart"}),
        (None, True, {"sixty", "cart"}),
    ],
)
def test_archived_is_what_was_archived_at_the_moment_asked_about(
    story: Cortex, as_of: str | None, archived: bool, found: set[str]
) -> None:
    filters = Filters(as_of=as_of, include_archived=archived)
    assert {hit.summary for hit in story.search("session", filters).hits} == found
    assert {hit.summary for hit in story.search(None, filters).hits} == found


def id_of(story: Cortex, summary: str) -> str:
    everything = [
        story.search(None, Filters(as_of=day, include_archived=True)).hits for day in (FEB, MAR, APR, MAY, JUN)
    ]
    return next(hit.memory for hits in everything for hit in hits if hit.summary == summary)


@pytest.mark.parametrize(
    ("summary", "as_of", "valid_at", "said"),
    [
        ("fortyfive", None, None, "fortyfive"),
        ("fortyfive", "2026-01-15", None, "thirty"),
        ("fortyfive", None, "2026-02-01", "fortyfive"),
        ("fortyfive", "2026-01-15", "2026-06-01", "thirty"),  # its end was not known yet
        ("sixty", None, "2026-02-15", "sixty"),
        ("cart", "2026-04-15", "2026-04-15", "cart"),
        ("cart", None, None, "cart"),
    ],
)
def test_one_memory_at_both_times(
    story: Cortex, summary: str, as_of: str | None, valid_at: str | None, said: str
) -> None:
    assert story.get(id_of(story, summary), as_of, valid_at).memory.summary == said


@pytest.mark.parametrize(
    ("summary", "as_of", "valid_at", "message"),
    [
        ("fortyfive", None, "2026-02-15", "it was from 2026-01-01T00:00:00.000Z until 2026-02-15T00:00:00.000Z"),
        ("fortyfive", "2026-02-10", "2025-12-31", "it is from 2026-01-01T00:00:00.000Z on"),
        ("sixty", None, "2026-02-14", "it is from 2026-02-15T00:00:00.000Z on"),
        ("sixty", "2026-02-20", "2026-02-20", "not yet recorded at 2026-02-20"),
    ],
)
def test_what_was_not_true_then_says_when_it_was(
    story: Cortex, summary: str, as_of: str | None, valid_at: str, message: str
) -> None:
    with pytest.raises(DriftError, match=message):
        story.get(id_of(story, summary), as_of, valid_at)


@pytest.mark.parametrize(
    ("as_of", "valid_at", "versions"),
    [
        (None, None, [1, 2, 3]),
        ("2026-02-10", None, [1, 2]),
        ("2026-01-10", None, [1]),
        (None, "2026-02-10", [1, 2, 3]),
        (None, "2026-02-01", [1, 2, 3]),
        ("2026-02-10", "2026-03-10", [1, 2]),  # when those were recorded, no end was known
    ],
)
def test_the_history_at_both_times(story: Cortex, as_of: str | None, valid_at: str | None, versions: list[int]) -> None:
    history = story.get(id_of(story, "fortyfive"), as_of, valid_at).history
    assert [each.version for each in history] == versions


@pytest.mark.parametrize(
    ("as_of", "valid_at", "beside"),
    [
        (None, None, {"sixty", "cart"}),
        (None, "2026-02-01", set()),  # neither had begun
        ("2026-03-10", None, {"sixty"}),
        ("2026-02-10", None, set()),
    ],
)
def test_what_is_related_at_both_times(
    story: Cortex, clock: Clock, as_of: str | None, valid_at: str | None, beside: set[str]
) -> None:
    memory = id_of(story, "fortyfive")
    story.relate(memory, "related", id_of(story, "cart"))
    assert {each.summary for each in story.get(memory, as_of, valid_at).neighbours} == beside


def test_what_is_superseded_cannot_supersede_what_superseded_it(cortex: Cortex) -> None:
    first = cortex.add(NewMemory("semantic", "A session lasts thirty minutes")).memory
    second = cortex.add(NewMemory("semantic", "A session lasts sixty minutes", supersedes=first)).memory
    third = cortex.add(NewMemory("semantic", "A session lasts ninety minutes", supersedes=second)).memory
    for newer in (second, third):
        with pytest.raises(DriftError, match="is itself superseded by"):
            cortex.relate(first, "supersedes", newer)
    assert [hit.memory for hit in cortex.search("session").hits] == [third]


@pytest.mark.parametrize(
    ("given", "stamp"),
    [
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("2026-03-01T14:30", "2026-03-01T14:30:00.000Z"),
        ("2026-03-01T14:30:00.1239Z", "2026-03-01T14:30:00.123Z"),
        ("2026-03-01T14:30:00+02:00", "2026-03-01T12:30:00.000Z"),
    ],
)
def test_times_are_kept_in_one_form(cortex: Cortex, given: str, stamp: str) -> None:
    memory = cortex.add(NewMemory("semantic", "one", valid_from=given)).memory
    assert cortex.get(memory).memory.valid_from == stamp
