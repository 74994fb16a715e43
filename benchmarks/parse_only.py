"""The floor of a scan: reads and parses files with tree-sitter, one after the other, and keeps nothing.

Run by `benchmarks.scan` in a process of its own: `python -m benchmarks.parse_only ROOT [FILE …]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript
from tree_sitter import Language, Parser

from drift_mcp.scan import walk

_GRAMMARS = {
    "python": tree_sitter_python.language,
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
    "javascript": tree_sitter_javascript.language,
}


def main() -> int:
    root = Path(sys.argv[1])
    wanted = set(sys.argv[2:])
    parsers = {name: Parser(Language(grammar())) for name, grammar in _GRAMMARS.items()}
    for entry in walk.walk(root).files:
        if entry.language in parsers and (not wanted or entry.path in wanted):
            parsers[entry.language].parse((root / entry.path).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
