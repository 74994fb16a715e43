"""Constants keep who they are, so that the places that use them do not lose them."""

from __future__ import annotations

from typing import Any

import apsw

from drift_mcp.tables import constants, files


def test_a_constant_that_moves_keeps_the_places_that_use_it(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py"), village.file("b.py")
    limit = constants.NewConstant("LIMIT", a, 3, "30")
    constants.replace(tx, [a], [limit])
    (known,) = constants.every(tx)
    constants.put_usages(tx, [constants.NewUsage(known.id, b, 5, "wait(LIMIT)")])
    constants.replace(tx, [a], [limit._replace(line=9, value="31"), constants.NewConstant("OTHER", a, 3)])
    assert [(one.id == known.id, one.name, one.line) for one in constants.every(tx)] == [
        (False, "OTHER", 3),
        (True, "LIMIT", 9),
    ]
    assert [(one.file, one.line) for one in constants.usages(tx, known.id)] == [("b.py", 5)]


def test_of_several_of_one_name_those_that_did_not_move_stay_who_they_are(tx: apsw.Connection, village: Any) -> None:
    a = village.file("a.py")
    thrice = [constants.NewConstant("3", a, line, "3", is_magic=1) for line in (1, 5, 9)]
    constants.replace(tx, [a], thrice)
    before = {one.line: one.id for one in constants.every(tx)}
    constants.replace(tx, [a], [thrice[2], thrice[1]._replace(line=6)])
    after = {one.line: one.id for one in constants.every(tx)}
    assert after[9] == before[9]
    assert after[6] in (before[1], before[5])


def test_usages_are_counted_and_a_number_that_was_told_stays_without_them(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py"), village.file("b.py")
    limit, told = constants.NewConstant("LIMIT", a, 3), constants.NewConstant("TOLD", a, 4, usage_count=7)
    constants.put(tx, [limit, told])
    known = constants.ids(tx)
    assert set(known) == {"a.py:LIMIT:3", "a.py:TOLD:4"}
    assert [one.usage_count for one in constants.every(tx)] == [0, 7]

    used = [constants.NewUsage(known["a.py:LIMIT:3"], b, line) for line in (1, 2)]
    constants.replace_usages(tx, [b], used)
    constants.recount(tx)
    before = tx.total_changes()
    constants.recount(tx)
    constants.replace(tx, [a], [limit, told._replace(usage_count=None)])
    assert tx.total_changes() == before
    assert [one.usage_count for one in constants.every(tx)] == [2, 0]

    constants.replace(tx, [a], [limit._replace(line=30)])
    assert [one.usage_count for one in constants.every(tx)] == [2]
    files.remove(tx, [b])
    constants.recount(tx)
    assert [one.usage_count for one in constants.every(tx)] == [0]


def test_usages_are_found_from_both_ends(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py"), village.file("b.py")
    constants.put(tx, [constants.NewConstant("ONE", a, 1), constants.NewConstant("TWO", a, 2)])
    ids = constants.ids(tx)
    one, two = ids["a.py:ONE:1"], ids["a.py:TWO:2"]
    constants.put_usages(
        tx, [constants.NewUsage(one, a, 8), constants.NewUsage(one, b, 4), constants.NewUsage(two, b, 3)]
    )
    assert [(use.constant_id, use.line) for use in constants.usages_in_file(tx, b)] == [(two, 3), (one, 4)]
    assert [(use.file, use.line) for use in constants.usages(tx, one)] == [("a.py", 8), ("b.py", 4)]
    assert constants.one(tx, 99) is None
    constants.replace(tx, [a], [constants.NewConstant("TWO", a, 2)])
    assert [use.constant_id for use in constants.every_usage(tx)] == [two]
