"""What an agent sees of the tools is a reviewed file: an accidental change of a name, a word or a schema fails here.

To accept a change, write `surface()` to tools.json and read the difference.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.server import INSTRUCTIONS
from drift_mcp.tools import TOOLS, Tool
from drift_mcp.tools.answer import tokens
from drift_mcp.tools.arguments import schema

GOLDEN = Path(__file__).with_name("tools.json")
NAMES = [
    "drift_status",
    "query_patterns",
    "review_pattern",
    "find_functions",
    "get_callers",
    "reachable_data",
    "impact_of_change",
    "file_context",
    "list_facts",
    "scan_project",
    "memory_search",
    "memory_write",
]


def surface() -> list[dict[str, Any]]:
    return [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": schema(tool.asked),
            "hints": {"reads_only": tool.reads_only, "destroys": tool.destroys, "idempotent": tool.idempotent},
        }
        for tool in TOOLS
    ]


def test_the_tools_are_those_that_were_reviewed() -> None:
    assert surface() == json.loads(GOLDEN.read_text("utf-8"))


def test_there_are_twelve_and_always_the_same() -> None:
    assert [tool.name for tool in TOOLS] == NAMES


def test_what_all_tools_cost_an_agent() -> None:
    seen = json.dumps(
        [{"name": t["name"], "description": t["description"], "input_schema": t["inputSchema"]} for t in surface()],
        separators=(",", ":"),
    )
    # Four characters to a token is how the costs of other servers were told (431 to 17,488).
    assert len(seen) / 4 <= 2_500
    # By the estimator for the newest vocabulary, which comes out two fifths too high for such compact JSON.
    assert tokens(seen) <= 5_000


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_is_described_so_that_every_client_shows_it(tool: Tool) -> None:
    told = schema(tool.asked)
    assert 60 < len(tool.description) < 1_000
    assert re.fullmatch(r"[a-z_]{3,64}", tool.name)
    assert told["type"] == "object" and told["additionalProperties"] is False
    assert {"project", "format"} <= set(told["properties"])
    assert not {"anyOf", "oneOf", "allOf", "$ref"} & set(told)
    for described in told["properties"].values():
        assert isinstance(described["type"], str)


def test_long_answers_can_be_bounded_and_continued() -> None:
    bounded = {tool.name for tool in TOOLS if "cursor" in schema(tool.asked)["properties"]}
    assert set(NAMES) - bounded == {"drift_status", "review_pattern", "scan_project", "memory_write"}
    for name in bounded:
        tool = next(tool for tool in TOOLS if tool.name == name)
        assert {"budget_tokens", "limit"} <= set(schema(tool.asked)["properties"])


def test_the_instructions_are_shown_whole() -> None:
    assert 500 < len(INSTRUCTIONS) < 2_048
    for name in NAMES:
        if name not in ("review_pattern", "list_facts"):
            assert name in INSTRUCTIONS
