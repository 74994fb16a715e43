from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.scan.packages import Aliases, Package, Project, WorkspacePackage, lenient_json, read
from drift_mcp.scan.walk import walk


def project(root: Path, files: dict[str, Any]) -> Project:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (root / path).write_text(text, encoding="utf-8")
    return read(root, walk(root))


def only(root: Path, files: dict[str, Any]) -> Package:
    (package,) = project(root, files).packages
    return package


def test_a_script_package_says_name_version_needs_and_framework(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        {
            "package.json": {
                "name": "shop",
                "version": "1.2.0",
                "dependencies": {"react": "^19", "@nestjs/core": "^11"},
                "devDependencies": {"jest": "30"},
            }
        },
    )
    assert found == Package(
        ".", "shop", "npm", "1.2.0", {"@nestjs/core": "^11", "react": "^19"}, {"jest": "30"}, "javascript", "nestjs"
    )


PYPROJECT = """
[project]
name = "shop"
version = "2.0"
dependencies = ["FastAPI[standard]>=0.115,<1", "SQL_Alchemy ; python_version > '3'", "own @ https://example.org/o.zip"]
[project.optional-dependencies]
postgres = ["psycopg"]
test = ["pytest>=8"]
[dependency-groups]
lint = ["ruff"]
"""

POETRY = """
[tool.poetry]
name = "shop"
version = "2.0"
[tool.poetry.dependencies]
python = "^3.11"
django = {version = "^5.1", extras = ["argon2"]}
[tool.poetry.group.dev.dependencies]
pytest = "*"
"""


@pytest.mark.parametrize(
    ("files", "dependencies", "dev", "manager", "framework"),
    [
        (
            {"pyproject.toml": PYPROJECT},
            {"fastapi": ">=0.115,<1", "own": "@ https://example.org/o.zip", "psycopg": "", "sql-alchemy": ""},
            {"pytest": ">=8", "ruff": ""},
            "pip",
            "fastapi",
        ),
        ({"pyproject.toml": POETRY}, {"django": "^5.1"}, {"pytest": "*"}, "poetry", "django"),
        ({"pyproject.toml": PYPROJECT.split("[project.opt")[0], "uv.lock": ""}, None, {}, "uv", "fastapi"),
        (
            {
                "setup.cfg": "[metadata]\nname = shop\nversion = 2.0\n"
                "[options]\ninstall_requires =\n    flask>=3\n    click\n"
            },
            {"click": "", "flask": ">=3"},
            {},
            "pip",
            "flask",
        ),
        (
            {"setup.py": "from setuptools import setup\nv = open('v').read()\n"
             "setup(name='shop', version='2.0', long_description=v, install_requires=['tornado'])\n"},
            {"tornado": ""},
            {},
            "pip",
            "tornado",
        ),
    ],
)  # fmt: skip
def test_each_kind_of_python_manifest_is_read(
    tmp_path: Path,
    files: dict[str, str],
    dependencies: dict[str, str] | None,
    dev: dict[str, str],
    manager: str,
    framework: str,
) -> None:
    found = only(tmp_path, files)
    assert (found.name, found.version, found.language) == ("shop", "2.0", "python")
    assert (found.package_manager, found.framework) == (manager, framework)
    if dependencies is not None:
        assert dict(found.dependencies) == dependencies
    assert dict(found.dev_dependencies) == dev


def test_requirements_without_a_name_are_called_after_their_folder(tmp_path: Path) -> None:
    files = {
        "service/requirements.txt": "# pinned\n-r base.txt\nflask==3.0 \\\n    --hash=sha256:aa\ngit+https://x.org/y\n\n",
        "service/requirements-dev.txt": "pytest\n",
    }
    found = only(tmp_path, files)
    assert (found.path, found.name, found.version) == ("service", "service", None)
    assert (dict(found.dependencies), dict(found.dev_dependencies)) == ({"flask": "==3.0"}, {"pytest": ""})


def test_other_languages_give_their_names(tmp_path: Path) -> None:
    files = {
        "go/go.mod": "module example.org/shop\n\nrequire (\n\tgithub.com/gin-gonic/gin v1.9.0\n)\n",
        "rust/Cargo.toml": '[package]\nname = "shop-rs"\n[dependencies]\nserde = { version = "1" }\n',
        "php/composer.json": {"name": "acme/shop", "require": {"php": "^8"}},
        "pip/Pipfile": '[packages]\ndjango = "*"\n',
    }
    found = {package.path: package for package in project(tmp_path, files).packages}
    assert {path: (each.name, each.package_manager) for path, each in found.items()} == {
        "go": ("example.org/shop", "go"),
        "php": ("acme/shop", "composer"),
        "pip": ("pip", "pipenv"),
        "rust": ("shop-rs", "cargo"),
    }
    assert dict(found["go"].dependencies) == {"github.com/gin-gonic/gin": "v1.9.0"}
    assert dict(found["rust"].dependencies) == {"serde": "1"}
    assert found["pip"].framework == "django"


def test_two_manifests_of_a_folder_are_one_package_of_its_main_language(tmp_path: Path) -> None:
    files = {"pyproject.toml": PYPROJECT, "package.json": {"name": "docs", "dependencies": {"react": "19"}}}
    found = only(tmp_path, {**files, "a.py": "", "b.py": "", "c.js": ""})
    assert (found.name, found.language, found.framework) == ("shop", "python", "fastapi")
    assert {"react", "fastapi"} <= found.dependencies.keys()


@pytest.mark.parametrize(
    ("files", "manager", "monorepo"),
    [
        ({"package.json": {"name": "a"}, "package-lock.json": "{}"}, "npm", None),
        ({"package.json": {"name": "a", "workspaces": ["x/*"]}, "yarn.lock": ""}, "yarn", "."),
        ({"package.json": {"name": "a"}, "pnpm-lock.yaml": "", "pnpm-workspace.yaml": ""}, "pnpm", "."),
        ({"package.json": {"name": "a", "packageManager": "pnpm@9.1.0"}}, "pnpm", None),
        ({"pyproject.toml": "[project]\nname='a'\n[tool.uv.workspace]\nmembers=['x']\n"}, "uv", "."),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 88\n"}, None, None),
        ({"nx.json": "{}"}, None, "."),
        ({}, None, None),
    ],
)
def test_lock_files_tell_the_manager_and_workspaces_the_monorepo(
    tmp_path: Path, files: dict[str, Any], manager: str | None, monorepo: str | None
) -> None:
    found = project(tmp_path, files)
    assert (found.package_manager, found.monorepo_root) == (manager, monorepo)


def test_languages_are_counted_read_or_not(tmp_path: Path) -> None:
    found = project(tmp_path, {"a.py": "", "b.py": "", "c.tsx": "", "d.go": "", "e.md": "", "f.css": "", "g.scss": ""})
    assert list(found.language_stats.items()) == [("css", 2), ("python", 2), ("go", 1), ("tsx", 1)]


def test_compiler_paths_are_seen_from_the_root(tmp_path: Path) -> None:
    files = {
        "tsconfig.json": '{ // here\n "compilerOptions": { "baseUrl": "./", "paths": { "@/*": ["src/*",], }, } }',
        "web/tsconfig.json": {
            "compilerOptions": {"baseUrl": "src", "paths": {"~/*": ["./*"], "@up": ["../../shared/i.ts"]}}
        },
        "plain/tsconfig.json": {"compilerOptions": {"strict": True}},
        "escape/tsconfig.json": {"compilerOptions": {"paths": {"@x": ["../../outside"], "@y": ["/etc/y"]}}},
        "js/jsconfig.json": {"compilerOptions": {"paths": {"lib": ["./lib/index.js"]}}},
    }
    assert project(tmp_path, files).modules.aliases == (
        Aliases("", "", {"@/*": ("src/*",)}),
        Aliases("js", None, {"lib": ("js/lib/index.js",)}),
        Aliases("web", "web/src", {"~/*": ("web/src/*",), "@up": ("shared/i.ts",)}),
    )


def test_extended_configurations_are_followed_inside_the_tree(tmp_path: Path) -> None:
    files = {
        "base.json": {"compilerOptions": {"baseUrl": "libs", "paths": {"@lib/*": ["./*"]}}},
        "app/tsconfig.json": {"extends": "../base"},
        "own/tsconfig.json": {"extends": ["../base.json"], "compilerOptions": {"paths": {"@own": ["./own.ts"]}}},
        "ring/tsconfig.json": {"extends": "./tsconfig.other.json"},
        "ring/tsconfig.other.json": {"extends": "./tsconfig.json", "compilerOptions": {"paths": {"@r": ["./r.ts"]}}},
        "far/tsconfig.json": {"extends": "../../elsewhere/tsconfig.json"},
        "published/tsconfig.json": {"extends": "@tsconfig/node22/tsconfig.json"},
        "config/package.json": {"name": "@acme/config"},
        "config/strict.json": {"compilerOptions": {"paths": {"@c": ["./c.ts"]}}},
        "member/tsconfig.json": {"extends": "@acme/config/strict.json"},
    }
    assert project(tmp_path, files).modules.aliases == (
        Aliases("app", "libs", {"@lib/*": ("libs/*",)}),
        Aliases("member", None, {"@c": ("config/c.ts",)}),
        Aliases("own", "libs", {"@own": ("libs/own.ts",)}),
        Aliases("ring", None, {"@r": ("ring/r.ts",)}),
    )


def test_packages_are_found_by_name_with_the_sources_behind_their_build(tmp_path: Path) -> None:
    files = {
        "package.json": {"name": "root", "workspaces": ["packages/*"]},
        "packages/ui/package.json": {
            "name": "@acme/ui",
            "main": "./dist/index.js",
            "types": "dist/index.d.ts",
            "exports": {".": {"import": "./dist/esm/index.js"}, "./button": "./dist/button.js", "./*": "./src/*.ts"},
            "imports": {"#internal/*": {"default": "./src/internal/*.ts"}},
        },
        "packages/ui/fixtures/package.json": {"name": "root"},
        "packages/plain/package.json": {"name": "plain", "exports": "./index.ts"},
    }
    modules = project(tmp_path, files).modules
    assert modules.packages == (
        WorkspacePackage("root", "", ()),
        WorkspacePackage("plain", "packages/plain", ("packages/plain/index.ts",)),
        WorkspacePackage(
            "@acme/ui",
            "packages/ui",
            (
                "packages/ui/src/index.js",
                "packages/ui/dist/index.js",
                "packages/ui/src/index.ts",
                "packages/ui/dist/index.ts",
                "packages/ui/dist/esm/index.js",
            ),
        ),
    )
    assert modules.aliases == (
        Aliases("packages/ui", None, {"#internal/*": ("packages/ui/src/internal/*.ts",)}),
        Aliases(
            "",
            None,
            {
                "@acme/ui/button": ("packages/ui/src/button.js", "packages/ui/dist/button.js"),
                "@acme/ui/*": ("packages/ui/src/*.ts",),
            },
        ),
    )


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("package.json", '{\n "name": \n}', 3),
        ("package.json", "[" * 100_000, 0),
        ("tsconfig.json", '{"compilerOptions": {', 1),
        ("pyproject.toml", "[project\n", 0),
        ("setup.cfg", "name = without a section\n", 1),
    ],
)
def test_a_broken_manifest_is_a_problem_and_the_others_are_read(
    tmp_path: Path, path: str, text: str, line: int
) -> None:
    found = project(tmp_path, {path: text, "sub/package.json": {"name": "fine"}})
    assert [package.name for package in found.packages] == ["fine"]
    ((broken, problem),) = found.problems
    assert (broken, problem.kind, problem.line) == (path, "syntax", line)


@pytest.mark.parametrize(
    "text", ["[]", '"x"', "null", "{}", '{"name": 3, "dependencies": [], "workspaces": 1, "exports": 2}']
)
def test_a_manifest_of_an_odd_shape_is_read_as_far_as_it_goes(tmp_path: Path, text: str) -> None:
    found = project(tmp_path, {"package.json": text, "tsconfig.json": text, "composer.json": text})
    assert found.problems == ()


def test_a_setup_that_cannot_be_parsed_or_known_is_no_package(tmp_path: Path) -> None:
    files = {"a/setup.py": "print 'python 2'\n", "b/setup.py": "from x import setup\nsetup(**everything())\n"}
    assert project(tmp_path, files).packages == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, // c\n}', {"a": 1}),
        ('/* x */ {"a": "// no /* comment */", "b": ",]",}', {"a": "// no /* comment */", "b": ",]"}),
        ('["\\"//", 2, /* , */]', ['"//', 2]),
    ],
)
def test_comments_and_trailing_commas_are_allowed_outside_strings(text: str, value: object) -> None:
    assert lenient_json(text) == value


def test_who_fetches_a_package_is_not_kept(tmp_path: Path) -> None:
    needs = {
        "a": "git+https://user:hunter2@example.org/a.git",
        "b": "https://ghp_0123456789@example.org/b.tgz",
        "c": "git+ssh://git@example.org/c.git",
        "d": "^1.0",
    }
    requirements = "e @ https://u:hunter2@example.org/e.whl\n"
    found = project(tmp_path, {"package.json": {"dependencies": needs}, "py/requirements.txt": requirements})
    script, python = found.packages
    assert script.dependencies == {
        "a": "git+https://[redacted]@example.org/a.git",
        "b": "https://[redacted]@example.org/b.tgz",
        "c": "git+ssh://git@example.org/c.git",
        "d": "^1.0",
    }
    assert "hunter2" not in str(python.dependencies) and "e" in python.dependencies
