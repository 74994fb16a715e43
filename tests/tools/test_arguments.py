"""What tools accept, what they turn into the right type, and how they refuse the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from drift_mcp.errors import DriftError
from drift_mcp.tools.arguments import PLAIN_TEXT, AskedAtLength, Content, Told, read, schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(AskedAtLength):
    function: Annotated[str, Told("A name.")]
    direction: Literal["callers", "callees"] = "callers"
    depth: Annotated[int, Told(least=1, most=20)] = 1
    share: Annotated[float | None, Told(least=0, most=1)] = None
    full: bool = False
    tags: tuple[str, ...] = ()
    content: Content | None = None


def taken(**given: Any) -> Asked:
    return read("ask", Asked, {"function": "f", **given})


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"depth": 7}, "depth", 7),
        ({"depth": "7"}, "depth", 7),
        ({"depth": 7.0}, "depth", 7),
        ({"share": "0.5"}, "share", 0.5),
        ({"full": "true"}, "full", True),
        ({"full": False}, "full", False),
        ({"tags": ["a", "b"]}, "tags", ("a", "b")),
        ({"tags": '["a","b"]'}, "tags", ("a", "b")),
        ({"tags": "a"}, "tags", ("a",)),
        ({"direction": "callees"}, "direction", "callees"),
        ({"direction": None}, "direction", "callers"),
        ({"content": {"topic": "x"}}, "content", {"topic": "x"}),
        ({"content": '{"topic": "x"}'}, "content", {"topic": "x"}),
        ({"content": "plain"}, "content", {PLAIN_TEXT: "plain"}),
        ({"content": "[" * 50_000}, "content", {PLAIN_TEXT: "[" * 50_000}),
        ({"function": 7}, "function", "7"),
        ({"limit": "5"}, "limit", 5),
    ],
)
def test_values_that_mean_the_right_thing_are_taken(given: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(taken(**given), name) == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"functoin": "x"}, ["'functoin'", "`function`"]),
        ({"zzz": 1}, ["'zzz'", "It takes: function, direction"]),
        ({"depth": "seven"}, ["`depth`", "a whole number from 1 to 20", '"seven"']),
        ({"depth": 0}, ["from 1 to 20", "0"]),
        ({"depth": 21}, ["from 1 to 20"]),
        ({"depth": 1.5}, ["whole number"]),
        ({"depth": True}, ["whole number"]),
        ({"depth": 1e400}, ["whole number"]),
        ({"share": 2}, ["from 0 to 1"]),
        ({"full": "yes"}, ["true or false"]),
        ({"direction": "caller"}, ["callers, callees", "nearest: 'callers'"]),
        ({"direction": ["callers"]}, ["one of callers, callees"]),
        ({"tags": {"a": 1}}, ["a list of texts"]),
        ({"tags": ["x"] * 201}, ["at most 200"]),
        ({"tags": "[" * 50_000}, ["at most 4,096 characters"]),
        ({"content": [1]}, ["an object or a text"]),
        ({"content": {"topic": "\ud800"}}, ["half a surrogate pair"]),
        ({"content": "x" * 100_001}, ["at most 100,000"]),
        ({"function": ""}, ["not empty"]),
        ({"function": "x" * 1_000_000}, ["at most 4,096 characters", "1,000,000"]),
        ({"function": "\ud800"}, ["half a surrogate pair"]),
        ({"function": "a\0b"}, ["NUL"]),
        ({"function": {"name": "f"}}, ["a text"]),
        ({"budget_tokens": 99}, ["from 100 to 20,000"]),
    ],
)
def test_everything_else_is_refused_in_words_that_help(given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(DriftError) as refused:
        taken(**given)
    assert all(word in str(refused.value) for word in words), str(refused.value)
    assert len(str(refused.value)) < 500


def test_what_is_missing_is_named_with_an_example() -> None:
    with pytest.raises(DriftError, match=r'ask needs `function`\. For instance: ask\("function": "<function>"\)'):
        read("ask", Asked, None)


def test_the_schema_is_portable_and_tells_a_tools_own_arguments_first() -> None:
    told = schema(Asked)
    assert next(iter(told["properties"])) == "function"
    assert list(told["properties"])[-5:] == ["project", "format", "budget_tokens", "limit", "cursor"]
    assert told["additionalProperties"] is False
    assert told["required"] == ["function"]
    assert told["properties"]["direction"] == {"type": "string", "enum": ["callers", "callees"]}
    assert told["properties"]["tags"] == {"type": "array", "items": {"type": "string"}}
    assert told["properties"]["content"] == {"type": "string"}
