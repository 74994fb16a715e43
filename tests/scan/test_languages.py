from __future__ import annotations

import pytest

from drift_mcp.scan import languages


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.py", "python"),
        ("stubs/a.pyi", "python"),
        ("a.ts", "typescript"),
        ("a.d.ts", "typescript"),
        ("a.mts", "typescript"),
        ("A.TS", "typescript"),
        ("a.tsx", "tsx"),
        ("a.jsx", "javascript"),
        ("a.cjs", "javascript"),
        ("schema.prisma", "prisma"),
        ("migration.sql", "sql"),
        ("README.md", None),
        ("py", None),
        (".py", None),
    ],
)
def test_a_language_is_known_by_its_suffix(path: str, name: str | None) -> None:
    language = languages.of_path(path)
    assert (language.name if language else None) == name


def test_each_suffix_belongs_to_one_language() -> None:
    suffixes = [suffix for language in languages.LANGUAGES for suffix in language.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/test_views.py", True),
        ("tests/models.py", True),
        ("app/tests.py", True),
        ("pkg/views_test.py", True),
        ("conftest.py", True),
        ("src/app.spec.ts", True),
        ("src/__tests__/app.ts", True),
        ("test/server.js", True),
        ("packages/core/test/unit/a.ts", True),
        ("e2e/login.ts", True),
        ("django/test/client.py", False),
        ("src/contest.py", False),
        ("src/attest/view.ts", False),
        ("src/testimonials.ts", False),
        ("src/latest.py", False),
    ],
)
def test_a_test_is_known_by_its_place_and_name(path: str, expected: bool) -> None:
    assert languages.is_test(path) is expected
