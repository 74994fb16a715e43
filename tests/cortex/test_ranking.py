"""From matches to places: arithmetic on letters, each score by hand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import pytest

from drift_mcp.cortex import ranking
from drift_mcp.cortex.ranking import Link, Ranked, Scores, Standing

A, B, C, D, E = range(1, 6)
# As it was stated today, of no importance of its own: confidence lifts it by 5 hundredths and recency by 3.
PLAIN = Standing("mem_", "semantic", "normal", 1.0, 0.0, 90, 0, None)
FRESH = 1.05 * 1.03


def scores(**values: float) -> Scores:
    return {ord(letter) - ord("A") + 1: (value, {"match": value}) for letter, value in values.items()}


def drawn(product: float) -> float:
    """Into the bounds of 0.85 to 1.15."""
    bound = math.log(1.15 if product > 1 else 0.85)
    return math.exp(bound * math.tanh(math.log(product) / bound))


def order(
    found: Scores,
    standings: dict[int, Standing] | None = None,
    intent: str | None = None,
    stale: Sequence[int] = (),
    wordings: dict[int, str] | None = None,
    most: int = 10,
) -> list[Ranked]:
    known = {key: dataclasses.replace(PLAIN, memory=f"mem_{key}") for key in found} | (standings or {})
    said = {key: f"{key} on its own subject {key}{key}" for key in found} | (wordings or {})
    return ranking.best(found, known, intent, most, lambda key: key in stale, said.__getitem__)


# ---------------------------------------------------------------- links


def test_a_hit_gives_a_share_by_the_strength_of_the_link() -> None:
    after = ranking.linked(scores(A=1.0, B=0.5), [Link(A, B, 1.0, False), Link(A, C, 0.5, False)])
    assert {key: value for key, (value, _) in after.items()} == pytest.approx({A: 1.0, B: 0.9, C: 0.2})
    assert after[C][1] == {"linked": 0.2}


def test_many_links_are_no_evidence() -> None:
    after = ranking.linked(scores(A=1.0, B=0.9, C=0.8), [Link(giver, D, 1.0, False) for giver in (A, B, C)])
    assert after[D][0] == pytest.approx(0.4)


def test_one_that_supersedes_a_hit_takes_its_place() -> None:
    after = ranking.linked(scores(A=0.8, B=0.4), [Link(A, B, 1.0, True), Link(A, C, 1.0, True)])
    assert after == {
        A: (0.8 * 0.9, {"match": 0.8, "superseded": 0.9}),
        B: (0.8, {"match": 0.4, "supersedes": 0.4}),
        C: (0.8, {"supersedes": 0.8}),
    }


def test_memories_of_the_same_code_lift_each_other_by_their_best_three_others() -> None:
    before = scores(A=1.0, B=0.8, C=0.6, D=0.4, E=0.9)
    after = ranking.grouped(before, before, [[A, B, C, D]])
    assert {key: value for key, (value, _) in after.items()} == pytest.approx(
        {
            A: 1.0 + 0.1 * (0.8 + 0.6 + 0.4),
            B: 0.8 + 0.1 * (1.0 + 0.6 + 0.4),
            C: 0.6 + 0.1 * (1.0 + 0.8 + 0.4),
            D: 0.4 + 0.1 * (1.0 + 0.8 + 0.6),
            E: 0.9,
        }
    )
    assert after[A][1] == {"match": 1.0, "same_code": 0.18}


def test_of_several_groups_the_best_one_counts_and_one_alone_is_no_group() -> None:
    before = scores(A=1.0, B=0.5, C=0.1)
    after = ranking.grouped(before, before, [[A, C], [B, C], [A]])
    assert {key: value for key, (value, _) in after.items()} == pytest.approx({A: 1.01, B: 0.51, C: 0.2})


# ---------------------------------------------------------------- factors


@pytest.mark.parametrize(
    ("changed", "intent", "name", "factor"),
    [
        ({"importance": "low"}, None, "importance", 0.97),
        ({"importance": "high"}, None, "importance", 1.025),
        ({"importance": "critical"}, None, "importance", 1.05),
        ({"confidence": 0.2}, None, "confidence", 0.97),
        ({"confidence": 0.0}, None, "confidence", 0.95),
        ({"age_days": 90.0}, None, "recency", 1.0),
        ({"age_days": 9_000.0}, None, "recency", 0.97),
        ({"uses": 9}, None, "use", 1.01),
        ({"uses": 99}, None, "use", 1.02),
        ({"uses": 10**9}, None, "use", 1.02),
        ({"nearness": "function"}, None, "near", 1.1),
        ({"nearness": "file"}, None, "near", 1.07),
        ({"nearness": "folder"}, None, "near", 1.03),
        ({}, "investigate", "intent", 1.5**0.25),
        ({"type": "episodic"}, "security_audit", "intent", 0.3**0.25),
    ],
)
def test_each_factor_by_itself(changed: dict[str, Any], intent: str | None, name: str, factor: float) -> None:
    standing = dataclasses.replace(PLAIN, **changed)
    ((_, score, why),) = order(scores(A=1.0), {A: standing}, intent)
    others = {"confidence": 1.05, "recency": 1.03} | {name: factor}
    assert {key: value for key, value in why.items() if key not in ("match", "factors")} == pytest.approx(
        {key: value for key, value in others.items() if value != 1.0}, abs=1e-4
    )
    assert score == pytest.approx(drawn(math.prod(others.values())))
    assert why["factors"] == pytest.approx(score, abs=1e-4)


def test_the_factors_together_stay_within_their_bounds_and_still_tell() -> None:
    best = Standing("a", "tribal", "critical", 1.0, 0.0, 365, 1_000, "function")
    good = dataclasses.replace(best, memory="b", nearness="file")
    bad = Standing("c", "episodic", "low", 0.1, 10_000.0, 7, 0, None)
    worse = dataclasses.replace(bad, memory="d", confidence=0.0)
    found = order(scores(A=1.0, B=1.0, C=1.0, D=1.0), {A: best, B: good, C: bad, D: worse}, "security_audit", stale=[D])
    assert [each.key for each in found] == [A, B, C, D]
    assert all(0.85 <= each.score <= 1.15 for each in found)
    assert len({each.score for each in found}) == 4


def test_no_factor_outvotes_the_match() -> None:
    best = Standing("mem_b", "tribal", "critical", 1.0, 0.0, 365, 1_000, "function")
    worst = Standing("mem_a", "episodic", "low", 0.0, 10_000.0, 7, 0, None)
    found = order(scores(A=1.0, B=0.7), {A: worst, B: best}, "security_audit", stale=[A])
    assert [each.key for each in found] == [A, B]


def test_of_code_that_has_changed_a_memory_falls_behind_its_like() -> None:
    found = order(scores(A=1.0, B=0.97), stale=[A])
    assert [each.key for each in found] == [B, A]
    assert found[1].why["code"] == 0.9
    assert "code" not in found[0].why


def test_the_files_are_read_of_those_only_that_may_be_among_the_first() -> None:
    looked_at: list[int] = []
    many = {key: (1.0 / key, {}) for key in range(1, 101)}
    standings = {key: dataclasses.replace(PLAIN, memory=f"mem_{key:03}") for key in many}
    found = ranking.best(many, standings, None, 3, lambda key: bool(looked_at.append(key)), lambda key: f"text {key}")
    assert [each.key for each in found] == [1, 2, 3]
    assert len(looked_at) < 6


# ---------------------------------------------------------------- diversity


def test_the_same_type_again_falls_a_little_and_another_type_comes_up() -> None:
    other = dataclasses.replace(PLAIN, memory="mem_4", type="tribal")
    found = order(scores(A=1.0, B=0.99, C=0.985, D=0.98), {D: other})
    assert [each.key for each in found] == [A, B, D, C]
    assert [each.why.get("same_type") for each in found] == [None, 0.99, None, 0.9801]


def test_all_of_one_type_keep_their_order() -> None:
    many = {key: (1.0 - key / 1_000, {}) for key in range(1, 31)}
    assert [each.key for each in order(many, most=30)] == sorted(many)
    assert order(many, most=30)[29].why["same_type"] == 0.96


def test_one_that_says_nearly_the_same_gives_way() -> None:
    said = {
        A: "Charge a card once: the bank books every attempt",
        B: "Charge a card once, the bank books each attempt",
        C: "Ship on Tuesday mornings before the market opens",
    }
    found = order(scores(A=1.0, B=0.99, C=0.95), wordings=said)
    assert [each.key for each in found] == [A, C, B]
    assert found[2].why["repeats"] == 0.93


def test_one_that_says_the_opposite_does_not() -> None:
    said = {
        A: "Charge a card twice when the bank books no attempt",
        B: "Never charge a card twice when the bank books no attempt",
    }
    assert "repeats" not in order(scores(A=1.0, B=0.99), wordings=said)[1].why


def test_a_longer_answer_begins_as_a_shorter_one_does() -> None:
    many = {key: (1.0 - key % 7 / 50, {}) for key in range(1, 41)}
    kinds = ["semantic", "tribal", "procedural"]
    standings = {
        key: dataclasses.replace(PLAIN, memory=f"mem_{key:03}", type=kinds[key % 3])
        for key in many  # type: ignore[arg-type]
    }
    said = {key: f"the session of the shop lasts as long as it says in rule {key // 2}" for key in many}
    whole = [each.key for each in order(many, standings, stale=range(0, 40, 5), wordings=said, most=40)]
    assert sorted(whole) == sorted(many)
    for most in (1, 5, 10, 11, 39):
        assert [each.key for each in order(many, standings, stale=range(0, 40, 5), wordings=said, most=most)] == whole[
            :most
        ]


def test_what_is_equal_stands_by_its_id() -> None:
    assert [each.key for each in order(scores(C=0.5, A=0.5, B=0.5))] == [A, B, C]
