from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from drift_mcp.scan import languages
from drift_mcp.scan.walk import Listing, content_problem, walk


def grow(root: Path, *paths: str, text: str = "x = 1\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def paths(listing: Listing) -> list[str]:
    return [entry.path for entry in listing.files]


def problems(listing: Listing) -> dict[str, str]:
    return {skipped.path: skipped.problem.kind for skipped in listing.skipped}


@pytest.fixture(params=["git", "folders"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "git":
        git(tmp_path, "init", "-q")
    return tmp_path


def test_source_and_manifests_are_listed_and_the_rest_is_counted(root: Path) -> None:
    grow(root, "b.py", "a/c.ts", "setup.py", "package.json", "README.md", "a/logo.svg", "a/x.svg", "Makefile")
    listing = walk(root)
    assert paths(listing) == ["a/c.ts", "b.py", "setup.py"]
    assert [entry.path for entry in listing.manifests] == ["package.json", "setup.py"]
    assert listing.others == {"": 1, ".md": 1, ".svg": 2}
    assert listing.total == 8
    assert listing.skipped == ()


def test_an_entry_says_size_time_and_language(root: Path) -> None:
    grow(root, "a.ts", text="let a = 1\n")
    (entry,) = walk(root).files
    assert (entry.language, entry.size, entry.mtime_ns) == ("typescript", 10, (root / "a.ts").stat().st_mtime_ns)


def test_what_gitignore_names_is_left_out_at_each_level(root: Path) -> None:
    grow(root, "a.py", "b.tmp.py", "sub/c.py", "sub/d.tmp.py", "sub/keep.tmp.py", "out/e.py", "sub/out/f.py")
    (root / ".gitignore").write_text("*.tmp.py\n/out/\n", encoding="utf-8")
    (root / "sub/.gitignore").write_text("!keep.tmp.py\n", encoding="utf-8")
    assert paths(walk(root)) == ["a.py", "sub/c.py", "sub/keep.tmp.py", "sub/out/f.py"]


def test_driftignore_adds_to_gitignore_and_has_the_last_word(root: Path) -> None:
    grow(root, "a.py", "fixtures/b.py", "vendor/c.py", "vendor/d.gen.py", "lib/node_modules/e.js")
    (root / ".driftignore").write_text("fixtures/\n!vendor/\n*.gen.py\n", encoding="utf-8")
    listing = walk(root)
    assert paths(listing) == ["a.py", "vendor/c.py"]
    assert problems(listing) == {"lib/node_modules/": "vendored"}


def test_other_peoples_folders_are_named_once_and_caches_not_at_all(root: Path) -> None:
    grow(
        root,
        "a.py",
        "node_modules/x/i.js",
        "node_modules/y/i.js",
        "web/dist/main.js",
        ".venv/lib/s.py",
        "__pycache__/a.py",
    )
    grow(root, "migrations/0001_initial.py", "distribution/b.py", "pkg.egg-info/c.py", ".drift/d.sql")
    listing = walk(root)
    assert paths(listing) == ["a.py", "distribution/b.py", "migrations/0001_initial.py"]
    assert problems(listing) == {"node_modules/": "vendored", "web/dist/": "vendored"}


def test_a_tracked_folder_named_build_is_source(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    grow(tmp_path, "src/build/main.py", "build/out.js")
    git(tmp_path, "add", "src/build/main.py")
    listing = walk(tmp_path)
    assert paths(listing) == ["src/build/main.py"]
    assert problems(listing) == {"build/": "vendored"}


def test_links_are_reported_and_never_followed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    grow(outside, "secret.py")
    grow(root, "a/b.py")
    (root / "a/loop").symlink_to("..", target_is_directory=True)
    (root / "a/self.py").symlink_to("self.py")
    (root / "outside").symlink_to(outside, target_is_directory=True)
    (root / "c.py").symlink_to("a/b.py")
    (root / "dangling.py").symlink_to("nowhere.py")
    listing = walk(root)
    assert paths(listing) == ["a/b.py"]
    assert problems(listing) == dict.fromkeys(["a/loop", "a/self.py", "c.py", "dangling.py", "outside"], "symlink")


def test_a_tracked_folder_that_became_a_link_out_of_the_tree_is_not_entered(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    grow(outside, "b.py")
    git(tmp_path, "init", "-q")
    grow(tmp_path, "a/b.py")
    git(tmp_path, "add", ".")
    (tmp_path / "a/b.py").unlink()
    (tmp_path / "a").rmdir()
    (tmp_path / "a").symlink_to(outside, target_is_directory=True)
    listing = walk(tmp_path)
    assert paths(listing) == []
    assert problems(listing) == {"a": "symlink"}


def test_a_name_that_cannot_be_shown_is_a_problem_with_an_escaped_path(root: Path) -> None:
    grow(root, "a.py", "new\nline.py", "with space ü.py")
    with open(os.fsencode(root) + b"/latin-\xe9.py", "wb") as file:  # noqa: PTH123 - a Path cannot be made of these bytes
        file.write(b"x = 1\n")
    listing = walk(root)
    assert paths(listing) == ["a.py", "with space ü.py"]
    assert problems(listing) == {"latin-\\udce9.py": "name", "new\\nline.py": "name"}


def test_a_huge_file_is_refused_by_its_size(root: Path) -> None:
    grow(root, "small.js")
    with (root / "huge.js").open("wb") as file:
        file.truncate(50_000_000)
    with (root / "table.py").open("wb") as file:
        file.truncate(1_500_000)
    listing = walk(root)
    assert paths(listing) == ["small.js", "table.py"]
    (skipped,) = listing.skipped
    assert (skipped.path, skipped.problem.kind, skipped.size) == ("huge.js", "too_large", 50_000_000)
    assert "50.0 MB" in skipped.problem.message


def test_a_pipe_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    # Git does not list pipes at all; a walk meets them.
    assert paths(walk(root)) == []


def test_deleted_and_conflicting_files_are_listed_as_they_are_on_disk(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    grow(tmp_path, "gone.py", "both.py")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "checkout", "-qb", "other")
    grow(tmp_path, "both.py", text="x = 2\n")
    git(tmp_path, "commit", "-qam", "two")
    git(tmp_path, "checkout", "-q", "main")
    grow(tmp_path, "both.py", text="x = 3\n")
    git(tmp_path, "commit", "-qam", "three")
    assert subprocess.run(["git", "merge", "other"], cwd=tmp_path, capture_output=True, check=False).returncode != 0
    (tmp_path / "gone.py").unlink()
    assert paths(walk(tmp_path)) == ["both.py"]


def test_a_repository_inside_is_named_and_not_entered(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    library = tmp_path_factory.mktemp("library")
    git(library, "init", "-q")
    grow(library, "lib.py")
    git(library, "add", ".")
    git(library, "commit", "-qm", "one")
    git(tmp_path, "init", "-q")
    git(tmp_path, "submodule", "--quiet", "add", str(library), "sub")
    grow(tmp_path, "a.py", "nested/b.py")
    git(tmp_path / "nested", "init", "-q")
    listing = walk(tmp_path)
    assert paths(listing) == ["a.py"]
    assert problems(listing) == {"nested/": "vendored", "sub/": "vendored"}


def test_a_folder_that_the_repository_around_it_ignores_is_walked(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("sandbox/\n", encoding="utf-8")
    grow(tmp_path, "sandbox/a.py")
    listing = walk(tmp_path / "sandbox")
    assert paths(listing) == ["a.py"]
    assert not listing.by_git


def test_a_part_of_a_repository_lists_only_its_own_files(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    grow(tmp_path, "top.py", "part/a.py")
    git(tmp_path, "add", ".")
    assert paths(walk(tmp_path / "part")) == ["a.py"]


def test_a_repository_cannot_have_its_own_programs_run(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    grow(tmp_path, "a.py")
    program = tmp_path / "monitor.sh"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    program.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(program))
    git(tmp_path, "-c", "core.fsmonitor=false", "add", "a.py")
    assert paths(walk(tmp_path)) == ["a.py"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_text("")], ids=["missing", "a file"])
def test_a_root_that_is_no_folder_is_the_askers_matter(tmp_path: Path, make: object) -> None:
    target = tmp_path / "root"
    assert callable(make)
    make(target)
    with pytest.raises(OSError, match="root"):
        walk(target)


def test_an_empty_folder_is_an_empty_listing(root: Path) -> None:
    listing = walk(root)
    assert (listing.files, listing.manifests, listing.skipped, listing.total) == ((), (), (), 0)


JS, PY, SQL = languages.named("javascript"), languages.named("python"), languages.named("sql")


@pytest.mark.parametrize(
    ("language", "data", "kind"),
    [
        (PY, b"x = 1\n", None),
        (PY, b"", None),
        (PY, b"x = '\0'\n", "binary"),
        (PY, b"# " + b"x" * 9000 + b"\n\0", "minified"),
        (JS, b"var a=1;" * 2000, "minified"),
        (JS, b"let a = 1;\n" * 2000 + b"x" * 10_001, "minified"),
        (JS, b"let a = 1;\n" * 2000, None),
        (PY, b"x = 1\n" * 2000 + b"y = '" + b"x" * 10_001 + b"'\n", None),
        (SQL, b"INSERT INTO a VALUES (" + b"1," * 1000 + b"1);\n", None),
        (JS, b"// @generated by a tool\nlet a = 1\n", "generated"),
        (
            JS,
            b"/* eslint-disable */\n/**\n * This file was automatically generated.\n * DO NOT EDIT\n */\n",
            "generated",
        ),
        (PY, b"#!/usr/bin/env python\n# Code generated by protoc. DO NOT EDIT.\nx = 1\n", "generated"),
        (PY, b"# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.  DO NOT EDIT!\n", "generated"),
        (PY, b"# Generated by Django 5.1 on 2024-01-01\nfrom django.db import migrations\n", None),
        (PY, b"import a\n# DO NOT EDIT below this line\n", None),
        (PY, b'TEXT = "DO NOT EDIT"\n', None),
    ],
)
def test_content_that_nobody_wrote_is_recognised(language: languages.Language, data: bytes, kind: str | None) -> None:
    problem = content_problem(language, data)
    assert (problem.kind if problem else None) == kind


def test_a_line_that_is_no_pattern_takes_no_other_with_it(tmp_path: Path) -> None:
    grow(tmp_path, "a.py", "b.py", "sub/c.py", "d.py")
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe[\n!\n\\\n[z-a]\n(((\nb.py\n")
    (tmp_path / ".driftignore").write_bytes(b"!\n[[x]\nd.py\n")
    assert paths(walk(tmp_path)) == ["a.py", "sub/c.py"]


def test_an_ignore_file_that_is_a_loop_of_links_ignores_nothing(tmp_path: Path) -> None:
    grow(tmp_path, "a.py")
    (tmp_path / ".gitignore").symlink_to(".gitignore")
    (tmp_path / ".driftignore").symlink_to(".driftignore")
    assert paths(walk(tmp_path)) == ["a.py"]
