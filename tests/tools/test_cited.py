"""Functions that a memory cites: by name or id, with the lines where they stand at this moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from drift_mcp import ingest
from drift_mcp.cortex.citations import FunctionAt
from drift_mcp.errors import DriftError
from drift_mcp.project import Project, init
from drift_mcp.store import lock
from drift_mcp.tools import cited

SOURCE = """\
class Cart:
    @property
    @cached(
        seconds=3,
    )
    def total(self):
        return 1

    @total.setter
    def total(self, value):
        raise TypeError


def close(cart):
    cart.lines.clear()
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.py").write_text(SOURCE)
    (root / "shop.py").write_text("def close(shop):\n    shop.lock()\n")
    with Project(root) as opened:
        ingest.scan(opened, jobs=1)
        yield opened


def edited(project: Project, above: str) -> None:
    path = project.root / "till.py"
    path.write_text(above + SOURCE)
    os.utime(path, ns=(1_700_000_000_000_000_000,) * 2)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("till.py::close", FunctionAt("till.py::close", 14, 15)),
        ("till.py:15", FunctionAt("till.py::close", 14, 15)),
        ("till.py::Cart.total", FunctionAt("till.py::Cart.total", 6, 7, 2)),
        ("till.py::Cart.total#1", FunctionAt("till.py::Cart.total#1", 10, 11, 1)),
        ("Cart", FunctionAt("till.py::Cart", 1, 11)),
        ("till.go::close", "till.go::close"),
        ("till.py::refund", "till.py::refund"),
    ],
)
def test_a_function_with_where_it_stands(project: Project, name: str, place: str | FunctionAt) -> None:
    assert cited.places(project, [name]) == [place]
    assert cited.ids(project, [name]) == [place if isinstance(place, str) else place.function]


def test_a_file_that_changed_is_scanned_again_before_its_lines_are_taken(project: Project) -> None:
    edited(project, "import os\n")
    assert cited.places(project, ["till.py::close"]) == [FunctionAt("till.py::close", 15, 16)]


def test_while_that_cannot_be_done_a_function_is_cited_by_its_id(project: Project) -> None:
    edited(project, "import os\n")
    with lock.exclusive(project.scan_lock):
        assert cited.places(project, ["till.py::close", "shop.py::close"]) == [
            "till.py::close",
            FunctionAt("shop.py::close", 1, 2),
        ]


def test_a_name_of_several_is_refused_with_their_ids(project: Project) -> None:
    with pytest.raises(DriftError, match=r"'close' is 2 functions\. Give an id: shop\.py::close, till\.py::close"):
        cited.places(project, ["close"])
    with pytest.raises(DriftError, match="No function, method or class 'refund'"):
        cited.places(project, ["refund"])


def test_before_a_scan_an_id_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "till").mkdir()
    with Project(tmp_path / "till") as project:
        assert cited.places(project, ["till.py::close"]) == ["till.py::close"]
        init(project)
        assert cited.places(project, ["till.py::close"]) == ["till.py::close"]
