"""What a person writes into config.toml is taken, or refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift_mcp import settings
from drift_mcp.errors import DriftError
from drift_mcp.settings import Settings


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert settings.read(tmp_path) == Settings(backup_keep=5)


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("", 5),
        ("# nothing yet\n", 5),
        ("[backup]\n", 5),
        ("[backup]\nkeep = 2\n", 2),
        ("backup.keep = 100", 100),
        ("\ufeff[backup]\nkeep = 2\n", 2),
    ],
)
def test_what_is_set_holds(tmp_path: Path, text: str, keep: int) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert settings.read(tmp_path) == Settings(backup_keep=keep)


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("[memory]\n", None),
        ("[memory]\nmodel = 'BAAI/bge-small-en-v1.5'", "BAAI/bge-small-en-v1.5"),
        ("memory.model = ' ./models/ours '\nbackup.keep = 2", "./models/ours"),
    ],
)
def test_the_model_that_is_set_holds(tmp_path: Path, text: str, model: str | None) -> None:
    (tmp_path / "config.toml").write_text(text)
    assert settings.read(tmp_path).memory_model == model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[backup\nkeep = 5", r"not valid TOML: .*line 1"),
        ("[backup]\nkeep = ", "not valid TOML: .*at end of document"),
        ("[backup]\nkeep = 5\nkeep = 6", "not valid TOML"),
        ("[backup]\nkeep = '5'", "`keep` of .backup. is '5'.*whole number from 1 up"),
        ("[backup]\nkeep = true", "is true"),
        ("[backup]\nkeep = 5.0", "is 5.0"),
        ("[backup]\nkeep = 0", "is 0"),
        ("[backup]\nkeep = -3", "is -3"),
        ("[backup]\nkeeps = 5", r"no key in \[backup\] 'keeps'. Nearest: 'keep'"),
        ("[backup]\nzeal = 5", r"no key in \[backup\] 'zeal'. Known: keep"),
        ("[backups]\nkeep = 5", "no table 'backups'. Nearest: 'backup'"),
        ("keep = 5", "no table 'keep'. Known: backup, memory"),
        ("[memory]\nmodel = 5", "`model` of .memory. is 5. .*like 'BAAI"),
        ("[memory]\nmodel = ''", "`model` of .memory. is ''"),
        (f"[memory]\nmodel = '{'x' * 256}'", "`model` of .memory. is 'xxx"),
        ("[memory]\nmodel = ['a']", "`model` of .memory. is .'a'."),
        ('[memory]\nmodel = "a\\nb"', "`model` of .memory. is"),
        ("[memory]\nmodels = 'a'", r"no key in \[memory\] 'models'. Nearest: 'model'"),
        ("backup = 5", r"'backup' is 5, not a table. Write \[backup\]"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(DriftError, match=message):
        settings.read(tmp_path)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes("# für später\n".encode("latin-1"))
    with pytest.raises(DriftError, match="is not UTF-8"):
        settings.read(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(DriftError, match="cannot be read"):
        settings.read(tmp_path)
