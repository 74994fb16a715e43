"""The drawing in ARCHITECTURE.md cannot lie: imports point down, never up or sideways."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "drift_mcp"


def floors() -> dict[str, int]:
    block = re.search(r"```layers\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None, "ARCHITECTURE.md has lost its layers block"
    lines = block.group(1).strip().splitlines()
    return {room.strip(): height for height, line in enumerate(reversed(lines)) for room in line.split(",")}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are written in full"
            names = [
                f"{node.module}.{alias.name}" if node.module == "drift_mcp" else node.module for alias in node.names
            ]
        found.update(name.split(".")[1] for name in names if name.startswith("drift_mcp."))
    return found


def test_every_room_stands_on_a_floor() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms <= floors().keys(), f"not drawn in ARCHITECTURE.md: {sorted(rooms - floors().keys())}"


def test_imports_point_down() -> None:
    height = floors()
    wrong = [
        f"{path.relative_to(ROOT)} imports {target}"
        for path in PACKAGE.rglob("*.py")
        if (room := room_of(path)) not in ("__init__", "__main__")
        for target in imported_rooms(path)
        if target != room and target in height and height[target] >= height[room]
    ]
    assert wrong == []


def test_only_the_door_for_agents_knows_the_protocol() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if path.name != "server.py"
        and re.search(r"^\s*(?:from|import) mcp\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert wrong == []


def test_only_the_scan_knows_the_parser() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if room_of(path) != "scan"
        and re.search(r"^\s*(?:from|import) tree_sitter", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert wrong == []
