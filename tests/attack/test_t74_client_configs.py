"""T74: the configuration of a client as a weapon: links, bombs, two meanings of one file, names that steer, a death at each step, secrets left behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Hashable
from pathlib import Path

import pytest

from mpp.cli.app import run
from mpp.errors import MppError, Refused
from mpp.host.clients.bypass import bypassing, files
from mpp.host.clients.config import Config
from mpp.host.clients.connecting import connection, write
from mpp.host.clients.known import find_client, Surroundings
from mpp.host.clients.launcher import Launcher
from mpp.host.clients.limits import CONFIG_BYTES_MAX, CONFIG_VALUES_MAX
from mpp.host.clients.place import look
from mpp.host.clients.planning import LegacyServers, Move
from mpp.host.clients.protection import Protection, Tools
from mpp.host.clients.servers import Server
from mpp.host.home import Home
from mpp.host.secret_store import SecretStore
from mpp.host.system import FixedClock

ME = os.geteuid()
CURSOR = find_client("cursor")
LAUNCHER = Launcher(command=("/opt/mpp/bin/mpp",), home="/home/ada/.mpp", names_home=False)
SECRET = "made-" + "up-word-9876"
SECONDS_MAX = 30.0
"""Seconds of the processor that judging any one file may take. Reason: it takes a fraction of one, what is quadratic takes hours, and others use the machine."""


def quick(act: Callable[[], object]) -> MppError:
    begun = time.process_time()
    with pytest.raises(MppError) as fault:
        act()
    assert time.process_time() - begun < SECONDS_MAX
    return fault.value


BOMBS = [
    ("deep", "[" * 1_000_000),
    ("deep objects", '{"a":' * 200_000),
    ("many", "[" + "0," * (CONFIG_VALUES_MAX + 5) + "0]"),
    ("comment without an end", "{" + "/*" * 1_000_000),
    ("stars", "{/" + "*" * 2_000_000),
    ("slashes", "{" + "/ " * 1_000_000),
    ("escapes", '{"' + "\\" * 2_000_001),
    ("open text", '{"' + "a" * 2_000_000),
    ("white space", " " * 4_000_000 + "x"),
    ("digits", "1" * 2_000_000 + "x"),
]


@pytest.mark.parametrize(("name", "text"), BOMBS, ids=[name for name, _ in BOMBS])
def test_a_bomb_is_refused_at_once(name: str, text: str) -> None:
    assert quick(lambda: Config(CURSOR, text.encode(), "f")).code == "host.client_syntax", name


TOML_BOMBS = ["a = " + "[" * 60_000, "a = " + "{b = " * 60_000, 'a = "' + "\\" * 100_001, 'a = """' + '""\\' * 100_000, "a = '''" + "''x" * 100_000]


@pytest.mark.parametrize("text", TOML_BOMBS, ids=range(len(TOML_BOMBS)))
def test_a_bomb_in_toml_is_refused_at_once(text: str) -> None:
    assert quick(lambda: Config(find_client("codex"), text.encode(), "f")).code == "host.client_syntax"


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    with path.open("wb") as file:
        file.truncate(CONFIG_BYTES_MAX + 1)
    assert quick(lambda: look(str(path), ME)).code == "size.input"


def test_links_and_devices_are_not_followed_into_other_things(tmp_path: Path) -> None:
    for target in ("/dev/zero", "/dev/stdin", "/proc/self/environ", str(tmp_path)):
        link = tmp_path / "link.json"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(MppError):
            connection(CURSOR, str(link), LAUNCHER, ME)


def test_a_link_to_something_that_is_no_configuration_changes_nothing(tmp_path: Path) -> None:
    """A repository carries .cursor/mcp.json as a link to the keys of whoever opens it."""
    keys = tmp_path / "authorized_keys"
    keys.write_text("ssh-ed25519 AAAA ada\n")
    link = tmp_path / "mcp.json"
    link.symlink_to(keys)
    with pytest.raises(Refused):
        connection(CURSOR, str(link), LAUNCHER, ME)
    assert keys.read_text() == "ssh-ed25519 AAAA ada\n"


def test_the_file_of_another_user_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}")
    assert quick(lambda: look(str(path), ME + 1)).code == "host.client_file"
    (tmp_path / "all").mkdir(mode=0o700)
    (tmp_path / "all").chmod(0o777)
    assert quick(lambda: look(str(tmp_path / "all" / "mcp.json"), ME)).code == "host.client_file"


def test_a_link_that_waits_where_the_copy_is_made_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, victim = tmp_path / "mcp.json", tmp_path / "victim"
    path.write_text("{}")
    victim.write_text("precious")
    change = connection(CURSOR, str(path), LAUNCHER, ME)
    (tmp_path / f"mcp.json.{change.place.digest[:8]}.mpp-backup").symlink_to(victim)
    write(change, str(tmp_path / "home"))
    assert victim.read_text() == "precious"


TWO_MEANINGS = [
    '{"mcpServers": {"a": {"command": "good"}}, "mcpServers": {"a": {"command": "evil"}}}',
    '{"mcpServers": {"a": {"command": "good"}, "a": {"command": "evil"}}}',
    '{"mcpServers": {"a": {"command": "good", "comm\\u0061nd": "evil"}}}',
    '{"mcpServers": {} // hidden\r, "mcpServers2": {}\n}',
    '{"mcpServers": {}}\0{"mcpServers": {"a": {"command": "evil"}}}',
    '{"mcpServers": {}} {"mcpServers": {"a": {"command": "evil"}}}',
    "{mcpServers: {a: {command: 'evil'}}}",
]


@pytest.mark.parametrize("text", TWO_MEANINGS)
def test_a_file_that_two_readers_read_differently_is_refused(text: str, tmp_path: Path) -> None:
    """A server that we do not see and the client does would bypass MPP while the check says that none does."""
    with pytest.raises(Refused):
        Config(CURSOR, text.encode(), "f")
    path = tmp_path / ".cursor/mcp.json"
    path.parent.mkdir()
    path.write_text(text)
    (looked,) = files(Surroundings(environment={"HOME": str(tmp_path)}, platform="linux"), (), ME)
    assert looked.config is None


PRETENDERS = [
    {"command": "/tmp/mpp", "args": ["serve", "--agent", "cursor"]},
    {"command": "/opt/mpp/bin/mpp", "args": ["serve", "--agent", "cursor"], "env": {"PYTHONPATH": "/tmp/evil"}},
    {"command": "/opt/mpp/bin/mpp", "args": ["serve", "--agent", "cursor"], "env": {"MPP_HOME": "/tmp/evil"}},
    {"command": "/opt/mpp/bin/mpp", "args": ["serve", "--agent", "cursor", "--policy", "/tmp/all"]},
    {"command": "sh", "args": ["-c", "/opt/mpp/bin/mpp serve --agent cursor; evil"]},
    {"command": "/opt/mpp/bin/../../../tmp/mpp", "args": ["serve", "--agent", "cursor"]},
    {"command": "/opt/mpp/bin/mpp", "args": ["serve", "--agent", "cursor"], "url": "https://evil.example"},
]


@pytest.mark.parametrize("entry", PRETENDERS)
def test_an_entry_that_only_looks_like_ours_bypasses(entry: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / ".cursor/mcp.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"mcpServers": {"mpp": entry}}))
    looked = files(Surroundings(environment={"HOME": str(tmp_path)}, platform="linux"), (), ME)
    assert len([one for each in looked for one in bypassing(each, LAUNCHER)]) == 1


class Book:
    """Takes everything; its list is a file, so that it outlives a process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> frozenset[str]:
        return frozenset(json.loads(self._path.read_text())) if self._path.exists() else frozenset()

    def store_name(self, server: str, key: str) -> str:
        return f"legacy-{server}-{key}"

    def why_not(self, move: Move) -> str:
        return ""

    def likeness(self, server: Server) -> Hashable:
        return server.name

    def known(self, move: Move) -> str:
        return ""

    def add(self, move: Move) -> None:
        self._put(self.names() | {move.name})

    def remove(self, name: str) -> None:
        self._put(self.names() - {name})

    def _put(self, names: frozenset[str]) -> None:
        self._path.with_suffix(".new").write_text(json.dumps(sorted(names)))
        self._path.with_suffix(".new").replace(self._path)


def tools_at(folder: Path) -> Tools:
    at = Home(path=str(folder / "home"))
    book: LegacyServers = Book(folder / "book.json")
    secrets = SecretStore(at.secrets, at.seal)
    return Tools(home=at.path, book=book, secrets=secrets, clock=FixedClock(1_790_000_000), launcher=LAUNCHER, see=lambda _: (), owner=ME)


STRANGE = [
    "../../../etc/cron.d/x",
    "\x1b[2J\x1b]0;owned\x07",
    "a\nerror: all is well",
    "\u202egnp.exe",
    "con",
    "-rf",
    "__proto__",
    "legacy/x",
    ".",
    "x" * 128,
    "\ud800",
]


def test_names_that_steer_terminals_and_paths(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {name: {"command": f"c{index}", "env": {"K_TOKEN": SECRET}} for index, name in enumerate(STRANGE)}}))
    before = path.read_bytes()
    protection = Protection(CURSOR, str(path), tools_at(tmp_path))
    plan = protection.plan()
    assert len(plan.moves) == len(STRANGE)
    for one in plan.moves:
        assert one.name.isascii()
        assert one.name.replace("-", "").isalnum()
        assert one.name[0].isalpha()
    protection.apply(plan)
    found = [one.name for one in tmp_path.rglob("*")]
    assert set(found) <= {"mcp.json", "book.json", "home", "clients", "cursor", "1", "lock", "original", "written", "journal.json", "secrets", "seal", *found_digests(found)} | {
        "secrets.sealed", "secrets.sealed.lock", "secrets.key", "secrets.key.lock",
    }  # fmt: skip
    Protection(CURSOR, str(path), tools_at(tmp_path)).undo(force=False)
    assert path.read_bytes() == before


def found_digests(names: list[str]) -> list[str]:
    return [one for one in names if len(one) == 16 and set(one) <= set("0123456789abcdef")]


@pytest.fixture
def user(tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setattr(Home, "cache", property(lambda _: str(compiled)))
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ada/.cursor").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ada"


HOSTILE = {
    "mcpServers": {
        "\x1b[31mred\nerror: done": {"command": "a\x1b[2J", "args": ["\x1b]52;c;aGk=\x07"], "env": {"A_TOKEN": SECRET}, "\x1b[1mkey": 1},
        "b": {"command": "b", "args": ["--password", SECRET]},
        "c": {"url": f"https://ada:{SECRET}@c.example.com/mcp?api_key={SECRET}"},
        "d": {"url": "https://d.example.com/mcp", "headers": {"Cookie": "session=" + SECRET}},
        "f": {"url": f"https://f.example.com/mcp?api_key={SECRET}", "headers": {"X-One": SECRET, "X-Two": SECRET}},
        "g": {"command": "g", "args": ["", "--dsn", f"postgres://ada:{SECRET}@db.example.com/x", "-e", f"A_KEY={SECRET}", "-e", f"B_KEY={SECRET}"]},
        "h": {"url": f"https://{SECRET}:{SECRET}@h.example.com/{SECRET}"},
        "e": {"command": "e", "args": ["-H", "Authorization: Bearer " + SECRET], "env": {"X": "${input:" + "x}"}},
    }
}


@pytest.mark.parametrize(
    "words", [("--dry-run",), ("--dry-run", "--json"), ("--yes", "--no-start"), ("--yes", "--no-start", "--json"), ("--check",), ("--check", "--json")]
)
def test_no_secret_and_no_control_character_reaches_the_screen(user: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    (user / ".cursor/mcp.json").write_text(json.dumps(HOSTILE))
    run(["protect", *words])
    run(["import", "cursor", *([words[-1]] if words[-1] == "--json" else [])])
    run(["connect", "cursor", "--dry-run"])
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert SECRET not in text
        assert all(one.isprintable() or one == "\n" for one in text)
        assert "\nerror: done" not in text


def test_secrets_that_were_moved_are_in_no_file_that_others_may_read(user: Path, tmp_path: Path) -> None:
    path = user / ".cursor/mcp.json"
    servers = {name: HOSTILE["mcpServers"][name] for name in ("b", "d", "f", "g")}
    path.write_text(json.dumps({"mcpServers": servers}))
    path.chmod(0o644)
    os.umask(old := os.umask(0))
    try:
        os.umask(0)
        assert run(["connect", "cursor"]) == 0
        assert run(["protect", "cursor", "--yes", "--no-start"]) == 0
    finally:
        os.umask(old)
    holding = [one for one in tmp_path.rglob("*") if one.is_file() and SECRET.encode() in one.read_bytes()]
    assert path not in holding
    assert holding
    for one in holding:
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one
        assert one.is_relative_to(tmp_path / "home/clients"), one
    assert set(json.loads(path.read_text())["mcpServers"]) == {"mpp"}
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


DYING = """
import os, signal, sys
from pathlib import Path
from tests.attack.test_t74_client_configs import CURSOR, tools_at
from mpp.host.clients.protection import Protection
folder, act, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def dying(real):
    def call(*given, **more):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*given, **more)
    return call
os.replace, os.unlink, os.rename = dying(os.replace), dying(os.unlink), dying(os.rename)
found = Protection(CURSOR, str(folder / "mcp.json"), tools_at(folder))
found.apply(found.plan()) if act == "protect" else found.undo(force=False)
"""


@pytest.mark.parametrize("act", ["protect", "undo"])
def test_a_process_that_is_killed_at_any_step_loses_nothing(act: str, tmp_path: Path, root: Path) -> None:
    path = tmp_path / "mcp.json"
    text = json.dumps({"mcpServers": {"a": {"command": "a", "env": {"A_TOKEN": SECRET}}, "b": {"command": "b"}}, "x": 1})
    path.write_text(text)

    def protection() -> Protection:
        return Protection(CURSOR, str(path), tools_at(tmp_path))

    killed = 0
    for number in range(0, 40, 2):
        if act == "undo":
            protection().apply(protection().plan())
        words = [sys.executable, "-c", DYING, str(tmp_path), act, str(number)]
        done = subprocess.run(words, cwd=root, env={**os.environ, "PYTHONPATH": f"{root}/src{os.pathsep}{root}"}, capture_output=True, timeout=60, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
        names = set(json.loads(path.read_text())["mcpServers"])
        tools = tools_at(tmp_path)
        assert names == {"a", "b"} or (names == {"mpp"} and tools.book.names() == {"a", "b"} and tools.secrets.load()), number
        if protection().is_changed:
            protection().undo(force=False)
        assert path.read_text() == text, number
        assert tools.book.names() == frozenset()
        assert not tools.secrets.load()
    assert killed >= 3
