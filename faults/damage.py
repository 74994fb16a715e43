"""Files that are not as they were written, and folders that cannot be written: by every command.

Each command gives the answer that the sound store gives, or refuses with exit status 3 and one line that says what to
do, and then leaves the file as it is, to the byte. The doctor finds it, a backup of it is not made, and a restore puts
it right.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.project import FOLDER
from drift_mcp.store import connection
from faults import ground, states, trials
from faults.outcome import Outcome, counted, not_done
from faults.workshop import Workshop

# Reads, whose answers are compared with those of the sound store.
READS: Final = (
    "status --json",
    "patterns --json",
    "functions get_ --json",
    "callers get_3 --json --depth 3",
    "callees show_5 --json --depth 4",
    "reach module_3.py:24 --json",
    "impact module_0.py --json",
    "file module_1.py --json",
    "facts environment --json",
    "facts suppressions --json",
    "memory list --json",
)
_WRITES: Final = (
    "scan --jobs 1",
    "scan --jobs 1 --full",
    "approve {pattern}",
    "ingest facts.jsonl",
    "memory add tax",
    "lock generate",
    "backup create",
    "backup restore latest",
)
_OTHERS: Final = ("backup list --verify", "lock validate", "doctor", "doctor --json")


class _Damage(NamedTuple):
    make: Callable[[Path, random.Random], object]
    is_whole: bool = True  # no command that needs the file can answer


def _text(path: Path, chance: random.Random) -> None:
    path.write_bytes(b"this is no database at all\n" * 400)


def _emptied(path: Path, chance: random.Random) -> None:
    os.truncate(path, 0)


def _cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(4096, path.stat().st_size))


def _foreign(path: Path, chance: random.Random) -> None:
    path.unlink()
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE notes (text); INSERT INTO notes VALUES ('of another program')")


def _newer(path: Path, chance: random.Random) -> None:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READWRITE)) as db:
        db.pragma("user_version", 99)
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _page(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * chance.randrange(path.stat().st_size // 4096))
        file.write(chance.randbytes(4096))


def _bit(path: Path, chance: random.Random) -> None:
    # One in four in the first page, whose header decides how all the others are read.
    size = path.stat().st_size
    at = chance.choice((chance.randrange(100), chance.randrange(4096), *(chance.randrange(size) for _ in range(6))))
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ (1 << chance.randrange(8))]))


_DAMAGES: Final = {
    "no database": _Damage(_text),
    "of zero length": _Damage(_emptied),
    "cut short": _Damage(_cut),
    "of another program": _Damage(_foreign),
    "of a newer version": _Damage(_newer),
    "a page overwritten": _Damage(_page, is_whole=False),
    "a bit flipped": _Damage(_bit, is_whole=False),
}


class Sound(NamedTuple):
    """The store before any damage, and what it answers."""

    workshop: Workshop
    root: Path
    kept: Path
    scratch: Path
    answers: dict[str, str]
    state: states.State
    pattern: str

    def begin(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.kept, self.root)

    def words(self, command: str) -> list[str]:
        return command.format(pattern=self.pattern).split()


def run(folder: Path, rounds: int, seed: int, names: tuple[str, ...] = ()) -> Iterator[Outcome]:
    with Workshop(folder) as workshop:
        sound = made(workshop)
        for name in ("drift.db", "cortex.db"):
            for kind in _DAMAGES:
                if not names or kind in names:
                    yield one(sound, name, kind, rounds, seed)
        if not names or "read-only" in names:
            yield from read_only(sound)


def made(workshop: Workshop) -> Sound:
    root, kept = workshop.folder / "shop", workshop.folder / "kept"
    root.mkdir()
    trials.scanned(workshop, root)
    (root / "module_1.py").write_text(
        (root / "module_1.py").read_text() + "\n\n# drift-ignore: generated\ndef CamelCase() -> int:\n    return 1\n"
    )
    ground.facts(root, 3)
    for command in ("scan --jobs 1", "ingest facts.jsonl"):
        trials.refuse_failed(workshop.run(root, *command.split()))
    trials.refuse_failed(workshop.run(root, "tax is 20 %", "orders are never deleted", task="remember"))
    pattern, *others = trials.patterns(root)
    trials.refuse_failed(workshop.run(root, *others[:3], task="judge"))
    for command in ("lock generate", "backup create"):
        trials.refuse_failed(workshop.run(root, *command.split()))
    for name in ("drift.db", "cortex.db"):
        with closing(connection.open_any(root / FOLDER / name, apsw.SQLITE_OPEN_READWRITE)) as db:
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    answers = _answers(workshop, root)
    assert all(each.startswith("0 ") for each in answers.values()), answers
    trials.refuse_failed(workshop.run(root, "doctor"))
    root.rename(kept)
    sound = Sound(
        workshop,
        root,
        kept,
        workshop.folder / "scratch",
        answers,
        states.of(kept, workshop.folder / "scratch"),
        pattern,
    )
    sound.begin()
    return sound


def _answers(workshop: Workshop, root: Path) -> dict[str, str]:
    """Status and document of each read."""
    done = workshop.run(root, *(json.dumps(each.split()) for each in READS), task="answers")
    return dict(zip(READS, re.split(r"\n?==\n", done.said), strict=False))


def one(sound: Sound, name: str, kind: str, rounds: int, seed: int) -> Outcome:
    found: list[str | None] = []
    refused = 0
    for number in range(rounds):
        chance = random.Random(f"{seed} {name} {kind} {number}")
        sound.begin()
        path = sound.root / FOLDER / name
        _DAMAGES[kind].make(path, chance)
        before = path.read_bytes()
        wrong, times = _asked(sound, path, before)
        refused += times
        # A page that is damaged is mostly not the one that a command writes.
        if wrong is None and (_DAMAGES[kind].is_whole or number % 5 == 4):
            wrong = _writes(sound, name, kind, before)
        if wrong is None:
            wrong = _looked_after(sound, name, kind, before)
        found.append(None if wrong is None else f"{wrong} (round {number} of seed {seed})")
    return counted(f"{name}: {kind}", found, f"{rounds * len(READS):,} questions, of these refused {refused:,}")


def _asked(sound: Sound, path: Path, before: bytes) -> tuple[str | None, int]:
    """What is wrong with an answer of the damaged store, and how many were refused."""
    refused = 0
    for command, answer in _answers(sound.workshop, sound.root).items():
        if answer == sound.answers[command] or _says_so(answer, sound.answers[command], path.name):
            continue
        status, _, said = answer.partition(" ")
        if (wrong := _is_refusal(int(status), said)) is not None:
            return f"`drift {command}`: {wrong}, and the sound store says {sound.answers[command][:300]}", refused
        refused += 1
    if path.read_bytes() != before:
        return "a question changed the file", refused
    return None, refused


def _says_so(answer: str, sound: str, name: str) -> bool:
    """Whether a document tells of the damage, and is the sound one in all that it rests on besides."""
    if not (answer.startswith("0 {") and name == "cortex.db" and name in answer):
        return False
    told, known = (json.loads(each.partition(" ")[2]) for each in (answer, sound))
    return all(told[key] is None or told[key] == known[key] or key == "attention" for key in known)


def _is_refusal(status: int, said: str) -> str | None:
    lines = [line for line in said.splitlines() if line.startswith("drift: ")]
    if status != 3 or len(lines) != 1 or "Traceback" in said or "something inside" in said:
        return f"it ended with {status} and said {said[-500:]!r}"
    return None


def _writes(sound: Sound, name: str, kind: str, before: bytes) -> str | None:
    """What is wrong with a command that writes."""
    root, path = sound.root, sound.root / FOLDER / name
    for command in _WRITES[:-2]:
        done = sound.workshop.run(root, *sound.words(command))
        is_refused = _is_refusal(done.status, done.said) is None
        if done.status and not is_refused:
            return f"`drift {command}` ended with {done.status} and said {done.said[-500:]!r}"
        if is_refused and _DAMAGES[kind].is_whole and path.read_bytes() != before:
            return f"`drift {command}` was refused and changed the file"
        # Where it had no need of what is damaged, it has written.
        sound.begin()
        path.write_bytes(before)
    return None


def _looked_after(sound: Sound, name: str, kind: str, before: bytes) -> str | None:
    """What is wrong with a command that looks after the store."""
    root, path = sound.root, sound.root / FOLDER / name
    told = sound.workshop.run(root, "doctor")
    is_found = told.status in (1, 3) and name in told.said and "Traceback" not in told.said
    if not is_found and (_DAMAGES[kind].is_whole or not _is_unused(sound)):
        return f"the doctor finds nothing: {told.status}, {told.said[-300:]}"
    done = sound.workshop.run(root, "backup", "create")
    if kind == "of a newer version":
        sound.begin()
        path.write_bytes(before)
    elif (wrong := _is_refusal(done.status, done.said)) is not None:
        return f"`drift backup create`: {wrong}"
    if path.read_bytes() != before:
        return "the doctor or a backup changed the file"
    done = sound.workshop.run(root, "backup", "list", "--verify")
    if done.status != 0:
        return f"backups cannot be listed: {done.status}, {done.said}"
    return _restored(sound, path)


def _is_unused(sound: Sound) -> bool:
    """Whether the damage lies where nothing is: a page of rows that were deleted."""
    state = states.of(sound.root, sound.scratch)
    return _answers(sound.workshop, sound.root) == sound.answers and bool(state.flaws)


def _restored(sound: Sound, path: Path) -> str | None:
    done = sound.workshop.run(sound.root, "backup", "restore", "latest")
    if "is a database of another program" in done.said and _is_refusal(done.status, done.said) is None:
        # Nor is it for us to move away.
        path.unlink()
        done = sound.workshop.run(sound.root, "backup", "restore", "latest")
    if done.status != 0:
        return f"`drift backup restore latest` ended with {done.status} and said {done.said[-500:]!r}"
    state = states.of(sound.root, sound.scratch)
    if state.flaws or state.pair != sound.state.pair:
        return f"the restored store is {state}"
    return None


# -- a folder or a file that cannot be written


def read_only(sound: Sound) -> Iterator[Outcome]:
    if sys.platform != "linux" and os.geteuid() == 0:
        yield not_done("read-only", "root may write everything, and can give that up on Linux alone")
        return
    for kind in ("folder read-only", "files read-only", "both read-only", "files not readable"):
        found = [_refused_or_right(sound, kind, command) for command in (*READS, *_WRITES, *_OTHERS)]
        yield counted(f"{kind}: permissions", found, "a round a command")


def _refused_or_right(sound: Sound, kind: str, command: str) -> str | None:
    sound.begin()
    home = sound.root / FOLDER
    _closed(home, kind)
    before = {name: (home / name).read_bytes() for name in ("drift.db", "cortex.db")}
    done = sound.workshop.run(sound.root, *sound.words(command), powerless=True)
    if any((home / name).read_bytes() != octets for name, octets in before.items()) and done.status:
        return f"`drift {command}` was refused and changed a file"
    if done.status == 0 and command in READS:
        answer, right = f"0 {done.said.strip()}", sound.answers[command]
        is_right = answer == right or _says_so(answer, right, "cortex.db")
        return None if is_right else f"`drift {command}` says {answer[:500]}"
    if command.startswith("doctor"):
        return None if done.status in (0, 1, 3) and "Traceback" not in done.said else f"{done}"
    if done.status == 0:
        return None
    wrong = _is_refusal(done.status, done.said)
    return None if wrong is None else f"`drift {command}`: {wrong}"


def _closed(home: Path, kind: str) -> None:
    for each in (*home.rglob("*"), home):
        if each.is_dir():
            each.chmod(0o755 if kind.startswith("files") else 0o555)
        elif kind == "files not readable":
            each.chmod(0)
        else:
            each.chmod(0o644 if kind.startswith("folder") else 0o444)
