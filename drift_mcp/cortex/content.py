"""What each of the nine types of memory holds, field by field.

Checks content that comes in and refuses what does not fit, with the field named; drops nothing in silence. Field
names are those that the predecessor wrote, so that its memories carry over.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from drift_mcp.cortex import credentials, moments
from drift_mcp.errors import DriftError

MemoryType = Literal[
    "core",
    "tribal",
    "procedural",
    "semantic",
    "episodic",
    "pattern_rationale",
    "constraint_override",
    "decision_context",
    "code_smell",
]
MEMORY_TYPES: tuple[MemoryType, ...] = get_args(MemoryType)

Content = Mapping[str, Any]

Kind = Literal["text", "texts", "count", "share", "flag", "time", "choice", "object", "objects", "open"]
_WANTED: Mapping[Kind, str] = {
    "text": "a text",
    "texts": "a list of texts",
    "count": "a whole number, 0 or more",
    "share": "a number from 0 to 1",
    "flag": "true or false",
    "time": "a time in ISO 8601",
    "choice": "one of",
    "object": "an object",
    "objects": "a list of objects",
    "open": "a text, a list or an object",
}
# A memory is a note. What is longer belongs in a file that the memory cites.
_MOST_CHARACTERS = 64 * 1024
# One line in a list of memories.
_SUMMARY_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    required: bool = False
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """What one type holds. `main` is the path of the field that plain text becomes, and the only one always required;
    `title` the path of the field that heads the summary."""

    main: tuple[str, ...]
    title: tuple[str, ...]
    fields: Mapping[str, Field]


_TEXT = Field("text")
_TEXTS = Field("texts")
_COUNT = Field("count")
_TIME = Field("time")
_NEEDED = Field("text", required=True)


def _choice(*choices: str) -> Field:
    return Field("choice", choices=choices)


_SHAPES: Mapping[MemoryType, Shape] = {
    "core": Shape(
        main=("project", "description"),
        title=("project", "name"),
        fields={
            "project": Field(
                "object",
                required=True,
                fields={
                    "name": _TEXT,
                    "description": _NEEDED,
                    "techStack": _TEXTS,
                    "primaryLanguage": _TEXT,
                    "frameworks": _TEXTS,
                    "repository": _TEXT,
                },
            ),
            "conventions": Field("open"),
            "criticalConstraints": _TEXTS,
            "preferences": Field("open"),
        },
    ),
    "tribal": Shape(
        main=("knowledge",),
        title=("topic",),
        fields={
            "topic": _TEXT,
            "subtopic": _TEXT,
            "knowledge": _NEEDED,
            "context": _TEXT,
            "warnings": _TEXTS,
            "consequences": _TEXTS,
            "severity": _choice("info", "warning", "critical"),
            "source": Field(
                "object",
                fields={
                    "type": Field(
                        "choice",
                        required=True,
                        choices=("manual", "pr_comment", "code_review", "incident", "documentation", "inferred"),
                    ),
                    "reference": _TEXT,
                },
            ),
            "contributors": _TEXTS,
            "linkedTables": _TEXTS,
            "linkedEnvVars": _TEXTS,
        },
    ),
    "procedural": Shape(
        main=("description",),
        title=("name",),
        fields={
            "name": _TEXT,
            "description": _NEEDED,
            "triggers": _TEXTS,
            "steps": Field(
                "objects",
                fields={
                    "order": _COUNT,
                    "action": _NEEDED,
                    "details": _TEXT,
                    "files": _TEXTS,
                    "patterns": _TEXTS,
                    "constraints": _TEXTS,
                    "example": _TEXT,
                },
            ),
            "checklist": _TEXTS,
            "usageCount": _COUNT,
            "lastUsed": _TIME,
            "successRate": Field("share"),
            "corrections": _TEXTS,
        },
    ),
    "semantic": Shape(
        main=("knowledge",),
        title=("topic",),
        fields={
            "topic": _TEXT,
            "knowledge": _NEEDED,
            "consolidatedFrom": Field(
                "object",
                fields={
                    "episodicMemoryIds": _TEXTS,
                    "consolidationDate": _TIME,
                    "consolidationMethod": _choice("automatic", "manual"),
                },
            ),
            "supportingEvidence": _COUNT,
            "contradictingEvidence": _COUNT,
            "lastReinforced": _TIME,
        },
    ),
    "episodic": Shape(
        main=("interaction", "userQuery"),
        title=("context", "focus"),
        fields={
            "interaction": Field(
                "object",
                required=True,
                fields={
                    "userQuery": _NEEDED,
                    "agentResponse": _TEXT,
                    "outcome": _choice("accepted", "rejected", "modified", "unknown"),
                },
            ),
            "context": Field(
                "object",
                fields={"activeFile": _TEXT, "activeFunction": _TEXT, "intent": _TEXT, "focus": _TEXT},
            ),
            "extractedFacts": Field(
                "objects",
                fields={
                    "fact": _NEEDED,
                    "confidence": Field("share"),
                    "type": _choice("preference", "knowledge", "correction", "warning"),
                },
            ),
            "consolidationStatus": _choice("pending", "consolidated", "pruned"),
            "consolidatedInto": _TEXT,
            "sessionId": _TEXT,
        },
    ),
    "pattern_rationale": Shape(
        main=("rationale",),
        title=("patternName",),
        fields={
            "patternId": _TEXT,
            "patternName": _TEXT,
            "patternCategory": _TEXT,
            "rationale": _NEEDED,
            "businessContext": _TEXT,
            "technicalContext": _TEXT,
            "alternativesRejected": _TEXTS,
            "tradeoffs": _TEXTS,
            "introducedBy": _TEXT,
            "introducedWhen": _TEXT,
            "relatedDecisionId": _TEXT,
            "citations": Field(
                "objects",
                fields={
                    "file": _NEEDED,
                    "lineStart": _COUNT,
                    "lineEnd": _COUNT,
                    "snippet": _TEXT,
                    "hash": _TEXT,
                    "validatedAt": _TIME,
                    "valid": Field("flag"),
                },
            ),
        },
    ),
    "constraint_override": Shape(
        main=("reason",),
        title=("constraintName",),
        fields={
            "constraintId": _TEXT,
            "constraintName": _TEXT,
            "scope": Field(
                "object",
                fields={
                    "type": Field(
                        "choice", required=True, choices=("file", "directory", "function", "pattern", "global")
                    ),
                    "target": _TEXT,
                },
            ),
            "reason": _NEEDED,
            "approvedBy": _TEXT,
            "approvalDate": _TIME,
            "permanent": Field("flag"),
            "expiresAt": _TIME,
            "reviewAt": _TIME,
            "usageCount": _COUNT,
            "lastUsed": _TIME,
        },
    ),
    "decision_context": Shape(
        main=("decisionSummary",),
        title=(),
        fields={
            "decisionId": _TEXT,
            "decisionSummary": _NEEDED,
            "businessContext": _TEXT,
            "technicalContext": _TEXT,
            "stakeholders": _TEXTS,
            "constraints": _TEXTS,
            "revisitWhen": _TEXTS,
            "stillValid": Field("flag"),
            "lastReviewed": _TIME,
            "reviewNotes": _TEXT,
        },
    ),
    "code_smell": Shape(
        main=("description",),
        title=("name",),
        fields={
            "name": _TEXT,
            "pattern": _TEXT,
            "description": _NEEDED,
            "severity": _choice("error", "warning", "info"),
            "reason": _TEXT,
            "consequences": _TEXTS,
            "suggestion": _TEXT,
            "exampleBad": _TEXT,
            "exampleGood": _TEXT,
            "occurrences": _TEXTS,
            "autoDetect": Field("flag"),
            "detectionRule": _TEXT,
        },
    ),
}


def type_named(name: str) -> MemoryType:
    for known in MEMORY_TYPES:
        if known == name:
            return known
    near = difflib.get_close_matches(name, MEMORY_TYPES, n=1)
    hint = f" Nearest: '{near[0]}'." if near else ""
    raise DriftError(f"No memory type '{name[:40]}'.{hint} Types: {', '.join(MEMORY_TYPES)}.")


def shape(memory_type: MemoryType) -> Shape:
    return _SHAPES[memory_type]


def checked(memory_type: MemoryType, content: Content | str) -> dict[str, Any]:
    """`content` as it is stored: plain text becomes the main field. A DriftError names the field that does not fit."""
    what = _SHAPES[memory_type]
    whole: Any = content
    if isinstance(content, str):
        for name in reversed(what.main):
            whole = {name: whole}
    if not isinstance(whole, Mapping):
        raise DriftError(f"The content of a {memory_type} memory is an object or a text, not {_said(whole)}.")
    result = _object(memory_type, "", whole, what.fields)
    if len(json.dumps(result, ensure_ascii=False)) > _MOST_CHARACTERS:
        raise DriftError(
            f"The content of a memory holds at most {_MOST_CHARACTERS} characters. "
            "Keep the point here and cite the file that holds the rest."
        )
    return result


def refuse_secrets(where: str, texts: Iterator[tuple[str, str]]) -> None:
    """A DriftError when one of `texts` (field, text) holds a credential; it names the field, never the secret."""
    for name, text in texts:
        if credentials.is_in(text):
            raise DriftError(
                f"The field '{name}' of {where} seems to hold a password, key or token. Nothing was stored. "
                "Say where the secret is kept, such as the name of its environment variable, not what it is."
            )


def texts_in(content: Content) -> Iterator[tuple[str, str]]:
    """Every text in `content` with the path of its field, in the order of the fields."""
    return _texts("", content)


def body(memory_type: MemoryType, content: Content) -> str:
    """What search reads of `content`: its prose, a text a line; no ids, times or choices."""
    return "\n".join(_prose(content, _SHAPES[memory_type].fields))


def summary(memory_type: MemoryType, content: Content) -> str:
    """One line about `content`: its title, if it has one, and the beginning of its main field."""
    what = _SHAPES[memory_type]
    title, main = _at(content, what.title), _at(content, what.main)
    line = " ".join((f"{title}: {main}" if title else main).split())
    if len(line) <= _SUMMARY_CHARACTERS:
        return line
    cut = line[: _SUMMARY_CHARACTERS - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut[60:] else cut}…"


def with_main_text(memory_type: MemoryType, content: Content, text: str) -> dict[str, Any]:
    """A copy of `content` whose main field is `text`."""
    copy: dict[str, Any] = json.loads(json.dumps(content))
    place = copy
    *above, last = _SHAPES[memory_type].main
    for name in above:
        place = place.setdefault(name, {})
    place[last] = text
    return copy


def text_given(value: str, name: str) -> str:
    """`value`, when SQLite and JSON can carry it and it says something."""
    if "\0" in value or value.encode("utf-8", "replace").decode() != value:
        raise DriftError(f"'{name}' holds a character that is no text (a lone surrogate or NUL). Take it out.")
    if not value.strip():
        raise DriftError(f"'{name}' is empty.")
    return value.strip()


def _object(
    memory_type: MemoryType, path: str, given: Mapping[str, Any], fields: Mapping[str, Field]
) -> dict[str, Any]:
    where = f"'{path}' of a {memory_type} memory" if path else f"a {memory_type} memory"
    for name in given:
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=1, cutoff=0.5)
            hint = f" Nearest: '{near[0]}'." if near else ""
            raise DriftError(f"No field '{str(name)[:60]}' in {where}.{hint} Fields: {', '.join(fields)}.")
    result: dict[str, Any] = {}
    for name, wanted in fields.items():
        value = given.get(name)
        inner = f"{path}.{name}" if path else name
        if value is None:
            if wanted.required:
                raise DriftError(f"The field '{inner}' of a {memory_type} memory is missing; it is {_wants(wanted)}.")
            continue
        result[name] = _value(memory_type, inner, value, wanted)
    return result


def _value(memory_type: MemoryType, path: str, value: Any, wanted: Field) -> Any:
    match wanted.kind:
        case "text" if isinstance(value, str):
            return text_given(value, path)
        case "texts" if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return [text_given(each, path) for each in value]
        case "count" if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        case "share" if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return value
        case "flag" if isinstance(value, bool):
            return value
        case "time" if isinstance(value, str):
            return moments.asked(value, path)
        case "choice" if value in wanted.choices:
            return value
        case "object" if isinstance(value, Mapping):
            return _object(memory_type, path, value, wanted.fields)
        case "objects" if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            return [
                _object(memory_type, f"{path}[{position}]", each, wanted.fields) for position, each in enumerate(value)
            ]
        case "open" if isinstance(value, str | list | Mapping):
            for inner, text in _texts(path, value):
                text_given(text, inner)
            return value
    raise DriftError(f"The field '{path}' of a {memory_type} memory is {_wants(wanted)}, not {_said(value)}.")


def _wants(wanted: Field) -> str:
    return f"one of {', '.join(wanted.choices)}" if wanted.choices else _WANTED[wanted.kind]


def _said(value: Any) -> str:
    return json.dumps(value, default=str)[:60]


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _texts(f"{path}[{position}]", inner)


def _prose(content: Content, fields: Mapping[str, Field]) -> Iterator[str]:
    for name, wanted in fields.items():
        value = content.get(name)
        if value is None or name.endswith(("Id", "Ids", "Into", "hash")):
            continue
        if wanted.kind == "object" and isinstance(value, Mapping):
            yield from _prose(value, wanted.fields)
        elif wanted.kind == "objects" and isinstance(value, list):
            for each in value:
                yield from _prose(each, wanted.fields) if isinstance(each, Mapping) else ()
        elif wanted.kind in ("text", "texts", "open", "object", "objects"):
            # Also what was taken over in another shape than is asked for today.
            yield from (text for _, text in _texts("", value))


def _at(content: Content, path: tuple[str, ...]) -> str:
    value: Any = content if path else ""
    for name in path:
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value if isinstance(value, str) else ""
