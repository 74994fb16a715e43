"""Public sets of texts and of questions that people answered with them: what a search is measured against.

Reads files that somebody fetched, and fetches none: they lie in the folder that RETRIEVAL_DATA names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

Split = Literal["dev", "test"]


class Text(NamedTuple):
    """`part`: what it is a part of, be it a session of a conversation or only itself."""

    name: str
    said: str
    part: str


class Question(NamedTuple):
    """`right`: the names of the texts that answer it. `split`: settings were chosen by the questions of `dev`; those of
    `test` were held out."""

    asked: str
    right: frozenset[str]
    split: Split


class Collection(NamedTuple):
    """Texts in their order, that are searched together, and the questions about them."""

    texts: list[Text]
    questions: list[Question]


class LabelledSet(NamedTuple):
    """`is_talk`: texts are what was said one after the other, so that one is linked to the next of its part."""

    name: str
    is_talk: bool
    files: tuple[str, ...]
    source: str
    read: Callable[[Path], list[Collection]]

    def missing(self, folder: Path) -> list[str]:
        return [name for name in self.files if not (folder / name).is_file()]

    def told(self, folder: Path) -> str:
        """Which files were read: others of the same name give other figures."""
        hashes = [f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]}" for name in self.files]
        return f"{self.name}: {self.source}. sha256: {', '.join(hashes)}."


def _code(folder: Path) -> list[Collection]:
    numbers: dict[str, int] = _json(folder / "cosqa_code_idx_map.json")
    texts = [Text(str(number), code, str(number)) for code, number in numbers.items()]
    splits: tuple[tuple[Split, str], ...] = (("dev", "cosqa_dev.json"), ("test", "cosqa_test.json"))
    questions = [
        Question(each["doc"], frozenset([str(each["retrieval_idx"])]), split)
        for split, name in splits
        for each in _json(folder / name)
    ]
    return [Collection(texts, questions)]


# The first conversations are those that settings were chosen by.
_DEV_TALKS: Final = 5


def _talks(folder: Path) -> list[Collection]:
    samples: list[dict[str, Any]] = _json(folder / "locomo10.json")
    return [_talk(sample, "dev" if number < _DEV_TALKS else "test") for number, sample in enumerate(samples)]


def _talk(sample: dict[str, Any], split: Split) -> Collection:
    talk: dict[str, Any] = sample["conversation"]
    sessions = [key for key in talk if re.fullmatch(r"session_\d+", key)]
    texts = [
        Text(turn["dia_id"], _turn(turn), session)
        for session in sorted(sessions, key=lambda key: int(key.removeprefix("session_")))
        for turn in talk[session]
    ]
    names = {text.name for text in texts}
    questions = []
    for asked in sample["qa"]:
        # Some entries name several turns in one string, and some a turn that there is not.
        told = {name for entry in asked.get("evidence", ()) for name in re.findall(r"D\d+:\d+", entry)}
        if right := frozenset(told & names):
            questions.append(Question(asked["question"], right, split))
    return Collection(texts, questions)


def _turn(turn: dict[str, str]) -> str:
    said = f"{turn['speaker']}: {turn['text']}"
    shown = turn.get("blip_caption")
    return f"{said} [shares image: {shown}]" if shown else said


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


SETS: Final = (
    LabelledSet(
        name="CoSQA",
        is_talk=False,
        files=("cosqa_code_idx_map.json", "cosqa_dev.json", "cosqa_test.json"),
        source=(
            "questions that people asked the web, each with the Python function that answers it, of "
            "github.com/Jun-jie-Huang/CoCLR (MIT; of its data the README says C-UDA), where data/search has them as "
            "code_idx_map.txt and cosqa-retrieval-{dev,test}-500.json"
        ),
        read=_code,
    ),
    LabelledSet(
        name="LoCoMo",
        is_talk=True,
        files=("locomo10.json",),
        source=(
            "ten long conversations, and questions with the turns that answer them, of "
            "github.com/snap-research/locomo (CC BY-NC 4.0), data/locomo10.json"
        ),
        read=_talks,
    ),
)
