"""Each example: a source, and which lines its `drift-ignore` comments speak of, about what, until when, and why."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp.scan import facts as F
from drift_mcp.scan import languages
from drift_mcp.scan.conventions import CATEGORIES, CONVENTIONS

PYTHON, TYPESCRIPT, TSX, JAVASCRIPT = "python", "typescript", "tsx", "javascript"
_PATHS = {PYTHON: "a.py", TYPESCRIPT: "a.ts", TSX: "a.tsx", JAVASCRIPT: "a.js"}


def facts(language: str, source: str) -> F.FileFacts:
    text = textwrap.dedent(source).removeprefix("\n")
    return languages.front_end(language)(_PATHS[language], text.encode())


def lines(language: str, source: str) -> list[tuple[int, int]]:
    found = facts(language, source)
    assert found.problems == ()
    return [(each.line, each.end_line) for each in found.ignored]


WHERE: list[tuple[str, str, list[tuple[int, int]]]] = [
    (PYTHON, "x = 1  # drift-ignore\ny = 2\n", [(1, 1)]),
    (PYTHON, "# drift-ignore\nx = 1\ny = 2\n", [(2, 2)]),
    (PYTHON, "#drift-ignore\nx = 1\n", [(2, 2)]),
    (PYTHON, "# drift-ignore\n\n# of which\n# there is more to say\n\nx = 1\n", [(6, 6)]),
    (PYTHON, "x = 1  # drift-ignore-next-line\n\ny = 2\n", [(3, 3)]),
    (PYTHON, "x = 1\ny = 2\n# drift-ignore-file\n", [(0, 0)]),
    (PYTHON, "x = 1  # noqa: E501 # drift-ignore\n", [(1, 1)]),
    # Two comments above one another speak of the same line.
    (PYTHON, "# drift-ignore api\n# drift-ignore errors\nx = 1\n", [(3, 3), (3, 3)]),
    # A statement of several lines, whole; one with a body, to its colon.
    (PYTHON, "# drift-ignore\nf(\n    print(1),\n    2,\n)\nx = 1\n", [(2, 5)]),
    (PYTHON, "# drift-ignore\nif a and (\n    b\n):\n    print(1)\n", [(2, 4)]),
    (PYTHON, "# drift-ignore\ntry:\n    f()\nexcept Exception:\n    pass\n", [(2, 2)]),
    (PYTHON, "try:\n    f()\n# drift-ignore\nexcept Exception:\n    pass\n", [(4, 4)]),
    (PYTHON, "try:\n    f()\nexcept Exception:  # drift-ignore\n    pass\n", [(3, 3)]),
    (PYTHON, "def f():\n    # drift-ignore\n    a()\n    b()\n", [(3, 3)]),
    (PYTHON, "def f():\n    a()\n    # drift-ignore\nb()\n", [(4, 4)]),
    (PYTHON, "x = 1\nif x: pass  # drift-ignore\nelse: pass\n", [(2, 2)]),
    (PYTHON, "# drift-ignore\nif x: f(\n  1)\n", [(2, 2)]),
    # Decorators belong to what they decorate.
    (PYTHON, "# drift-ignore\n@app.get('/a')\n@login\ndef f(\n    a,\n):\n    # why\n    g()\n", [(2, 6)]),
    (PYTHON, "@app.get('/a')  # drift-ignore\ndef f(): pass\n", [(1, 1)]),
    (PYTHON, "@app.get('/a')\n# drift-ignore\ndef f():\n    pass\n", [(3, 3)]),
    (PYTHON, "# drift-ignore\nclass A(\n    B,\n):\n    x = 1\n", [(2, 4)]),
    # Inside a statement, one part of it.
    (PYTHON, "f(\n    # drift-ignore\n    g(\n        1\n    ),\n    h(),\n)\n", [(3, 5)]),
    (PYTHON, "f(\n    a,  # drift-ignore\n    b,\n)\n", [(2, 2)]),
    (PYTHON, "x = (\n    a\n    # drift-ignore\n    .b()\n    .c()\n)\n", [(4, 4)]),
    # Text is no comment, and a sentence about the word is none of its kind.
    (PYTHON, "'''\n# drift-ignore\n'''\nx = '# drift-ignore'\n", []),
    (PYTHON, "def f():\n    '''Says.\n\n    # drift-ignore-file\n    '''\n", []),
    (PYTHON, "# see drift-ignore below\nx = 1  # a `drift-ignore` comment\n", []),
    (PYTHON, "# drift-ignored files\n# drift-ignore's rules\n# drift-ignore.\nx = 1\n", []),
    (PYTHON, "x = f'{a  # drift-ignore\n}'\n", [(1, 1)]),
    (TYPESCRIPT, "f() // drift-ignore\n", [(1, 1)]),
    (TYPESCRIPT, "// drift-ignore\nf()\ng()\n", [(2, 2)]),
    (TYPESCRIPT, "/* drift-ignore */ f()\n", [(1, 1)]),
    (TYPESCRIPT, "/* drift-ignore */\nf()\n", [(2, 2)]),
    (TYPESCRIPT, "f(); /* drift-ignore */ g(\n1)\n", [(1, 1)]),
    (TYPESCRIPT, "/**\n * Says.\n *\n * drift-ignore\n */\nf()\n", [(6, 6)]),
    (TYPESCRIPT, "/*\n  drift-ignore\n*/ f()\n", [(1, 3)]),
    (TYPESCRIPT, "/* eslint-disable */ /* drift-ignore */\n/* more */\nf()\n", [(3, 3)]),
    (TYPESCRIPT, "// drift-ignore\nfunction f(\n  a: number,\n)\n{\n  g()\n}\n", [(2, 4)]),
    (TYPESCRIPT, "// drift-ignore\nexport const f = async (\n  a: number,\n) => {\n  g()\n}\n", [(2, 4)]),
    (TYPESCRIPT, "// drift-ignore\napp.get(\n  '/a',\n  (q, s) => {\n    s.send()\n  },\n)\n", [(2, 4)]),
    (TYPESCRIPT, "// drift-ignore\n@A()\nexport class B extends C {\n  x = 1\n}\n", [(2, 3)]),
    (TYPESCRIPT, "class A {\n  // drift-ignore\n  @Get('/a')\n  @Auth()\n  f(\n    a: B,\n  ) {\n    g()\n  }\n}\n",
     [(3, 7)]),
    (TYPESCRIPT, "// drift-ignore\ninterface A {\n  b: number\n}\n", [(2, 2)]),
    (TYPESCRIPT, "try {\n  f()\n  // drift-ignore\n} catch (e) {\n}\n", [(4, 4)]),
    (TYPESCRIPT, "switch (a) {\n  // drift-ignore\n  case 1: f()\n}\n", [(3, 3)]),
    (TYPESCRIPT, "const x = `\n// drift-ignore\n`\nconst y = /\\/\\/ drift-ignore/\n", []),
    (TYPESCRIPT, "const z = '/* drift-ignore */' + \"// drift-ignore\"\n", []),
    (JAVASCRIPT, "// eslint-disable-next-line // drift-ignore-next-line\nmodule.exports = {\n  a: 1,\n}\n", [(2, 4)]),
    (JAVASCRIPT, "#!/usr/bin/env node\n// drift-ignore-file\n", [(0, 0)]),
    (JAVASCRIPT, "const a = () => (\n  <p>\n    {/* drift-ignore */}\n    <B c={1} />\n  </p>\n)\n", [(4, 4)]),
    (
        TSX,
        """
        const a = () => (
          <p>
            {/* drift-ignore */}
            <B
              c={1}
            >
              <D />
            </B>
            {/* drift-ignore-next-line */}
            {b && <E
              f />}
            <G /> {/* drift-ignore */}
            <H
              // drift-ignore
              onClick={() => {
                f()
              }}
            />
            text about // drift-ignore
          </p>
        )
        """,
        [(4, 6), (10, 11), (12, 12), (15, 15)],
    ),
    (TSX, "// drift-ignore\nconst a = (\n  <p\n    b\n  >\n    <C />\n  </p>\n)\n", [(2, 5)]),
]  # fmt: skip


@pytest.mark.parametrize(("language", "source", "expected"), WHERE)
def test_a_comment_speaks_of_these_lines(language: str, source: str, expected: list[tuple[int, int]]) -> None:
    assert lines(language, source) == expected


@pytest.mark.parametrize(
    ("language", "source"),
    [
        (PYTHON, "# drift-ignore\nx = (\n  1\n\n\ndef f():\n  pass\n"),
        (TYPESCRIPT, "// drift-ignore\nf(\n\nclass A {\n"),
    ],
)
def test_where_the_parser_is_lost_a_comment_speaks_of_one_line(language: str, source: str) -> None:
    found = facts(language, source)
    assert [each.kind for each in found.problems] == ["syntax"]
    assert [(each.line, each.end_line) for each in found.ignored] == [(2, 2)]


ALL = ("all", "", "", "")
WHAT: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    ("drift-ignore", [ALL]),
    ("drift-ignore errors", [("category", "errors", "", "")]),
    ("drift-ignore errors.swallowed", [("convention", "errors.swallowed", "", "")]),
    ("drift-ignore 0123456789abcdef", [("pattern", "0123456789abcdef", "", "")]),
    (
        "drift-ignore api, types.optional  data-access,0123456789abcdef",
        [
            ("category", "api", "", ""),
            ("convention", "types.optional", "", ""),
            ("category", "data-access", "", ""),
            ("pattern", "0123456789abcdef", "", ""),
        ],
    ),
    ("drift-ignore api, api", [("category", "api", "", "")]),
    ("drift-ignore until 2027-01-31", [("all", "", "2027-01-31", "")]),
    ("drift-ignore until 2000-02-29", [("all", "", "2000-02-29", "")]),
    ("drift-ignore api until 2027-01-31: why", [("category", "api", "2027-01-31", "why")]),
    ("drift-ignore until 2027-01-31 api -- why", [("category", "api", "2027-01-31", "why")]),
    ("drift-ignore: see https://example.com/a", [("all", "", "", "see https://example.com/a")]),
    ("drift-ignore -- as  it   is", [("all", "", "", "as it is")]),
    ("drift-ignore--as it is", [("all", "", "", "as it is")]),
    ("drift-ignore: ", [ALL]),
    ("drift-ignore: until further notice", [("all", "", "", "until further notice")]),
    ("drift-ignore: the key is AKIAIOSFODNN7EXAMPLE", [("all", "", "", "the key is [redacted]")]),
    ("drift-ignore: " + "x" * 500, [("all", "", "", "x" * 300)]),
]


@pytest.mark.parametrize(("said", "expected"), WHAT)
@pytest.mark.parametrize(
    ("language", "comment"), [(PYTHON, "# {}\nx = 1\n"), (TYPESCRIPT, "/* {} */\nf()\n"), (TSX, "// {}\nf()\n")]
)
def test_a_comment_says_what_until_when_and_why(
    language: str, comment: str, said: str, expected: list[tuple[str, str, str, str]]
) -> None:
    found = facts(language, comment.format(said))
    assert found.problems == ()
    assert [each[2:] for each in found.ignored] == expected


NOT_READ = [
    ("drift-ignore erors", "'erors': no category, convention or pattern id. Nearest: errors."),
    ("drift-ignore the old way", "'the', 'old', 'way': no category"),
    ("drift-ignore 0123", "'0123': no category"),
    ("drift-ignore[errors]", "'[errors]': no category"),
    ("drift-ignore until", "'until' wants a day as YYYY-MM-DD, not ''"),
    ("drift-ignore until tomorrow", "not 'tomorrow'"),
    ("drift-ignore until 2027-1-31", "not '2027-1-31'"),
    ("drift-ignore until: 2027-01-31", "'until' wants a day"),
    ("drift-ignore until 2027-02-29", "there is no day 2027-02-29"),
    ("drift-ignore-line", "there is no drift-ignore-line. Write drift-ignore, drift-ignore-next-line or -file."),
    ("drift-ignore-next_line", "there is no drift-ignore-next_line."),
]


@pytest.mark.parametrize(("said", "message"), NOT_READ)
def test_a_comment_that_cannot_be_read_ignores_nothing_and_is_a_problem(said: str, message: str) -> None:
    found = facts(PYTHON, f"x = 1\n# {said}\ny = 2\n")
    assert found.ignored == ()
    (problem,) = found.problems
    assert (problem.kind, problem.line) == ("comment", 2)
    assert problem.message.startswith("This drift-ignore comment does nothing: ")
    assert message in problem.message


def test_a_comment_with_nothing_below_it_is_a_problem() -> None:
    found = facts(PYTHON, "x = 1\n# drift-ignore\n# the end\n")
    assert found.ignored == ()
    assert [each.message for each in found.problems] == [
        "This drift-ignore comment does nothing: there is no code below it."
    ]


def test_what_was_understood_of_a_comment_holds_beside_what_was_not() -> None:
    found = facts(PYTHON, "# drift-ignore errors, erors.swallowed\nx = 1\n")
    assert [each[2:4] for each in found.ignored] == [("category", "errors")]
    assert [each.message for each in found.problems] == [
        "Not all of this drift-ignore comment was read: 'erors.swallowed': no category, convention or pattern id. "
        "Nearest: errors.swallowed. A reason stands after ':' or '--'."
    ]


def test_the_problem_of_a_block_comment_names_its_own_line() -> None:
    found = facts(TYPESCRIPT, "/**\n * Says.\n * drift-ignore nothing\n */\nf()\n")
    assert [each.line for each in found.problems] == [3]


def test_facts_keep_what_comments_ask_for() -> None:
    found = facts(PYTHON, "# drift-ignore api until 2027-01-31: why\nx = 1  # drift-ignore\n")
    assert found.ignored
    assert F.unpack(F.pack(found)) == found


def test_the_categories_are_those_of_the_schema() -> None:
    schema = (Path(__file__).parents[2] / "schema/drift/patterns.sql").read_text(encoding="utf-8")
    checked = re.search(r"category TEXT NOT NULL CHECK \(category IN \((.*?)\)\)", schema, re.DOTALL)
    assert checked is not None
    assert tuple(re.findall(r"'([^']+)'", checked[1])) == CATEGORIES
    assert {each.category for each in CONVENTIONS} <= set(CATEGORIES)


@given(
    st.lists(
        st.sampled_from(["drift-ignore", "-file", "until", "2027-01-31", ":", "--", "#", "//", "/*", "*/", "\n", " ",
                         "(", ")", "{", "}", "'", '"', "`", "<a>", "errors", "x = 1", "def f():", "é", "\x00"]),
        max_size=30,
    ),
    st.sampled_from(sorted(_PATHS)),
)  # fmt: skip
def test_no_source_is_too_odd(pieces: list[str], language: str) -> None:
    source = "".join(pieces)
    found = languages.front_end(language)(_PATHS[language], source.encode())
    for each in found.ignored:
        assert 0 <= each.line <= each.end_line <= source.count("\n") + 1
