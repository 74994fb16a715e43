"""The commands as a person runs them: what goes where, and with which status they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drift_mcp import __version__
from drift_mcp.cli import main
from drift_mcp.cli.clients import CLIENTS, with_entry, without_entry

SOURCE = """\
def tax(amount):
    return amount * 0.2


def total(amount):
    return amount + tax(amount)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.py").write_text(SOURCE)
    monkeypatch.chdir(root)
    return root


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def test_from_nothing_to_an_answer(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "init")
    assert status == 0 and ".drift/drift.db" in out
    assert run(capsys, "init")[1].endswith("nothing to do. `drift scan` fills the store.\n")
    status, out, err = run(capsys, "scan")
    assert (status, err) == (0, "")
    assert "2 functions" in out
    status, out, _ = run(capsys, "callers", "tax")
    assert status == 0
    assert "till.py:6  total" in out


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["status"], "project"),
        (["patterns"], "patterns"),
        (["functions", "tax"], "functions"),
        (["callers", "tax"], "callers"),
        (["callees", "total"], "callees"),
        (["reach", "till.py:6"], "data"),
        (["impact", "tax"], "callers"),
        (["file", "till.py"], "functions"),
        (["facts", "problems"], "facts"),
        (["memory", "list"], "memories"),
        (["memory", "search", "tax"], "memories"),
        (["memory", "add", "tax is 20 %"], "memory"),
        (["scan"], "files"),
    ],
)
def test_every_command_that_answers_gives_one_json_document(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], field: str
) -> None:
    run(capsys, "scan")
    status, out, err = run(capsys, *words, "--json")
    assert (status, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    assert field in document
    assert document["freshness"]["scanned_at"] is not None


def test_a_memory_is_added_shown_and_searched(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "scan")
    document = json.loads(run(capsys, "memory", "add", "tax is 20 %", "--file", "till.py:1-2", "--json")[1])
    assert "tax is 20 %" in run(capsys, "memory", "show", document["memory"])[1]
    assert "its code is unchanged" in run(capsys, "memory", "search", "tax")[1]
    assert run(capsys, "memory", "archive", document["memory"], "--reason", "moved")[0] == 0
    assert "tax is 20 %" not in run(capsys, "memory", "list")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["callers", "nosuch"], "'nosuch' was found"),
        (["who-reaches", "users"], "no tables and no data access"),
        (["facts", "weather"], "one of security"),
        (["callers", "tax", "--depth", "0"], "from 1 to 20"),
        (["approve", "nosuch"], "No pattern 'nosuch'"),
        (["memory", "show", "mem_none"], "mem_none"),
        (["status", "--project", "/no/such/folder"], "/no/such/folder"),
        (["scan", "/no/such/folder"], "/no/such/folder"),
    ],
)
def test_bad_input_ends_with_two_and_one_message(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    run(capsys, "scan")
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert said in err and err.startswith("drift: ") and "Traceback" not in err


def test_before_a_scan_answers_say_that_there_was_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "callers", "tax")
    assert status == 2 and "scan_project" in err
    assert not (project / ".drift").exists()


def test_a_store_that_is_none_ends_with_three(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".drift").mkdir()
    (project / ".drift" / "drift.db").write_bytes(b"only text " * 500)
    status, _, err = run(capsys, "callers", "tax")
    assert status == 3 and "Traceback" not in err


def test_wrong_usage_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["callers"])
    assert ended.value.code == 2


def process(*words: str, root: Path, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with the packages of this one."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, *words]
    return subprocess.run(line, cwd=root, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, check=False)


def test_python_dash_m_is_the_same_command(project: Path) -> None:
    assert process("-m", "drift_mcp", "--version", root=project).stdout == f"drift {__version__}\n"


def test_a_reader_that_has_had_enough_is_no_failure_to_shout_about(project: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = process("-m", "drift_mcp", "scan", root=project, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_that_knows_ascii_alone_gets_escapes_and_a_script_gets_utf_8(project: Path) -> None:
    (project / "menu.py").write_text("def crème():\n    pass\n", encoding="utf-8")
    process("-m", "drift_mcp", "scan", root=project)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    bare = plain | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    for words, said in (
        (("functions", "crème"), b"menu.py:1  function cr\\xe8me"),
        (("functions", "crème", "--json"), '"cr\u00e8me"'.encode()),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "drift_mcp", *words], cwd=project, env=bare, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert said in done.stdout


def test_a_command_that_nobody_listens_to_does_its_work(project: Path) -> None:
    command = f'"{sys.executable}" -m drift_mcp scan >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", command], cwd=project, check=False).returncode == 0
    assert "2 functions" in process("-m", "drift_mcp", "status", root=project).stdout


def test_help_imports_nothing_heavy(project: Path) -> None:
    program = """
import sys, drift_mcp.cli
try:
    drift_mcp.cli.main(["--help"])
except SystemExit:
    print(sorted({"apsw", "mcp", "numpy", "tqdm", "tree_sitter", "pydantic"} & set(sys.modules)))
"""
    assert process("-c", program, root=project).stdout.endswith("\n[]\n")


# ---------------------------------------------------------------------------------------------------------------------
# Clients

OTHERS = {
    "json": '{\n    "mcpServers": {\n        "other": {\n            "command": "x"\n        }\n    }\n}\n',
    "toml": '[mcp_servers.other]\ncommand = "x"\n',
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("others", [True, False])
def test_what_was_put_into_a_configuration_comes_out_again(client: str, others: bool) -> None:
    before = OTHERS[CLIENTS[client].form].replace("mcpServers", CLIENTS[client].key) if others else ""
    there = with_entry(client, before, {"command": "drift-mcp", "args": []})
    assert "drift-mcp" in there
    assert with_entry(client, there, {"command": "drift-mcp", "args": []}) == there
    assert without_entry(client, there) == before


def test_install_shows_the_change_and_makes_it_only_when_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "install", "claude-code", "--print")
    assert status == 0 and '+      "command": "drift-mcp"' in out
    assert not (project / ".mcp.json").exists()
    assert run(capsys, "install", "claude-code", "--yes")[0] == 0
    written = json.loads((project / ".mcp.json").read_text())
    assert written == {"mcpServers": {"drift": {"type": "stdio", "command": "drift-mcp", "args": []}}}
    assert run(capsys, "uninstall", "claude-code", "--yes")[0] == 0
    assert not (project / ".mcp.json").exists()


def test_a_configuration_that_cannot_be_read_is_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".vscode").mkdir()
    (project / ".vscode" / "mcp.json").write_text("{ // comments\n}")
    status, _, err = run(capsys, "install", "vscode", "--yes")
    assert status == 2 and "left as it is" in err
    assert (project / ".vscode" / "mcp.json").read_text() == "{ // comments\n}"


@pytest.mark.parametrize("content", ['{"a": "é"}'.encode("latin-1"), "{}".encode("utf-16"), b"[" * 100_000])
def test_a_configuration_of_an_odd_encoding_or_shape_is_left_alone(
    project: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (project / ".mcp.json").write_bytes(content)
    for command in ("install", "uninstall"):
        status, _, err = run(capsys, command, "claude-code", "--yes")
        assert status == 2 and "left as it is" in err
    assert (project / ".mcp.json").read_bytes() == content


def test_a_server_that_somebody_wrote_into_codex_by_hand_is_not_doubled(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".codex" / "config.toml"
    file.parent.mkdir()
    file.write_text('[mcp_servers.drift]\ncommand = "mine"\n')
    status, _, err = run(capsys, "install", "codex", "--yes")
    assert status == 2 and "left as it is" in err
    assert file.read_text() == '[mcp_servers.drift]\ncommand = "mine"\n'


def test_a_configuration_keeps_its_place_its_permissions_and_its_line_ends(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = project / "dotfiles.json"
    real.write_bytes(b'{\r\n  "keys": "private"\r\n}\r\n')
    real.chmod(0o600)
    (project / ".mcp.json").symlink_to(real)
    assert run(capsys, "install", "claude-code", "--yes")[0] == 0
    assert (project / ".mcp.json").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert json.loads(real.read_text())["mcpServers"]["drift"]["command"] == "drift-mcp"
    assert run(capsys, "uninstall", "claude-code", "--yes")[0] == 0
    assert real.read_bytes() == b'{\r\n  "keys": "private"\r\n}\r\n'
