"""What is found, by what, in which order and why."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from drift_mcp.cortex import ranking, words
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.memories import NewMemory
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.errors import DriftError

from .conftest import Clock

NOTES = {
    "cards": NewMemory("tribal", "Charge a card once: the bank books every attempt", tags=["Billing"]),
    "guests": NewMemory("semantic", "getUserId gives None for guests", tags=["auth"]),
    "login": NewMemory("decision_context", "Signing in goes through Google, so we keep no passwords", tags=["auth"]),
    "deploy": NewMemory("procedural", "Ship on Tuesday mornings", importance="high"),
    "schema": NewMemory("pattern_rationale", "Table names are plural snake_case", patterns=["00ff00ff00ff00ff"]),
    "pay": NewMemory("code_smell", "refund repeats what charge does", files=["app/pay.py:7-8"]),
    "override": NewMemory("constraint_override", "Reports may use raw SQL", functions=["app/report.py::monthly"]),
}


def told(cortex: Cortex) -> dict[str, str]:
    return {cortex.add(new).memory: name for name, new in NOTES.items()}


def names(cortex: Cortex, ids: dict[str, str], question: str | None, filters: Filters | None = None) -> list[str]:
    return [ids[hit.memory] for hit in cortex.search(question, filters).hits]


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("charging a card", "cards"),
        ("what does get user id give", "guests"),
        ("getUserId", "guests"),
        ("user_id", "guests"),
        ("tuesdays", "deploy"),
        ("snake case tables", "schema"),
        ("billing", "cards"),
        ("monthly", "override"),
        ("app/report.py", "override"),
        ("pay.py", "pay"),
    ],
)
def test_by_words_alone_the_right_memory_is_first(cortex: Cortex, question: str, first: str) -> None:
    ids = told(cortex)
    found = cortex.search(question)
    assert ids[found.hits[0].memory] == first
    assert (found.found_by, found.model) == ("words", "absent")


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   ",
        '"',
        'charge" OR "card',
        "charge AND",
        "NEAR(charge card)",
        "-charge",
        "charge*",
        "summary:charge",
        "^charge",
        "charge^2",
        "(charge",
        "{charge}",
        "col : x",
        "'; DROP TABLE memories; --",
        "charge \x00 card",
        "charge \ud800\udfff card",
        "🔥 charge 🔥",
        "🔥",
        "the of and",
        "__ _ __",
        "\u202e\u200b",
        "カード charge",
        "charge " * 15_000,
        "x" * 100_000,
        " ".join(f"word{n}" for n in range(12_000)),
    ],
    ids=lambda question: ascii(question)[:24],
)
def test_a_question_may_hold_anything(thinking: Cortex, question: str) -> None:
    ids = told(thinking)
    assert thinking.wait_for_vectors(60)
    found = thinking.search(question)
    if "charge" in question and "AND" not in question:
        assert ids[found.hits[0].memory] in ("cards", "pay")
    assert all(hit.memory in ids for hit in found.hits)


@pytest.mark.parametrize(
    ("question", "filters", "found"),
    [
        (None, Filters(types=["tribal", "semantic"]), {"cards", "guests"}),
        (None, Filters(tags=["AUTH"]), {"guests", "login"}),
        (None, Filters(tags=["auth", "billing"]), {"guests", "login", "cards"}),
        (None, Filters(tags=["auth"], types=["semantic"]), {"guests"}),
        (None, Filters(files=["app/pay.py"]), {"pay"}),
        (None, Filters(files=["./app/pay.py"]), {"pay"}),
        (None, Filters(files=["app/"]), {"pay", "override"}),
        (None, Filters(files=["app/report.py"]), {"override"}),
        (None, Filters(files=["app/p"]), set()),
        (None, Filters(functions=["app/report.py::monthly"]), {"override"}),
        (None, Filters(patterns=["00ff00ff00ff00ff"]), {"schema"}),
        (None, Filters(importance=["high", "critical"]), {"deploy"}),
        ("charge", Filters(types=["code_smell"]), {"pay"}),
        ("charge", Filters(files=["app/pay.py"]), {"pay"}),
        ("charge", Filters(types=["procedural"]), set()),
    ],
)
def test_filters_choose_who_may_be_found(
    cortex: Cortex, question: str | None, filters: Filters, found: set[str]
) -> None:
    ids = told(cortex)
    assert set(names(cortex, ids, question, filters)) == found


@pytest.mark.parametrize(
    ("files", "functions", "found"),
    [
        (["app/pay.py"], [], ["pay"]),
        (["app/report.py"], [], ["override"]),
        ([], ["app/report.py::monthly"], ["override"]),
        (["app/pay.py"], ["app/report.py::monthly"], ["override", "pay"]),
        (["app/other.py"], ["app/report.py::yearly"], []),
    ],
)
def test_what_speaks_of_a_file_or_a_function(
    cortex: Cortex, files: list[str], functions: list[str], found: list[str]
) -> None:
    ids = told(cortex)
    assert [ids[hit.memory] for hit in cortex.about(files, functions).hits] == found


def test_filters_apply_before_the_cut_to_words_and_to_meaning(thinking: Cortex) -> None:
    for n in range(150):
        thinking.add(NewMemory("semantic", f"Charge the card number {n} once and only once"))
    wanted = thinking.add(NewMemory("tribal", "A remark on ledgers, with charge said at its very end")).memory
    assert thinking.wait_for_vectors(60)
    found = thinking.search("charge the card once", Filters(types=["tribal"]))
    assert [hit.memory for hit in found.hits] == [wanted]
    assert found.found_by == "words and meaning"
    assert {"words_rank", "meaning_rank"} <= found.hits[0].why.keys()


def test_meaning_finds_what_shares_no_word(thinking: Cortex) -> None:
    ids = told(thinking)
    assert thinking.wait_for_vectors(60)
    found = thinking.search("authentication provider")
    assert ids[found.hits[0].memory] == "login"
    assert "words_rank" not in found.hits[0].why
    assert found.hits[0].why["meaning_rank"] == 1


def test_every_factor_of_the_rank_is_given(thinking: Cortex) -> None:
    told(thinking)
    assert thinking.wait_for_vectors(60)
    why = thinking.search("charge a card", intent="fix_bug").hits[0].why
    assert set(why) == {
        "words_rank", "bm25", "meaning_rank", "cosine", "match", "intent", "confidence", "recency", "factors",
    }  # fmt: skip


def test_linked_memories_come_along(cortex: Cortex) -> None:
    ids = {name: memory for memory, name in told(cortex).items()}
    assert len(cortex.search("tuesday").hits) == 1
    cortex.relate(ids["schema"], "supports", ids["deploy"])
    cortex.relate(ids["guests"], "contradicts", ids["deploy"])
    found = cortex.search("tuesday").hits
    assert [hit.memory for hit in found] == [ids["deploy"], ids["schema"]]
    assert found[1].why["linked"] > 0
    assert [hit.memory for hit in cortex.search("tuesday", Filters(types=["procedural"])).hits] == [ids["deploy"]]


@pytest.mark.parametrize(
    ("near", "nearness"),
    [
        (["app/pay.py"], {"pay": 1.07, "override": 1.03}),
        (["./app/pay.py"], {"pay": 1.07, "override": 1.03}),
        (["app/"], {"pay": 1.03, "override": 1.03}),
        (["app/cart.py"], {"pay": 1.03, "override": 1.03}),
        (["app/report.py::monthly"], {"pay": 1.03, "override": 1.1}),
        (["app/report.py::yearly"], {"pay": 1.03, "override": 1.07}),
        (["app/pay.py", "app/report.py::monthly"], {"pay": 1.07, "override": 1.1}),
        (["setup.py"], {}),
        (["web/pay.py"], {}),
        ([], {}),
    ],
)
def test_what_lies_near_ranks_higher_and_nothing_is_left_out(
    cortex: Cortex, near: list[str], nearness: dict[str, float]
) -> None:
    ids = told(cortex)
    question = "charge monthly tuesday billing snake_case"
    found = cortex.search(question, near=near).hits
    assert {ids[hit.memory]: hit.why["near"] for hit in found if "near" in hit.why} == nearness
    assert {hit.memory for hit in found} == {hit.memory for hit in cortex.search(question).hits}


def test_what_speaks_of_the_same_code_comes_up_together_unless_a_crowd_does(cortex: Cortex) -> None:
    for n in range(ranking.CROWD // 2):
        cortex.add(NewMemory("semantic", f"Order {n} is shipped", files=["app/pay.py"]))
    hits = cortex.search("order shipped", limit=100).hits
    assert all("same_code" in hit.why for hit in hits)
    assert cortex.search("order shipped", Filters(types=["tribal"])).hits == ()
    for n in range(ranking.CROWD):
        cortex.add(NewMemory("tribal", f"Remark {n}", files=["app/pay.py"]))
    assert all("same_code" not in hit.why for hit in cortex.search("order shipped", limit=100).hits)


def test_code_that_has_changed_costs_a_place_now_and_not_in_the_past(
    cortex: Cortex, project: Path, clock: Clock
) -> None:
    (project / "app" / "inn.py").write_text("def rooms(): ...\n")
    cited = cortex.add(NewMemory("semantic", "Cards are charged at noon", files=["app/pay.py"])).memory
    other = cortex.add(
        NewMemory("semantic", "Cards are charged by guests", files=["app/inn.py"], importance="critical")
    ).memory
    clock.set("2026-02-01")
    order = [cited, other]
    assert [hit.memory for hit in cortex.search("cards charged").hits] == order
    (project / "app" / "pay.py").write_text("def pay(): ...\n")
    found = cortex.search("cards charged").hits
    assert [hit.memory for hit in found] == order[::-1]
    assert (found[1].code, found[1].why["code"]) == ("changed", 0.9)
    before = cortex.search("cards charged", Filters(as_of="2026-01-15")).hits
    assert [hit.memory for hit in before] == order
    assert (before[0].code, "code" in before[0].why) == ("changed", False)


@pytest.mark.parametrize("question", ["order shipped", None])
def test_what_was_sent_is_left_out_for_who_asks_for_the_unseen(cortex: Cortex, question: str | None) -> None:
    for n in range(5):
        cortex.add(NewMemory("semantic", f"Order {n} is shipped from depot {n}"))
    everything = cortex.search(question).hits
    cortex.note_sent((hit.memory, hit.version) for hit in everything[:2])
    unseen = cortex.search(question, unseen=True)
    assert (unseen.total, unseen.already_sent) == (3, 2)
    assert {hit.memory for hit in unseen.hits} == {hit.memory for hit in everything[2:]}
    again = cortex.search(question)
    assert (again.total, again.already_sent) == (5, 0)
    # A new version was not sent.
    cortex.confirm(everything[0].memory)
    unseen = cortex.search(question, unseen=True)
    assert (unseen.total, unseen.already_sent) == (4, 1)
    cortex.note_sent((hit.memory, hit.version) for hit in unseen.hits)
    unseen = cortex.search(question, unseen=True)
    assert (unseen.hits, unseen.total, unseen.already_sent) == ((), 0, 5)


def test_without_vectors_to_compare_with_a_question_is_answered_by_words(thinking: Cortex) -> None:
    """`billing` is among the questions whose vectors are shipped, so that it has one before there is a model."""
    ids = told(thinking)
    found = thinking.search("billing")
    if found.pending == len(NOTES):
        assert found.found_by == "words"
    assert thinking.wait_for_vectors(60)
    found = thinking.search("billing")
    assert (found.found_by, ids[found.hits[0].memory]) == ("words and meaning", "cards")


def test_pages_follow_each_other_without_a_gap(cortex: Cortex) -> None:
    for n in range(12):
        cortex.add(NewMemory("semantic", f"Order {n} is shipped from depot {n}"))
    whole = [hit.memory for hit in cortex.search("order shipped depot", limit=12).hits]
    pages = [cortex.search("order shipped depot", limit=5, offset=offset) for offset in (0, 5, 10)]
    assert [hit.memory for page in pages for hit in page.hits] == whole
    assert {page.total for page in pages} == {12}


@pytest.mark.parametrize(
    ("filters", "intent", "message"),
    [
        (Filters(types=["tribe"]), None, "Nearest: 'tribal'"),
        (Filters(importance=["urgent"]), None, "No importance 'urgent'"),
        (Filters(as_of="last week"), None, "'as_of' is 'last week'"),
        (Filters(valid_at="2026-13-01"), None, "'valid_at' is '2026-13-01'"),
        (Filters(), "fix_bugs", "Nearest: 'fix_bug'"),
    ],
)
def test_a_wrong_argument_is_named(cortex: Cortex, filters: Filters, intent: str | None, message: str) -> None:
    with pytest.raises(DriftError, match=message):
        cortex.search("charge", filters, intent)


def test_until_the_model_is_ready_the_answer_says_that_it_is_by_words(project: Path, clock: Clock) -> None:
    with Cortex.open(project / "cortex.db", project, clock=clock) as cortex:
        told(cortex)
        # `search` begins to load the model and does not wait for it.
        found = cortex.search("charge a card")
        assert (found.found_by, found.pending) == ("words", len(NOTES))
        assert found.model == "loading"
        assert cortex.wait_for_vectors(60)
        found = cortex.search("charge a card")
        assert (found.found_by, found.model, found.pending) == ("words and meaning", "ready", 0)


def test_where_nothing_is_remembered_no_model_is_loaded(project: Path, clock: Clock) -> None:
    with Cortex.open(project / "cortex.db", project, clock=clock) as cortex:
        assert cortex.search("charge a card").hits == ()
        assert cortex.standing().model == "cold"
        assert not [thread for thread in threading.enumerate() if thread.name == "cortex-vectors"]


def test_a_broken_model_is_said_and_words_still_find(project: Path, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"broken")
    embedder = Embedder(MiniLM(tmp_path / "model.onnx"))
    with Cortex.open(project / "cortex.db", project, clock=clock, embedder=embedder) as cortex:
        told(cortex)
        assert cortex.wait_for_model(60) == "failed"
        found = cortex.search("charge a card")
        assert (found.found_by, found.model) == ("words", "failed")
        assert "sha256" in found.model_reason
        assert found.hits


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Why do we retry the payment?", ["retry", "payment"]),
        ("getUserId", ["getuserid", "get", "user", "id"]),
        ("HTTPServer_error2", ["httpserver_error2", "http", "server", "error", "2"]),
        ("to be or not to be", ["to", "be", "or", "not"]),
        ("", []),
        ("___", []),
        ("übergröße 日", ["übergröße", "日"]),
    ],
)
def test_the_words_that_carry_meaning(text: str, terms: list[str]) -> None:
    assert words.terms(text) == terms


def test_the_two_halves_of_the_match_add_up() -> None:
    scores = ranking.fused([(1, 9.0), (2, 3.0)], [(2, 0.8), (3, 0.6)])
    # By rank: 1/4 and 1/5 of the two lists, scaled to the best possible 2/4; by measure: of bm25 a third of the best,
    # of cosine from best 1 to worst 0; all halved.
    assert scores[1][0] == pytest.approx(0.5 * 0.5 + 0.5 * 0.5)
    assert scores[2][0] == pytest.approx(0.5 * (0.4 + 0.5) + 0.5 * (1 / 6 + 0.5))
    assert scores[3][0] == pytest.approx(0.5 * 0.4)
    alone = ranking.fused([(1, 9.0), (2, 3.0)], [])
    assert (alone[1][0], alone[2][0]) == (pytest.approx(1.0), pytest.approx(0.4 + 0.5 / 3))
