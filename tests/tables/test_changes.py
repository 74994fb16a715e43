"""The log of what people decided, as a sync reads it."""

from __future__ import annotations

import apsw

from drift_mcp.tables import changes, configuration


def test_what_was_pushed_is_not_told_again(tx: apsw.Connection) -> None:
    configuration.put(tx, [configuration.NewSetting(key, "1") for key in "abc"])
    first, second, third = changes.unsynced(tx)
    assert [(one.table_name, one.row_id, one.operation) for one in (first, second, third)] == [
        ("config", key, "INSERT") for key in "abc"
    ]
    assert changes.unsynced(tx, after=first.id, most=1) == [second]
    assert changes.mark_synced(tx, [first.id, third.id, 99]) == 2
    assert changes.mark_synced(tx, [first.id]) == 0
    assert changes.mark_synced(tx, []) == 0
    assert changes.unsynced(tx) == [second]

    configuration.reset(tx, ["a", "nobody's"])
    assert [one.row_id for one in changes.unsynced(tx)] == ["b", "a"]
    assert [(one.operation, one.synced) for one in changes.of(tx, "config", "a")] == [("INSERT", 1), ("DELETE", 0)]
    assert [one.synced for one in changes.every(tx)] == [1, 0, 1, 0]


def test_setting_what_is_set_is_no_change(tx: apsw.Connection) -> None:
    for value in ("1", "1", "2"):
        configuration.put(tx, [configuration.NewSetting("a", value)])
    for enabled, built in ((0, None), (1, None), (1, "2026-01-02T03:04:05.678Z"), (1, None)):
        configuration.put_flags(tx, [configuration.NewFlag("graph", enabled, built)])
    # That a part was built is no decision.
    assert [(one.row_id, one.operation) for one in changes.every(tx)] == [
        ("a", "INSERT"),
        ("a", "UPDATE"),
        ("graph", "INSERT"),
        ("graph", "UPDATE"),
    ]
    assert configuration.flag(tx, "graph") == configuration.Flag("graph", 1, "2026-01-02T03:04:05.678Z", None)
    setting = configuration.one(tx, "a")
    assert setting is not None and setting.value == "2"
    configuration.drop_flags(tx, ["graph"])
    assert configuration.flag(tx, "graph") is None
    assert configuration.one(tx, "b") is None
