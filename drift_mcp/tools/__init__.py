"""The questions that can be asked, one plain function each: what a tool is called, what it takes, what it may change.

Knows neither the wire nor the terminal: `server` and `cli` ask the same functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drift_mcp.tools import data, facts, files, functions, impact, memory, patterns, scan, status
from drift_mcp.tools.answer import DEFAULT_TOKENS
from drift_mcp.tools.arguments import Asked


@dataclass(frozen=True, slots=True)
class Tool:
    """`answer` takes the project, the checked arguments, and (when `tells_progress`) a function to tell progress to."""

    name: str
    title: str
    asked: type[Asked]
    answer: Callable[..., Any]
    reads_only: bool = True
    destroys: bool = False
    idempotent: bool = True
    needs_scan: bool = True
    creates: bool = False  # makes the store when there is none
    tells_progress: bool = False
    default_tokens: int = DEFAULT_TOKENS

    @property
    def description(self) -> str:
        """What an agent reads that chooses between tools: the docstring of the function that answers."""
        return " ".join((inspect.getdoc(self.answer) or "").split())


# Sixteen lines of a status are what an agent reads before its first question.
_STATUS_TOKENS = 600

TOOLS: tuple[Tool, ...] = (
    Tool(
        "drift_status",
        "Project status",
        status.DriftStatus,
        status.drift_status,
        needs_scan=False,
        default_tokens=_STATUS_TOKENS,
    ),
    Tool("query_patterns", "Conventions of this code", patterns.QueryPatterns, patterns.query_patterns),
    Tool(
        "review_pattern",
        "Approve or ignore a convention",
        patterns.ReviewPattern,
        patterns.review_pattern,
        reads_only=False,
    ),
    Tool("find_functions", "Find functions and classes", functions.FindFunctions, functions.find_functions),
    Tool("get_callers", "Callers and callees", functions.GetCallers, functions.get_callers),
    Tool("reachable_data", "What data code reaches", data.ReachableData, data.reachable_data),
    Tool("impact_of_change", "Impact of a change", impact.ImpactOfChange, impact.impact_of_change),
    Tool("file_context", "Before editing a file", files.FileContext, files.file_context),
    Tool("list_facts", "Other facts", facts.ListFacts, facts.list_facts),
    Tool(
        "scan_project",
        "Scan the project",
        scan.ScanProject,
        scan.scan_project,
        reads_only=False,
        needs_scan=False,
        creates=True,
        tells_progress=True,
    ),
    Tool(
        "memory_search",
        "Search memories",
        memory.MemorySearch,
        memory.memory_search,
        needs_scan=False,
    ),
    Tool(
        "memory_write",
        "Write a memory",
        memory.MemoryWrite,
        memory.memory_write,
        reads_only=False,
        idempotent=False,
        needs_scan=False,
        creates=True,
    ),
)

# What the command line asks beside the twelve: a person's words cost no tokens, and there it is known who judges.
FOR_PEOPLE: tuple[Tool, ...] = (
    Tool("patterns", "Conventions by all that is known of them", patterns.SearchPatterns, patterns.search_patterns),
    Tool("verdict", "A person's verdict", patterns.JudgePattern, patterns.judge_pattern, reads_only=False),
)
