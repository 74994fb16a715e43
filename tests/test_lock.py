"""The lock: what it looks like, what makes it another one, and what is said when it is none."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp import lock
from drift_mcp.errors import DriftError, StoreUnusable
from drift_mcp.project import Project, init

CONFIG = {"least": 3, "words": ["get", "fetch"], "deep": {"b": None, "a": 1.5}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    root.mkdir()
    with Project(root) as opened:
        init(opened)
        yield opened


_PUT = """
INSERT INTO patterns (
    id, name, description, category, subcategory, convention, dominant_variant, status, severity, detector_type,
    detector_config, tags, confidence_score, confidence_level
)
VALUES (?, ?, ?, ?, 'python', 'errors.raised', 'subclass', ?, ?, 'ast', ?, '["python"]', ?, 'high')
"""


def put(
    project: Project,
    id: str,
    name: str = "Errors are subclasses",
    *,
    category: str = "errors",
    status: str = "approved",
    description: str | None = "Raise a subclass of ShopError.",
    severity: str = "warning",
    config: Any = None,
    confidence: float = 0.9,
) -> None:
    written = None if config is None else config if isinstance(config, str) else json.dumps(config)
    with project.write() as tx:
        tx.execute(_PUT, (id, name, description, category, status, severity, written, confidence))


def change(project: Project, id: str, **columns: Any) -> None:
    with project.write() as tx:
        for column, value in columns.items():
            tx.execute(f"UPDATE patterns SET {column} = ? WHERE id = ?", (value, id))


def path(project: Project) -> Path:
    return project.root / ".drift" / "drift.lock"


def content(project: Project) -> str:
    lock.generate(project)
    return path(project).read_text(encoding="utf-8")


# -- what it looks like

WHOLE = """\
# What the code of this project has agreed on: its approved patterns. For reviewers to read, and not to edit:
# `drift approve` and `drift ignore` change it, `drift lock generate` writes it, `drift lock validate` checks it.
format = 1

[[pattern]]
id = "b2"
category = "api"
subcategory = "python"
name = "Routes end \\"bare\\" \U0001f680"
convention = "errors.raised"
dominant_variant = "subclass"
severity = "warning"
detector_type = "ast"
tags = ["python"]
definition = "HASH"

[[pattern]]
id = "a1"
category = "errors"
subcategory = "python"
name = "Errors are subclasses"
description = "Raise a subclass of ShopError."
convention = "errors.raised"
dominant_variant = "subclass"
severity = "error"
detector_type = "ast"
detector_config = '''
{
  "deep": {
    "a": 1.5,
    "b": null
  },
  "least": 3,
  "words": [
    "get",
    "fetch"
  ]
}'''
tags = ["python"]
definition = "HASH"
"""


def test_it_is_read_like_a_text_sorted_by_category_then_id(project: Project) -> None:
    put(project, "a1", severity="error", config=CONFIG)
    put(project, "b2", 'Routes end "bare" \U0001f680', category="api", description=None)
    put(project, "c3", status="discovered")
    put(project, "d4", status="ignored")
    said = content(project)
    hashes = [each["definition"] for each in tomllib.loads(said)["pattern"]]
    for each in hashes:
        said = said.replace(each, "HASH")
    assert said == WHOLE
    assert len(set(hashes)) == 2


def test_without_an_approved_pattern_it_is_empty_and_valid(project: Project) -> None:
    put(project, "c3", status="discovered")
    assert lock.generate(project) == (path(project), 0, True)
    assert tomllib.loads(content(project)) == {"format": 1}
    assert lock.validate(project).is_none


def test_the_same_store_gives_the_same_bytes_and_the_file_is_not_touched(project: Project) -> None:
    put(project, "a1", config=CONFIG)
    before = content(project)
    os.utime(path(project), (1, 1))
    assert lock.generate(project) == (path(project), 1, False)
    assert path(project).stat().st_mtime == 1
    path(project).unlink()
    assert content(project) == before


def test_the_order_in_which_patterns_came_is_no_part_of_it(project: Project, tmp_path: Path) -> None:
    for each in ("z", "a", "B", "é"):
        put(project, each)
    first = content(project)
    assert [each["id"] for each in tomllib.loads(first)["pattern"]] == ["B", "a", "z", "é"]
    (tmp_path / "other").mkdir()
    with Project(tmp_path / "other") as other:
        init(other)
        for each in ("é", "B", "z", "a"):
            put(other, each)
        assert content(other) == first


ODD = [
    "",
    'a "quoted" name',
    "it's \"'''\" and \\ ''' \"\"\"",
    "two\nlines\r\nand\ttabs",
    "<<<<<<< ours",
    "\x00\x1b[31m\x7f\x85 control",
    "emoji \U0001f469\u200d\U0001f680 joined",
    "\u202egnp.exe turned round \u2066\ufeff",
    "\U000e0041 a tag nobody sees",
    "[[pattern]]\nid = 'x'",
    "#'''",
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_come_back_as_they_were_and_show_what_is_in_them(project: Project, name: str) -> None:
    put(project, "a1", name, description=name, config={name or "key": [name, {"'''": "\x7f\u2028"}]})
    said = content(project)
    (block,) = tomllib.loads(said)["pattern"]
    assert (block["name"], block["description"]) == (name, name)
    assert json.loads(block["detector_config"]) == {name or "key": [name, {"'''": "\x7f\u2028"}]}
    assert lock.validate(project).is_none
    hidden = "\x00\x1b\x7f\x85\r\t\u200d\u2028\u202e\u2066\ufeff\U000e0041"
    assert not set(said) & set(hidden)
    assert not any(line.startswith("<<<<<<<") for line in said.splitlines())


LEAVES = st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(LEAVES, lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside), max_leaves=8)


@given(st.text(), JSON)
def test_whatever_a_pattern_states_is_read_back(name: str, config: Any) -> None:
    written = json.dumps(config)
    attributes: dict[str, lock.Value] = {
        "id": "a",
        "category": "api",
        "name": name,
        "detector_config": lock.canonical(written),
        "tags": (name, "x"),
    }
    stated = lock.Stated("a", "api", name, attributes)
    assert lock.read(lock.text([stated]).encode("utf-8")) == [stated]
    assert lock.canonical(lock.canonical(written)) == lock.canonical(written)


@pytest.mark.parametrize(
    ("config", "other", "is_same"),
    [
        ('{"a":1,"b":[1,2]}', '{ "b": [1, 2],\n "a": 1.0 }', True),
        ('{"a":{"x":1,"y":2}}', '{"a":{"y":2,"x":1}}', True),
        ('{"a":{"x":1,"y":2}}', '{"a":{"x":1,"y":3}}', False),
        ('{"a":[1,2]}', '{"a":[2,1]}', False),
        ('{"a":"\\u0041"}', '{"a":"A"}', True),
        ('{"a":1}', '{"a":"1"}', False),
        ('{"a":1}', '{"a":1.5}', False),
        ('{"a":1}', None, False),
        ("[" * 400 + "]" * 400, "[" * 399 + "]" * 399, False),
        ('{"n":' + "1" * 5000 + "}", '{"n":' + "1" * 4999 + "2}", False),
        ('{"half":"\\ud83d"}', '{"half":"\\ud83e"}', False),
    ],
)
def test_the_order_of_keys_says_nothing_and_a_value_does(
    project: Project, config: str, other: str | None, is_same: bool
) -> None:
    put(project, "a1", config=config)
    before = content(project)
    change(project, "a1", detector_config=other)
    assert lock.validate(project).is_none is is_same
    assert (content(project) == before) is is_same
    assert lock.validate(project).is_none


def test_a_change_of_one_attribute_is_a_change_of_two_lines(project: Project) -> None:
    for each in ("a1", "b2", "c3"):
        put(project, each, config=CONFIG)
    before = content(project).splitlines()
    change(project, "b2", detector_config=json.dumps(CONFIG | {"least": 4}))
    after = content(project).splitlines()
    differing = [(one, two) for one, two in zip(before, after, strict=True) if one != two]
    assert [one[:12] for one, _ in differing] == ['  "least": 3', "definition ="]


# -- comparing


def test_what_was_added_removed_and_changed_is_told_apart(project: Project) -> None:
    for each in ("kept", "changed", "ignored", "reopened", "gone"):
        put(project, each)
    lock.generate(project)
    put(project, "new", "A new one")
    put(project, "unjudged", status="discovered")
    change(project, "changed", severity="error", description=None, detector_config="{}")
    change(project, "ignored", status="ignored", status_reason="no use")
    change(project, "reopened", status="discovered")
    with project.write() as tx:
        tx.execute("DELETE FROM patterns WHERE id = 'gone'")
    found = lock.validate(project)
    assert not found.is_none and found.patterns == 3
    assert [each.id for each in found.added] == ["new"]
    assert [(each.pattern.id, each.why, each.reason) for each in found.removed] == [
        ("gone", "gone", None),
        ("ignored", "ignored", "no use"),
        ("reopened", "discovered", None),
    ]
    (changed,) = found.changed
    assert (changed.pattern.id, changed.changes) == (
        "changed",
        (
            ("severity", "warning", "error"),
            ("detector_config", None, "{}"),
            ("description", "Raise a subclass of ShopError.", None),
        ),
    )
    assert '-severity = "warning"\n+severity = "error"' in found.diff
    assert found.diff.startswith("--- drift.lock\n+++ the store\n")
    lock.generate(project)
    assert lock.validate(project) == (3, (), (), (), "")


def test_how_sure_a_pattern_is_and_where_it_holds_is_no_change(project: Project) -> None:
    put(project, "a1", confidence=0.95)
    lock.generate(project)
    change(
        project,
        "a1",
        confidence_score=0.4,
        confidence_level="uncertain",
        location_count=7,
        outlier_count=9,
        last_seen="2031-01-01T00:00:00.000Z",
        approved_by="somebody else",
    )
    assert lock.validate(project).is_none
    assert not lock.generate(project).is_changed


def test_line_ends_a_byte_order_mark_and_remarks_are_no_change(project: Project) -> None:
    put(project, "a1", config=CONFIG)
    put(project, "b2")
    said = content(project)
    for other in (said.replace("\n", "\r\n"), "\ufeff" + said, said + "# a remark\n"):
        path(project).write_bytes(other.encode())
        assert lock.validate(project).is_none


def test_blocks_in_another_order_say_the_same(project: Project) -> None:
    put(project, "a1")
    put(project, "b2")
    head, one, two = content(project).split("\n[[pattern]]\n")
    path(project).write_text("\n[[pattern]]\n".join((head, two, one)))
    assert lock.validate(project).is_none


# -- what is no lock


def test_without_a_lock_it_says_how_one_comes(project: Project) -> None:
    put(project, "a1")
    with pytest.raises(DriftError, match=r"no drift\.lock.*generate.*1 approved pattern\."):
        lock.validate(project)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('severity = "warning"', 'severity = "error"', "edited by hand: pattern a1"),
        ('severity = "warning"\n', "", "edited by hand"),
        ('id = "a1"', 'id = "a2"', "edited by hand: pattern a2"),
        ('severity = "warning"', 'severity = "warning"\nadded = "by hand"', "edited by hand"),
        ("[[pattern]]", "<<<<<<< HEAD\n[[pattern]]\n=======", "merge conflict"),
        ("format = 1", "format = 1\n>>>>>>> theirs", "merge conflict"),
        ("format = 1", "format = 2", "newer Drift .format 2"),
        ("format = 1", "format = 2\nthis is = = no toml", "newer Drift"),
        ("format = 1", "", "not a lock of this format"),
        ("format = 1", "format = 0", "not a lock of this format"),
        ("format = 1", 'format = 1\npattern = "none"', "damaged"),
        ("format = 1", "format = 1\nother = 1", "not a lock of this format"),
        ("[[pattern]]", "[[pattern]", "damaged"),
        ('id = "a1"\n', "", "has no id"),
        ('id = "a1"', "id = 1", "'id' of its pattern 1"),
        ('tags = ["python"]', "tags = [1]", "'tags' of its pattern 1"),
        ("definition", "defn", "has no definition"),
    ],
)
def test_a_file_that_says_something_else_than_was_locked_is_refused(
    project: Project, was: str, becomes: str, said: str
) -> None:
    put(project, "a1")
    written = content(project).replace(was, becomes, 1)
    path(project).write_text(written, encoding="utf-8")
    with pytest.raises(DriftError, match=said):
        lock.validate(project)
    assert path(project).read_text(encoding="utf-8") == written


def test_a_pattern_that_stands_twice_is_refused(project: Project) -> None:
    put(project, "a1")
    said = content(project)
    path(project).write_text(said + said[said.index("\n[[pattern]]") :])
    with pytest.raises(DriftError, match=r"a1 .* twice"):
        lock.validate(project)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 50, b"[" * 100_000, b"{}"])
def test_what_is_no_text_is_refused(project: Project, content: bytes) -> None:
    path(project).write_bytes(content)
    with pytest.raises(DriftError, match=r"drift\.lock is"):
        lock.validate(project)


def test_generate_puts_right_what_was_damaged_and_leaves_what_is_newer(project: Project) -> None:
    put(project, "a1")
    said = content(project)
    path(project).write_text("<<<<<<< HEAD\n" + said)
    assert lock.generate(project).is_changed
    assert path(project).read_text() == said
    path(project).write_text("format = 7\n")
    with pytest.raises(DriftError, match="newer Drift"):
        lock.generate(project)
    assert path(project).read_text() == "format = 7\n"


# -- writing


def test_a_lock_keeps_its_place_and_its_permissions(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.lock"
    elsewhere.write_text("format = 1\n")
    elsewhere.chmod(0o640)
    path(project).symlink_to(elsewhere)
    put(project, "a1")
    lock.generate(project)
    assert path(project).is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert lock.validate(project).is_none


def test_nothing_half_written_is_left_when_the_place_is_taken(project: Project) -> None:
    path(project).mkdir()
    for asked in (lock.generate, lock.validate):
        with pytest.raises(StoreUnusable, match="cannot be read"):
            asked(project)
    assert sorted(each.name for each in path(project).parent.iterdir() if "new" in each.name) == []


def test_before_a_store_is_there_nothing_is_written(tmp_path: Path) -> None:
    with Project(tmp_path) as project, pytest.raises(DriftError, match="never scanned"):
        lock.generate(project)
    assert list(tmp_path.iterdir()) == []
