"""Files, what hangs on them, and what depends on them."""

from __future__ import annotations

from typing import Any

import apsw

from drift_mcp.tables import data, environment, error_handling, examples, files, patterns, problems


def test_a_file_keeps_its_id_when_it_changes(tx: apsw.Connection, new_file: Any) -> None:
    (first,) = files.put(tx, [new_file("a.py")]).values()
    (again,) = files.put(tx, [new_file("a.py", size=7, content_hash=b"x" * 16)]).values()
    assert first == again
    known = files.known(tx)
    assert known == {"a.py": files.Known(first, 7, 1_700_000_000, 5, b"x" * 16, "scanned", "scan", None)}


def test_a_touched_file_is_stamped_without_being_read(tx: apsw.Connection, new_file: Any) -> None:
    (file_id,) = files.put(tx, [new_file("a.py")]).values()
    files.stamp(tx, [(100, 1_800_000_000, 9, file_id)])
    assert files.known(tx)["a.py"][1:4] == (100, 1_800_000_000, 9)


def test_a_deleted_file_takes_its_calls_with_it(tx: apsw.Connection, village: Any) -> None:
    gone = village.file("a.py", "a")
    village.file("b.py", "b", "c")
    village.calls("a>b b>a b>c")
    files.remove(tx, [gone])
    assert village.called("b") == []
    assert village.called("c") == ["b"]
    # The site in b.py is still a site; what it called is gone.
    assert tx.execute("SELECT callee, callee_file FROM v_calls WHERE line = 2").fetchall() == [("a", None)]


def test_a_deleted_file_leaves_nothing_behind(tx: apsw.Connection, village: Any) -> None:
    """Every table that refers to files, filled for one file; then the file goes."""
    here = village.file("a.py", "a")
    other = village.file("b.py", "b")
    village.calls("a>b")
    files.save_facts(tx, [(here, "1", b"facts")])
    files.replace_names(tx, [here], [("save", here)])
    patterns.replace_evidence(tx, [here], [patterns.NewEvidence(here, "errors.swallowed", "python", "answered", 3, 0)])
    files.replace_imports(tx, [here], [files.NewImport(here, 0, 1, "b", "b", "b", other)])
    problems.replace(tx, [here], [problems.NewProblem(here, "syntax", 3, "unexpected indent")])
    model = data.NewModel(
        "User", "users", here, 1, "django", 1.0, village.ids["a"], [data.NewField("e", "email", None, 2)]
    )
    data.replace_models(tx, [here], [model])
    data.replace_sensitive_fields(tx, [data.NewSensitiveField("users", "email", "pii", "email", 0.9, here, 2)])
    access = data.NewAccess(here, village.ids["a"], 4, 0, "users", "read", ("email",), 0, 0, 1.0, "get", "django")
    data.replace_accesses(tx, [here], [access])
    read = environment.NewEnvAccess(here, None, "PORT", "config", "os.getenv", 5, 0, "python", 0, None, 0, 1)
    environment.replace(tx, [here], [read])
    boundary = error_handling.NewBoundary(here, 6, "try-catch", swallows=1, function_id=village.ids["a"])
    gap = error_handling.NewGap(here, 6, "swallowed", "high")
    error_handling.replace_boundaries(tx, [here], [boundary])
    error_handling.replace_gaps(tx, [here], [gap, gap])
    patterns.put(tx, [finding("p1")])
    patterns.replace_locations(tx, [here], [patterns.NewLocation("p1", here, 7, 0, variant="x")])
    examples.replace_all(tx, [examples.NewExample("p1", here, 7, 8, "code")])

    files.remove(tx, [here])

    tables = [
        row[0] for row in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%'")
    ]
    about_files = [
        table
        for table in tables
        if any(row[2] == "file_metadata" for row in tx.execute(f'PRAGMA foreign_key_list("{table}")'))
    ]
    left = {
        table: tx.execute(f'SELECT count(*) FROM "{table}"').get for table in about_files if table not in ("functions",)
    }
    assert set(left.values()) == {0}, left
    assert tx.execute("SELECT group_concat(path) FROM file_metadata").get == "b.py"
    assert tx.execute("PRAGMA foreign_key_check").fetchall() == []


def finding(pattern: str) -> patterns.Finding:
    return patterns.Finding(
        pattern, "Names", None, "structural", None, "names", "x", 0.9, 0.9, 0.9, 1, "ast", "info", None, None
    )


def test_importers_are_followed_in_any_number_of_steps(tx: apsw.Connection, village: Any) -> None:
    a, b, c, d = (village.file(f"{name}.py") for name in "abcd")
    for importer, imported in ((a, b), (b, c), (c, a)):
        files.replace_imports(tx, [importer], [files.NewImport(importer, 0, 1, "x", None, None, imported)])
    assert files.transitive_importers(tx, [c]) == {a, b, c}
    assert files.transitive_importers(tx, [d]) == {d}
    assert files.transitive_importers(tx, []) == set()


def test_askers_are_those_whose_linking_asked_for_a_name(tx: apsw.Connection, village: Any) -> None:
    a, b, c = (village.file(f"{name}.py") for name in "abc")
    files.replace_names(tx, [a, b, c], [("save", a), ("load", b), ("save", b)])
    assert files.askers(tx, ["save"]) == {a, b}
    assert files.askers(tx, ["nothing"]) == set()
    files.replace_names(tx, [a], [])
    assert files.askers(tx, ["save"]) == {b}


def test_facts_of_another_extractor_are_not_given(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py"), village.file("b.py")
    files.save_facts(tx, [(a, "1", b"old"), (b, "2", b"new")])
    assert list(files.all_facts(tx, "2")) == [(b, "b.py", b"new")]
    files.save_facts(tx, [(a, "2", b"newer")])
    assert files.facts(tx, "2", [a]) == [(a, "a.py", b"newer")]
    files.drop_facts(tx, [a])
    assert files.facts(tx, "2", [a, b]) == [(b, "b.py", b"new")]
    assert files.known(tx)["a.py"].extractor is None


def test_imports_in_both_directions(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py"), village.file("b.py")
    rows = [files.NewImport(a, 0, 1, "b", "f", "f", b), files.NewImport(a, 1, 2, "os", None, "os", None)]
    files.replace_imports(tx, [a], rows)
    assert [one[:2] + one[4:] for one in files.imported(tx, a)] == [("b", "f", "b.py"), ("os", None, None)]
    assert files.importers(tx, b) == ["a.py"]
    assert files.importers(tx, a) == []


def test_counters_say_what_the_tables_hold(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "a", "b")
    problems.replace(tx, [here], [problems.NewProblem(here, "syntax", None, "x")])
    patterns.put(tx, [finding("p1")])
    patterns.replace_locations(tx, [here], [patterns.NewLocation("p1", here, line, 0) for line in (1, 2)])
    files.recount(tx)
    counted = "SELECT function_count, pattern_count, error_count FROM file_metadata"
    assert tx.execute(counted).fetchall() == [(2, 1, 1)]
    before = tx.total_changes()
    files.recount(tx)
    assert tx.total_changes() == before
