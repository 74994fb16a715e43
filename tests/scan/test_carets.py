"""The reader of annotated sources points where its carets point, and refuses carets that point at nothing."""

from __future__ import annotations

import pytest

from tests.scan.carets import Expectation, expectations


def test_carets_speak_of_the_line_above_the_comments() -> None:
    source = (
        "def total(self):\n    return é(a) + tax(b)\n    #             ^^^ calls tax\n    #      ^ calls é\n"
        "total()\n# <- calls total\n"
    )
    assert list(expectations(source)) == [
        Expectation(2, 19, "tax", "calls tax", 3),
        Expectation(2, 11, "é", "calls é", 4),
        Expectation(5, 0, "total", "calls total", 6),
    ]


def test_another_language_has_another_comment() -> None:
    found = expectations("  call(x)\n  // <- calls it\n  //   ^ reads x\n", "//")
    assert [(each.token, each.column, each.text) for each in found] == [("call", 2, "calls it"), ("x", 7, "reads x")]


@pytest.mark.parametrize(
    "carets", ["#   ^^^^ too short", "#   ^^^^^^ too long", "#    ^^^^ late", "#             ^ at nothing"]
)
def test_carets_that_are_not_under_a_token_are_refused(carets: str) -> None:
    with pytest.raises(ValueError, match="is no token"):
        list(expectations(f"def total():\n{carets}\n"))


def test_a_comment_without_carets_is_a_line_like_any_other() -> None:
    assert list(expectations("x = 1\n# a ^ b\n#   ^ means b\n")) == [Expectation(2, 4, "^", "means b", 3)]
