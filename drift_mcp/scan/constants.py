"""Constants as the facts of a file may keep them, in every language."""

from __future__ import annotations

from typing import Final

from drift_mcp.scan.facts import LITERAL, TEXT, UNION, Expr
from drift_mcp.scan.secrets import names_secret

STRING: Final[Expr] = (LITERAL, "str")  # a string of which nothing else is kept


def given_to(name: str, value: Expr) -> Expr:
    """The value as it may be kept under that name: what `password = "…"` says is nobody's business."""
    if value[0] == UNION and value[1] and names_secret(name):
        return (UNION, tuple([given_to(name, each) for each in value[1]]))
    return STRING if value[0] == TEXT and value[1] and names_secret(name) else value
