"""`drift install` and `drift uninstall`: our entry in a client's own configuration file.

Shows the change as a diff before it makes it, and takes out again exactly the entry that it put in. It never touches a
client's instruction files, and refuses a file that it cannot read as what it should be.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import stat
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from drift_mcp.cli.words import DONE, NO, WRONG, root_of

_NAME = "drift"


class _Client(NamedTuple):
    title: str
    form: Literal["json", "toml"]
    key: str  # the member of the file under which servers stand
    in_project: bool  # whether the file lies in the project, and travels with it


CLIENTS: Mapping[str, _Client] = {
    "claude-code": _Client("Claude Code", "json", "mcpServers", True),
    "claude-desktop": _Client("Claude Desktop", "json", "mcpServers", False),
    "cursor": _Client("Cursor", "json", "mcpServers", True),
    "vscode": _Client("VS Code", "json", "servers", True),
    "codex": _Client("Codex", "toml", "mcp_servers", False),
}


def add_to(commands: Any) -> None:
    for name, says, does in (
        ("install", "add this server to a client's configuration", _install),
        ("uninstall", "take it out again", _uninstall),
    ):
        parser = commands.add_parser(name, help=says)
        parser.add_argument("client", choices=list(CLIENTS))
        parser.add_argument("--project", metavar="PATH", help="the project's folder (default: here)")
        parser.add_argument("--print", action="store_true", help="show the change and make none")
        parser.add_argument("--yes", action="store_true", help="make the change without asking")
        parser.set_defaults(run=does)


def config_file(client: str, root: Path) -> Path:
    """Where that client keeps its servers."""
    home = Path.home()
    places = {
        "claude-code": root / ".mcp.json",
        "cursor": root / ".cursor" / "mcp.json",
        "vscode": root / ".vscode" / "mcp.json",
        "codex": home / ".codex" / "config.toml",
    }
    if client in places:
        return places[client]
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Claude" / "claude_desktop_config.json"
    if sys.platform == "win32":
        return Path(os.environ["APPDATA"]) / "Claude" / "claude_desktop_config.json"
    return home / ".config" / "Claude" / "claude_desktop_config.json"


def entry(client: str, root: Path) -> dict[str, Any]:
    """How that client is to start us. A file in the project is shared between people, so it names the command by name;
    one in a person's home has to name the command and the project by their whole paths."""
    if CLIENTS[client].in_project:
        command, args = "drift-mcp", list[str]()
    elif found := shutil.which("drift-mcp"):
        command, args = found, ["--project", str(root)]
    else:
        command, args = sys.executable, ["-m", "drift_mcp", "serve", "--project", str(root)]
    start = {"command": command, "args": args}
    return start if client in ("claude-desktop", "codex") else {"type": "stdio", **start}


def installed(client: str, root: Path) -> Mapping[str, Any] | None:
    """Our entry as it stands in that client's configuration; None when there is none, or no telling."""
    try:
        text = config_file(client, root).read_bytes().decode("utf-8")
        document = tomllib.loads(text) if CLIENTS[client].form == "toml" else _parsed(text)[0]
    except (OSError, ValueError, RecursionError):
        return None
    servers = document.get(CLIENTS[client].key)
    found = servers.get(_NAME) if isinstance(servers, dict) else None
    return found if isinstance(found, dict) else None


def with_entry(client: str, text: str, added: Mapping[str, Any]) -> str:
    """The file's text with our entry in it. Raises ValueError when the text is not what that client can have
    written."""
    if CLIENTS[client].form == "toml":
        others = _without_block(text).rstrip("\n")
        whole = (f"{others}\n\n" if others else "") + _block(added)
        tomllib.loads(whole)  # a table of our name that somebody wrote by hand would stand there twice
        return whole
    document, indent = _parsed(text)
    servers = document.setdefault(CLIENTS[client].key, {})
    if not isinstance(servers, dict):
        raise ValueError(f"`{CLIENTS[client].key}` is no object")
    servers[_NAME] = dict(added)
    return json.dumps(document, indent=indent, ensure_ascii=False) + "\n"


def without_entry(client: str, text: str) -> str:
    """The file's text without our entry; nothing at all when nothing else is left in it."""
    if CLIENTS[client].form == "toml":
        return _without_block(text)
    document, indent = _parsed(text)
    servers = document.get(CLIENTS[client].key)
    if not isinstance(servers, dict) or _NAME not in servers:
        return text
    del servers[_NAME]
    if not servers:
        del document[CLIENTS[client].key]
    return json.dumps(document, indent=indent, ensure_ascii=False) + "\n" if document else ""


def _parsed(text: str) -> tuple[dict[str, Any], int | str]:
    if not text.strip():
        return {}, 2
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("it is no object")
    indented = re.search(r"\n([ \t]+)\"", text)
    return document, "\t" if indented and "\t" in indented[1] else len(indented[1]) if indented else 2


_OPENS = "# >>> drift: written by `drift install codex`, taken out by `drift uninstall codex`\n"
_CLOSES = "# <<< drift\n"


def _block(added: Mapping[str, Any]) -> str:
    # JSON strings and lists of them are TOML, too.
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in added.items())
    return f"{_OPENS}[mcp_servers.{_NAME}]\n{lines}{_CLOSES}"


def _without_block(text: str) -> str:
    return re.sub(r"\n?" + re.escape(_OPENS) + ".*?" + re.escape(_CLOSES), "", text, flags=re.DOTALL)


def _install(asked: argparse.Namespace) -> int:
    root = root_of(asked.project)
    return _change(asked, root, lambda text: with_entry(asked.client, text, entry(asked.client, root)))


def _uninstall(asked: argparse.Namespace) -> int:
    return _change(asked, root_of(asked.project), lambda text: without_entry(asked.client, text))


def _change(asked: argparse.Namespace, root: Path, edit: Any) -> int:
    file = config_file(asked.client, root)
    before = ""
    try:
        if file.exists():
            before = file.read_bytes().decode("utf-8")
        after = edit(before)
    except (ValueError, RecursionError) as problem:
        print(f"drift: {file} cannot be read as {asked.client}'s configuration: {problem}. It was left as it is.\n"
              f"Add this yourself: {json.dumps({_NAME: entry(asked.client, root)})}", file=sys.stderr)  # fmt: skip
        return WRONG
    if after == before:
        print(f"{file} is already as it should be.")
        return DONE
    if "\r\n" in before:
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    names = (str(file) if before else os.devnull, str(file) if after else os.devnull)
    sys.stdout.writelines(
        difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), *names)
    )
    if asked.print:
        return DONE
    if not asked.yes and not _agreed(file):
        print("Nothing was changed.")
        return NO
    if after:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A person may keep it elsewhere, behind a link, and closed to others because it holds keys.
        place = file.resolve()
        beside = place.with_name(place.name + ".drift-new")
        beside.touch(stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o666)
        beside.write_bytes(after.encode("utf-8"))
        if place.exists():
            shutil.copymode(place, beside)
        beside.replace(place)
    else:
        file.unlink()
    print(f"{CLIENTS[asked.client].title}: {file} written. Restart the client, or reload its servers.")
    return DONE


def _agreed(file: Path) -> bool:
    if not sys.stdin.isatty():
        print("drift: not a terminal, so nothing is asked: --yes makes the change.", file=sys.stderr)
        return False
    return input(f"Write {file}? [y/N] ").strip().lower() in ("y", "yes")
