"""Which file an import means: importer, specifier, file."""

from __future__ import annotations

import pytest

from drift_mcp.graph.modules import ModuleTable, PathAlias, WorkspacePackage

PYTHON = ModuleTable(
    [
        "app/__init__.py",
        "app/models.py",
        "app/api/__init__.py",
        "app/api/users.py",
        "app/api/models.py",
        "src/shop/__init__.py",
        "src/shop/cart.py",
        "src/plain/tools.py",
        "tests/conftest.py",
        "tests/models.py",
        "json.py",
        "stubs/typed.pyi",
        "one/settings.py",
        "two/settings.py",
        "two/main.py",
    ]
)


@pytest.mark.parametrize(
    ("importer", "module", "expected"),
    [
        ("app/api/users.py", "app.models", "app/models.py"),
        ("app/api/users.py", "app", "app/__init__.py"),
        ("app/api/users.py", ".models", "app/api/models.py"),
        ("app/api/users.py", "..models", "app/models.py"),
        ("app/api/users.py", ".", "app/api/__init__.py"),
        ("app/api/__init__.py", ".users", "app/api/users.py"),
        ("app/models.py", "....above", None),
        ("tests/conftest.py", "shop.cart", "src/shop/cart.py"),
        ("tests/conftest.py", "plain.tools", "src/plain/tools.py"),
        ("tests/conftest.py", "plain", "src/plain/"),
        ("tests/conftest.py", "models", "tests/models.py"),
        ("app/models.py", "users", None),  # inside a package: its absolute name is app.api.users
        ("app/models.py", "json", None),  # the standard library's
        ("app/models.py", "typed", "stubs/typed.pyi"),
        ("two/main.py", "settings", "two/settings.py"),
        ("app/models.py", "requests", None),
    ],
)
def test_a_python_import_means(importer: str, module: str, expected: str | None) -> None:
    assert PYTHON.resolve(importer, module) == expected


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("app/__init__.py", "models", "app/models.py"),
        ("app/__init__.py", "api", "app/api/__init__.py"),
        ("app/__init__.py", "nothing", None),
        ("app/models.py", "User", None),
        ("src/plain/", "tools", "src/plain/tools.py"),
    ],
)
def test_a_package_has_submodules(module: str, name: str, expected: str | None) -> None:
    assert PYTHON.submodule(module, name) == expected


SCRIPT = ModuleTable(
    [
        "src/index.ts",
        "src/users.service.ts",
        "src/lib/index.ts",
        "src/lib/cut.js",
        "src/both.ts",
        "src/both.js",
        "src/view.tsx",
        "src/compiled.mts",
        "packages/ui/src/index.ts",
        "packages/ui/src/button.tsx",
        "packages/core/main.ts",
        "apps/web/src/api.ts",
    ],
    [
        PathAlias(
            "", "src", {"@/*": ("src/*",), "@lib": ("src/lib/index.ts",), "@/lib/*": ("src/nowhere/*", "src/lib/*")}
        ),
        PathAlias("apps/web", None, {"@/*": ("apps/web/src/*",)}),
    ],
    [
        WorkspacePackage("@shop/ui", "packages/ui"),
        WorkspacePackage("core", "packages/core", ("packages/core/main.ts",)),
    ],
)


@pytest.mark.parametrize(
    ("importer", "module", "expected"),
    [
        ("src/index.ts", "./users.service", "src/users.service.ts"),
        ("src/index.ts", "./lib", "src/lib/index.ts"),
        ("src/index.ts", "./lib/cut", "src/lib/cut.js"),
        ("src/index.ts", "./both", "src/both.ts"),
        ("src/index.ts", "./both.js", "src/both.js"),
        ("src/index.ts", "./view.js", "src/view.tsx"),
        ("src/index.ts", "./compiled.mjs", "src/compiled.mts"),
        ("src/lib/cut.js", "..", "src/index.ts"),
        ("src/lib/cut.js", ".", "src/lib/index.ts"),
        ("src/index.ts", "../../outside", None),
        ("src/index.ts", "@/view", "src/view.tsx"),
        ("src/index.ts", "@lib", "src/lib/index.ts"),
        ("src/index.ts", "@/lib/cut", "src/lib/cut.js"),  # the longest pattern, its second target
        ("src/index.ts", "view", "src/view.tsx"),  # baseUrl
        ("apps/web/src/api.ts", "@/api", "apps/web/src/api.ts"),
        ("src/index.ts", "@/api", None),
        ("src/index.ts", "@shop/ui", "packages/ui/src/index.ts"),
        ("src/index.ts", "@shop/ui/button", "packages/ui/src/button.tsx"),
        ("src/index.ts", "core", "packages/core/main.ts"),
        ("src/index.ts", "react", None),
    ],
)
def test_a_script_import_means(importer: str, module: str, expected: str | None) -> None:
    assert SCRIPT.resolve(importer, module) == expected
