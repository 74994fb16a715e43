"""The predecessor's files at the door: what is read, what is doubted, and what does not come in."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.errors import DriftError
from drift_mcp.upgrade import documents
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.sources import Source, kind_of
from tests.upgrade.told import put

PLACE = {"file": "src/ü.ts", "line": 3}
PATTERNS = [{"id": "b" * 16, "locations": [PLACE]}, {"id": "a" * 16, "locations": []}]


def read(root: Path, name: str, told: Any) -> Document:
    path = put(root, name, told)
    return documents.read(Source(path, name, kind_of(name), path.stat().st_size))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def compact(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "patterns/discovered/api.json",
            {"version": "1.0.0", "patterns": PATTERNS, "checksum": digest(compact(PATTERNS))[:16]},
        ),
        (
            "patterns/api.json",
            {"version": "2.0.0", "patterns": PATTERNS, "checksum": digest(compact(["a" * 16, "b" * 16]))[:16]},
        ),
        (
            "contracts/discovered/contracts.json",
            {"version": "1.0.0", "contracts": [{"id": "c"}], "checksum": digest('[{"id":"c"}]')[:16]},
        ),
        (
            "drift.lock",
            {
                "version": "1.0.0",
                "generatedAt": "2026-01-20T08:00:00.000Z",
                "patterns": [{"id": "a" * 16}],
                "checksum": digest(
                    compact({"patterns": [{"id": "a" * 16}], "generatedAt": "2026-01-20T08:00:00.000Z"})
                ),
            },
        ),
    ],
)
def test_a_checksum_is_held_against_what_the_format_makes_it_of(name: str, told: Any, tmp_path: Path) -> None:
    assert read(tmp_path, name, told).doubt == ""
    field = "contracts" if "contracts" in told else "patterns"
    doubt = read(tmp_path, name, {**told, field: [{"id": "another"}]}).doubt
    assert doubt.startswith(f"its checksum is {told['checksum'][:16]}, and its content gives ")


def test_a_number_is_as_javascript_wrote_it(tmp_path: Path) -> None:
    """Python would write 5e-05 for 0.00005, and 1e-07 for 1e-7."""
    patterns = '[{"id":"a","score":0.00005,"least":1e-7}]'
    told = f'{{"version":"1.0.0", "patterns": {patterns}, "checksum":"{digest(patterns)[:16]}"}}'
    assert read(tmp_path, "patterns/discovered/api.json", told).doubt == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no JSON: Expecting value at line 1"),
        ('{"a": 1,\n}', "is no JSON: "),
        ("7", "holds '7', not an object"),
        ("[" * 5000 + "]" * 5000, "is nested too deeply"),
        ('{"a":' * 400 + "1" + "}" * 400, "is nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DriftError, match=reason):
        read(tmp_path, "config.json", text)


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    path = put(tmp_path, "config.json", "{}")
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(DriftError, match=r"is not UTF-8 \(byte 7\)"):
        documents.read(Source(path, "config.json", "config", 9))


def test_a_mark_at_the_beginning_and_a_bare_list_are_no_matter(tmp_path: Path) -> None:
    path = put(tmp_path, "decisions/all.json", "[1]")
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert documents.read(Source(path, "decisions/all.json", "decisions", 6)).data == {"items": [1]}
