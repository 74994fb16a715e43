"""What a tool may be asked: written once as a dataclass, told to clients as a JSON schema, and checked when a call
comes in.

A word that no tool knows is refused with the nearest one that it does know. Nothing is dropped in silence: a misspelt
option that looks obeyed is worse than an error.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

from drift_mcp.errors import DriftError
from drift_mcp.tools import answer

A = TypeVar("A", bound="Asked")


class Told(NamedTuple):
    """What goes with an argument beside its name and type."""

    text: str = ""  # what the client's model reads; a name that says all gets nothing
    least: float | None = None
    most: float | None = None
    lists_choices: bool = True  # whether the schema spells the choices out; where another tool's does, tokens are saved


BudgetTokens = Annotated[int | None, Told(least=answer.LEAST_TOKENS, most=answer.MOST_TOKENS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every tool takes."""

    project: str | None = None
    # Twelve tools have it, and the server's instructions say what it takes.
    format: Annotated[Literal["text", "json"], Told(lists_choices=False)] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAtLength(Asked):
    """What every tool takes whose answer can be long."""

    budget_tokens: BudgetTokens = None
    # More rows than this fit in no client's answer.
    limit: Annotated[int | None, Told(least=1, most=1_000)] = None
    cursor: str | None = None


def schema(asked: type[Asked]) -> Mapping[str, Any]:
    """The JSON schema of a tool's input. Single types and no combinators: some clients drop tools that have them."""
    properties = {}
    for name, field in _fields(asked).items():
        described: dict[str, Any] = dict(field.kind.schema)
        if field.told.text:
            described["description"] = field.told.text
        properties[name] = described
    needed = [name for name, field in _fields(asked).items() if field.required]
    whole: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if needed:
        whole["required"] = needed
    return whole


def read(tool: str, asked: type[A], given: Mapping[str, Any] | None) -> A:
    """The arguments of one call, checked. Raises DriftError in words that say what to send instead."""
    fields = _fields(asked)
    values = {}
    for name, value in (given or {}).items():
        if name not in fields:
            raise DriftError(_unknown(tool, str(name), list(fields)))
        if value is None:
            continue  # many clients send every optional argument, the unused ones as null
        values[name] = _checked(tool, name, fields[name], value)
    missing = [name for name, field in fields.items() if field.required and name not in values]
    if missing:
        needs = " and ".join(f"`{name}`" for name in missing)
        raise DriftError(f"{tool} needs {needs}. {_usage(tool, fields)}")
    return asked(**values)


@dataclass(frozen=True, slots=True)
class _Kind:
    schema: Mapping[str, Any]
    name: Literal["string", "integer", "number", "boolean", "array", "object"]
    choices: tuple[str, ...] = ()


class _Field(NamedTuple):
    kind: _Kind
    told: Told
    required: bool


_Fields = Mapping[str, _Field]


_known: dict[Any, _Fields] = {}


def _fields(asked: Any) -> _Fields:
    """Read from the class once; every call needs it."""
    if asked in _known:
        return _known[asked]
    hints = typing.get_type_hints(asked, include_extras=True)
    fields = {}
    for field in dataclasses.fields(asked):
        hint, told = hints[field.name], Told()
        if get_origin(hint) is Annotated:
            hint, told = get_args(hint)
        fields[field.name] = _Field(_kind(hint, told), told, field.default is dataclasses.MISSING)
    # A tool's own arguments first: that is the order in which a reader asks.
    common = {field.name for field in dataclasses.fields(AskedAtLength)}
    _known[asked] = {name: fields[name] for name in sorted(fields, key=lambda name: name in common)}
    return _known[asked]


def _kind(hint: Any, told: Told) -> _Kind:
    if get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        spelled = {"enum": list(choices)} if told.lists_choices else {}
        return _Kind({"type": "string", **spelled}, "string", choices)
    if get_origin(hint) is tuple:
        inner = _kind(get_args(hint)[0], told)
        return _Kind({"type": "array", "items": dict(inner.schema)}, "array", inner.choices)
    if hint is Content:
        # Told as text, which is what most send; an object is taken as well. Two types at once are not portable.
        return _Kind({"type": "string"}, "object")
    return _Kind({"type": _PLAIN[hint]}, _PLAIN[hint])


Content = Mapping[str, Any]
"""An object whose fields depend on another argument; the room that takes it checks them."""

_PLAIN: Mapping[Any, Literal["string", "integer", "number", "boolean"]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
}


def _unknown(tool: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"{tool} has no argument {answer.clip(name, 60)!r}.{hint} It takes: {', '.join(known)}."


def _usage(tool: str, fields: _Fields) -> str:
    needed = {name: f"<{name}>" for name, field in fields.items() if field.required}
    return f"For instance: {tool}({json.dumps(needed)[1:-1]})."


# A name, a question or a path is never longer; a memory's content may be, and has its own bound in its own room.
_MOST_CHARACTERS = 4_096
_MOST_CONTENT_CHARACTERS = 100_000
_MOST_ELEMENTS = 200


def _checked(tool: str, name: str, field: _Field, value: Any) -> Any:
    kind = field.kind

    def refuse(wanted: str) -> DriftError:
        found = answer.clip(json.dumps(value, default=str, ensure_ascii=True), 60)
        return DriftError(f"{tool}: `{name}` wants {wanted}, and got {found}.")

    if kind.name == "array":
        return _elements(value, kind, name, refuse)
    if kind.name == "object":
        return _object(value, name, refuse)
    if kind.name == "boolean":
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise refuse("true or false")
        return value
    if kind.name in ("integer", "number"):
        return _number(value, kind, field.told, refuse)
    return _text(value, kind, name, refuse)


_Refuse = Callable[[str], DriftError]


def _text(value: Any, kind: _Kind, name: str, refuse: _Refuse) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse("a text" if not kind.choices else f"one of {', '.join(kind.choices)}")
    text = str(value)
    most = _MOST_CONTENT_CHARACTERS if name == "content" else _MOST_CHARACTERS
    if len(text) > most:
        raise refuse(f"at most {most:,} characters (this one has {len(text):,})")
    if not text.strip():
        raise refuse("a text that is not empty")
    if _is_broken(text):
        raise refuse("text: it holds a character that is none (half a surrogate pair or a NUL)")
    if kind.choices and text not in kind.choices:
        near = difflib.get_close_matches(text.lower(), kind.choices, n=1)
        hint = f" (nearest: {near[0]!r})" if near else ""
        raise refuse(f"one of {', '.join(kind.choices)}{hint}")
    return text


def _is_broken(text: str) -> bool:
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


def _number(value: Any, kind: _Kind, told: Told, refuse: _Refuse) -> float:
    least, most = told.least, told.most
    wanted = "a whole number" if kind.name == "integer" else "a number"
    if least is not None and most is not None:
        wanted += f" from {least:,} to {most:,}"
    elif least is not None:
        wanted += f", {least:,} or more"
    if isinstance(value, bool):
        raise refuse(wanted)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise refuse(wanted) from None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise refuse(wanted)
    if kind.name == "integer":
        if value != int(value):
            raise refuse(wanted)
        value = int(value)
    number: float = value
    if (least is not None and value < least) or (most is not None and value > most):
        raise refuse(wanted)
    return number


def _elements(value: Any, kind: _Kind, name: str, refuse: _Refuse) -> tuple[str, ...]:
    if isinstance(value, str):
        # Some models write a list as the text of one, or a single element bare.
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            parsed = value
        value = parsed if isinstance(parsed, list) else [value]
    if not isinstance(value, list | tuple):
        raise refuse("a list of texts")
    if len(value) > _MOST_ELEMENTS:
        raise refuse(f"at most {_MOST_ELEMENTS} elements (this list has {len(value):,})")
    inner = _Kind(kind.schema["items"], "string", kind.choices)
    return tuple(_text(element, inner, name, refuse) for element in value)


def _object(value: Any, name: str, refuse: _Refuse) -> Content:
    """An object, or the text of one, or plain text: what takes it knows which field plain text becomes."""
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            parsed = None
        value = parsed if isinstance(parsed, dict) else {PLAIN_TEXT: value}
    if not isinstance(value, Mapping):
        raise refuse("an object or a text")
    for text in _texts_in(value):
        if _is_broken(text):
            raise refuse("text: it holds a character that is none (half a surrogate pair or a NUL)")
    if len(json.dumps(value, default=str)) > _MOST_CONTENT_CHARACTERS:
        raise refuse(f"at most {_MOST_CONTENT_CHARACTERS:,} characters")
    return value


PLAIN_TEXT = ""
"""The key under which plain text stands where an object was possible."""


def _texts_in(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, Mapping):
            waiting += [*found.keys(), *found.values()]
        elif isinstance(found, list | tuple):
            waiting += found
