"""The example of docs/memory-files.md is taken as it stands, and comes out as it stands."""

from __future__ import annotations

import io
import re
from pathlib import Path

from drift_mcp.cortex.cortex import Cortex

PAGE = Path(__file__).parents[2] / "docs" / "memory-files.md"


def test_the_example_is_what_an_export_writes(tmp_path: Path) -> None:
    found = re.search(r"```jsonl\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    example = found[1].encode()
    with Cortex.open(tmp_path / "cortex.db", tmp_path) as cortex:
        assert cortex.take(io.BytesIO(example)).problems == ()
        written = io.BytesIO()
        cortex.export(written.write)
    assert written.getvalue() == example
