"""Routes as people write them, and where their functions are found."""

from __future__ import annotations

from tests.graph.conftest import Link

FASTAPI = """\
from fastapi import APIRouter, FastAPI
from views import imported

router = APIRouter(prefix="/users")


def register():
    pass


if OPEN:
    register = router.post("/register", status_code=201)(register)
router.get("/imported")(imported)
collect("/nothing")(register)
app = FastAPI()
app.include_router(router, prefix="/api")
"""


def test_a_route_decorator_put_on_by_hand_makes_a_route(link: Link) -> None:
    project = link({"app.py": FASTAPI, "views.py": "def imported():\n    pass\n"})
    found = {(each.label, *project.name_of((each.path, each.definition)).rsplit(".", 1), each.line)
             for each in project.entry_points()}  # fmt: skip
    assert found == {
        ("POST /api/users/register", "app", "register", 7),
        ("GET /api/users/imported", "views", "imported", 13),
    }
