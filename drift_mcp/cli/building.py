"""`drift init` and `drift scan`: making the store, and bringing it up to date."""

from __future__ import annotations

import argparse
from typing import Any

from drift_mcp.cli.words import DONE, progress_bar, root_of


def add_to(commands: Any) -> None:
    init = commands.add_parser("init", help="create .drift/ here; safe to repeat")
    init.add_argument("path", nargs="?", metavar="PATH", help="the project's folder (default: here)")
    init.set_defaults(run=_init)

    scan = commands.add_parser("scan", help="bring the store up to date with the source")
    scan.add_argument("path", nargs="?", metavar="PATH", help="the project's folder (default: here)")
    scan.add_argument("--full", action="store_true", help="also what did not change")
    scan.add_argument("--jobs", type=int, metavar="N", help="processes that parse (default: one per processor)")
    scan.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    scan.add_argument("--project", metavar="PATH", help="the same as PATH")
    scan.set_defaults(run=_scan)


def _init(asked: argparse.Namespace) -> int:
    # Behind the parse: `drift --help` needs no store.
    from drift_mcp.project import Project, init

    with Project(root_of(asked.path)) as project:
        made = init(project)
        print(
            f"{project.root}: {', '.join(made) + ' made' if made else 'nothing to do'}. `drift scan` fills the store."
        )
    return DONE


def _scan(asked: argparse.Namespace) -> int:
    # Behind the parse, as above. Not by way of the tool: how many processes parse is a person's affair alone.
    from drift_mcp.tools.answer import MOST_TOKENS, budget, render
    from drift_mcp.tools.projects import OpenProjects
    from drift_mcp.tools.scan import scanned

    root = root_of(asked.path or asked.project)
    with OpenProjects(root) as projects:
        project = projects.get(root, create=True)
        assert project is not None  # because it was to be created
        found = scanned(project, paths=(), full=asked.full, jobs=asked.jobs, on_progress=progress_bar())
    print(render(found, "json" if asked.json else "text", budget(MOST_TOKENS)))
    return DONE
