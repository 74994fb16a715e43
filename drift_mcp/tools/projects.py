"""The projects that one process has open, and which one a question is for.

Opens a store where there is one; makes one only for those who ask it to.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from drift_mcp.errors import DriftError
from drift_mcp.project import Project, find_root, init, registered
from drift_mcp.tools.answer import clip


def start_folder(given: Path | None) -> Path:
    """The root of the project around the folder given; else around the client's project folder; else around this
    one."""
    return find_root(given or Path(os.environ.get("CLAUDE_PROJECT_DIR") or Path.cwd()))


@dataclass(slots=True)
class _Opened:
    project: Project
    file_number: int  # of drift.db when it was opened: another one means that the file was replaced
    compared_at: float = 0.0  # when all its files were last compared with the source, by the monotonic clock


class OpenProjects:
    """Each project opened once, closed once. Threads may share it."""

    def __init__(self, start: Path | None, *, patience_ms: int | None = None) -> None:
        """`patience_ms`: how long a change waits for another process that writes (default: as long as a person
        would)."""
        self._start = start
        self._patience = {} if patience_ms is None else {"patience_ms": patience_ms}
        self._guard = threading.Lock()
        self._opened: dict[Path, _Opened] = {}
        self._replaced: list[Project] = []

    def __enter__(self) -> OpenProjects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def root(self, asked: str | None) -> Path:
        """Where the project lies that is asked for by path or registered name, or by nothing."""
        if asked is None:
            return start_folder(self._start)
        known = registered(asked)
        if known is not None:
            return known
        if not Path(asked).expanduser().is_dir():
            raise DriftError(f"No project {clip(asked, 80)!r} is registered, and no folder has that path.")
        return find_root(Path(asked))

    def get(self, root: Path, *, create: bool) -> Project | None:
        """The project at `root`, opened; None when it has no store and none is to be made."""
        database = root / ".drift" / "drift.db"
        with self._guard:
            number = database.stat().st_ino if database.exists() else None
            known = self._opened.get(root)
            if known is not None and known.file_number == number:
                return known.project
            if number is None and not create:
                return None
            if known is not None:
                # Somebody is perhaps still reading the file that was replaced; it is closed in the end.
                self._replaced.append(known.project)
            project = Project(root, **self._patience)
            if number is None:
                init(project)
            self._opened[root] = _Opened(project, database.stat().st_ino)
            return project

    def is_due(self, root: Path, every_seconds: float) -> bool:
        """Whether it is so long ago that this was last asked, for this project, with yes as the answer."""
        with self._guard:
            known = self._opened[root]
            now = time.monotonic()
            if known.compared_at and now - known.compared_at < every_seconds:
                return False
            known.compared_at = now
            return True

    def warm_up(self) -> None:
        """Open the project that most questions will be for, and begin to load the model that finds its memories."""
        project = self.get(self.root(None), create=False)
        # The model is 200 MB that a project without memories has no use for.
        if project is not None and project.memory.standing().memories:
            project.memory.warm_up()

    def close(self) -> None:
        with self._guard:
            for project in (*self._replaced, *(known.project for known in self._opened.values())):
                project.close()
            self._opened.clear()
            self._replaced.clear()
