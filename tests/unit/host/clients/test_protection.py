"""Servers behind MPP and back: the order of steps, a crash between any two, and files that change in between."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.clients import connecting, journal
from mpp.host.clients.known import find_client
from mpp.host.clients.protection import Protection, Tools
from mpp.host.home import Home
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import SecretStore
from mpp.host.system import FixedClock
from tests.unit.host.clients.world import LAUNCHER, MemoryBook

SECRET = "made-" + "up-word"
TEXT = json.dumps(
    {
        "mcpServers": {
            "one": {"command": "one", "env": {"ONE_KEY": SECRET}},
            "two": {"url": "https://two.example.com/mcp", "headers": {"Authorization": "Bearer " + SECRET}},
            "stays": {"command": "${x}"},
        },
        "theme": "dark",
    },
    indent=3,
).encode()
CURSOR = find_client("cursor")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mcp.json"
    path.write_bytes(TEXT)
    path.chmod(0o644)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    at = Home(path=str(tmp_path / "home"))
    store = SecretStore(at.secrets, at.seal)
    return Tools(home=at.path, book=MemoryBook(), secrets=store, clock=FixedClock(1_790_000_000), launcher=LAUNCHER, see=lambda _: (), owner=os.geteuid())


def protection(file: Path, tools: Tools) -> Protection:
    return Protection(CURSOR, str(file), tools)


def protect(file: Path, tools: Tools) -> None:
    found = protection(file, tools)
    found.apply(found.plan())


def undo(file: Path, tools: Tools, *, force: bool = False) -> tuple[str, ...]:
    found = protection(file, tools)
    found.may_undo(force=force)
    return found.undo(force=force).kept_secrets


def names(file: Path) -> list[str]:
    return list(json.loads(file.read_bytes())["mcpServers"])


def kept(tools: Tools) -> tuple[set[str], set[str]]:
    return set(tools.book.names()), set(tools.secrets.load())


ALL = ({"one", "two"}, {"legacy-one-ONE_KEY", "legacy-two-Authorization"})
NOTHING: tuple[set[str], set[str]] = (set(), set())


def test_there_and_back_byte_for_byte(file: Path, tools: Tools) -> None:
    protect(file, tools)
    assert names(file) == ["stays", "mpp"]
    assert SECRET.encode() not in file.read_bytes()
    assert kept(tools) == ALL
    stored = tools.secrets.load()
    assert (stored["legacy-one-ONE_KEY"].value, stored["legacy-one-ONE_KEY"].host, stored["legacy-one-ONE_KEY"].packages) == (SECRET, "", ("legacy.one",))
    header = stored["legacy-two-Authorization"]
    assert (header.host, header.header, header.packages) == ("two.example.com", "Authorization", ("legacy.two",))
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert undo(file, tools) == ()
    assert file.read_bytes() == TEXT
    assert kept(tools) == NOTHING
    assert not protection(file, tools).is_changed


def test_what_is_kept_is_for_its_owner_alone(file: Path, tools: Tools) -> None:
    protect(file, tools)
    found = [path for path in Path(tools.home, "clients").rglob("*") if path.is_file()]
    assert len(found) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in found)
    assert stat.S_IMODE(Path(tools.home).stat().st_mode) == 0o700


def test_copies_of_connect_go_where_the_others_are(file: Path, tools: Tools) -> None:
    copy = connecting.write(connecting.connection(CURSOR, str(file), LAUNCHER, os.geteuid()), tools.home)
    assert SECRET.encode() in Path(copy).read_bytes()
    protect(file, tools)
    assert sorted(os.listdir(file.parent)) == ["home", "mcp.json"]
    assert len(list(Path(tools.home, "clients").rglob("*.mpp-backup"))) == 1


class KilledError(Exception):
    """Stands for the end of the process."""


def steps(monkeypatch: pytest.MonkeyPatch, tools: Tools, dies_at: int) -> list[str]:
    """Count everything that reaches the disk or the stores; die before number ``dies_at``."""
    done: list[str] = []

    def dying(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **more: object) -> object:
            if len(done) == dies_at:
                raise KilledError
            done.append(name)
            return real(*given, **more)

        return call

    monkeypatch.setattr(os, "replace", dying("replace", os.replace))
    monkeypatch.setattr(os, "unlink", dying("unlink", os.unlink))
    for name in ("add", "remove"):
        monkeypatch.setattr(tools.book, name, dying(name, getattr(tools.book, name)))
    return done


def count(file: Path, tools: Tools, act: Callable[[Path, Tools], object]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        done = steps(patch, tools, -1)
        act(file, tools)
    return len(done)


def test_a_crash_anywhere_while_protecting_loses_nothing(file: Path, tools: Tools) -> None:
    # The first time makes a key for the secrets, too.
    protect(file, tools)
    undo(file, tools)
    total = count(file, tools, protect)
    assert total > 6
    undo(file, tools)
    for number in range(total):
        for after in ("again", "undo"):
            with pytest.MonkeyPatch.context() as patch:
                steps(patch, tools, number)
                with pytest.raises(KilledError):
                    protect(file, tools)
            # Whatever happened: the client has its servers, or MPP with all that they need.
            assert names(file) == ["one", "two", "stays"] or (names(file) == ["stays", "mpp"] and kept(tools) == ALL), number
            if after == "again":
                protect(file, tools)
                assert (names(file), kept(tools)) == (["stays", "mpp"], ALL), number
            if protection(file, tools).is_changed:
                undo(file, tools)
            assert file.read_bytes() == TEXT, number
            assert kept(tools) == NOTHING, (number, after)


def test_a_crash_anywhere_while_undoing_loses_nothing(file: Path, tools: Tools) -> None:
    protect(file, tools)
    total = count(file, tools, undo)
    assert total > 5
    for number in range(total):
        for after in ("undo", "protect"):
            protect(file, tools)
            with pytest.MonkeyPatch.context() as patch:
                steps(patch, tools, number)
                with pytest.raises(KilledError):
                    undo(file, tools)
            assert names(file) == ["one", "two", "stays"] or (names(file) == ["stays", "mpp"] and kept(tools) == ALL), number
            if after == "protect":
                try:
                    protect(file, tools)
                except HostFailed as fault:
                    assert "--undo" in fault.hint
            if protection(file, tools).is_changed:
                undo(file, tools)
            assert file.read_bytes() == TEXT, (number, after)
            assert kept(tools) == NOTHING, (number, after)


def test_a_crash_anywhere_while_servers_are_put_back_by_force(file: Path, tools: Tools) -> None:
    def forced(file: Path, tools: Tools) -> object:
        return undo(file, tools, force=True)

    def changed() -> None:
        protect(file, tools)
        file.write_bytes(file.read_bytes().replace(b"dark", b"light"))

    changed()
    total = count(file, tools, forced)
    for number in range(total):
        file.write_bytes(TEXT)
        changed()
        with pytest.MonkeyPatch.context() as patch:
            steps(patch, tools, number)
            with pytest.raises(KilledError):
                forced(file, tools)
        assert set(names(file)) == {"one", "two", "stays"} or kept(tools) == ALL, number
        if protection(file, tools).is_changed:
            forced(file, tools)
        assert set(names(file)) == {"one", "two", "stays"}, number
        assert b"light" in file.read_bytes()
        assert kept(tools) == NOTHING, number


def test_a_file_that_changed_is_not_overwritten_without_force(file: Path, tools: Tools) -> None:
    protect(file, tools)
    found = json.loads(file.read_bytes())
    found["mcpServers"]["new\x1b[2J"] = {"command": "new", "env": {"NEW_KEY": SECRET}}
    found["mcpServers"]["stays"]["command"] = "other"
    file.write_text(json.dumps(found))
    with pytest.raises(Refused) as fault:
        undo(file, tools)
    assert fault.value.code == "host.client_changed"
    assert "server new\\x1b[2J was added" in fault.value.message
    assert "server stays was changed" in fault.value.message
    assert SECRET not in str(fault.value)
    undo(file, tools, force=True)
    back = json.loads(file.read_bytes())["mcpServers"]
    assert set(back) == {"one", "two", "stays", "new\x1b[2J"}
    assert back["one"] == json.loads(TEXT)["mcpServers"]["one"]
    assert back["stays"]["command"] == "other"


def test_a_client_that_rewrites_its_file_between_the_steps(file: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies behind the last step, and the client writes the file anew before the next run."""
    with monkeypatch.context() as patch:
        patch.setattr(journal.Changes, "put", lambda *_: _die() if names(file) == ["stays", "mpp"] else journal_put(*_))
        with pytest.raises(KilledError):
            protect(file, tools)
    assert names(file) == ["stays", "mpp"]
    file.write_bytes(file.read_bytes().replace(b"dark", b"light"))
    protect(file, tools)
    assert kept(tools) == ALL
    undo(file, tools, force=True)
    assert set(names(file)) == {"one", "two", "stays"}


journal_put = journal.Changes.put


def _die() -> journal.Change:
    raise KilledError


def test_two_changes_are_undone_one_by_one(file: Path, tools: Tools) -> None:
    protect(file, tools)
    once = file.read_bytes()
    found = json.loads(once)
    found["mcpServers"]["late"] = {"command": "late"}
    file.write_text(json.dumps(found))
    late = file.read_bytes()
    protect(file, tools)
    assert names(file) == ["stays", "mpp"]
    undo(file, tools)
    assert file.read_bytes() == late
    file.write_bytes(once)
    undo(file, tools)
    assert file.read_bytes() == TEXT
    with pytest.raises(Refused, match="moved no server"):
        undo(file, tools)


def test_one_server_in_two_files_is_one_server_here(file: Path, tools: Tools, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(TEXT)
    protect(file, tools)
    protect(other, tools)
    assert "one-2" not in tools.book.names()
    undo(file, tools)
    assert "one" in tools.book.names()
    assert "legacy-one-ONE_KEY" in tools.secrets.load()
    undo(other, tools)
    assert kept(tools) == NOTHING
    assert other.read_bytes() == file.read_bytes() == TEXT


def test_a_value_that_is_there_already_is_shared_and_stays(file: Path, tools: Tools) -> None:
    tools.secrets.put(make_entry("legacy-one-ONE_KEY", SECRET, created=1, packages=("com.example.other",)), replace=False)
    protect(file, tools)
    assert tools.secrets.load()["legacy-one-ONE_KEY"].packages == ("com.example.other", "legacy.one")
    undo(file, tools)
    assert tools.secrets.load()["legacy-one-ONE_KEY"].packages == ("com.example.other",)


def test_a_value_that_somebody_stored_anew_stays(file: Path, tools: Tools) -> None:
    protect(file, tools)
    tools.secrets.change(lambda known: {**known, "legacy-one-ONE_KEY": replace(known["legacy-one-ONE_KEY"], value="newer")})
    assert undo(file, tools) == ("legacy-one-ONE_KEY",)
    assert tools.secrets.load()["legacy-one-ONE_KEY"].value == "newer"


def test_another_value_under_the_name_is_never_overwritten(file: Path, tools: Tools) -> None:
    tools.secrets.put(make_entry("legacy-one-ONE_KEY", "other", created=1), replace=False)
    with pytest.raises(MppError) as fault:
        protect(file, tools)
    assert fault.value.code == "secret.exists"
    assert file.read_bytes() == TEXT
    assert tools.secrets.load()["legacy-one-ONE_KEY"].value == "other"
    undo(file, tools)
    assert tools.secrets.load()["legacy-one-ONE_KEY"].value == "other"


def test_a_server_that_was_there_by_hand_stays(file: Path, tools: Tools) -> None:
    by_hand = protection(file, tools).plan().moves[0]
    tools.book.add(by_hand)
    protect(file, tools)
    undo(file, tools)
    assert tools.book.names() == {"one"}


def test_a_kept_copy_that_was_changed_is_not_put_back(file: Path, tools: Tools) -> None:
    protect(file, tools)
    (original,) = Path(tools.home, "clients").rglob("original")
    original.write_bytes(b"{}")
    with pytest.raises(HostFailed, match="not what was kept"):
        undo(file, tools)
    assert names(file) == ["stays", "mpp"]


def test_a_journal_of_another_file_is_refused(file: Path, tools: Tools) -> None:
    protect(file, tools)
    (found,) = Path(tools.home, "clients").rglob("journal.json")
    found.write_bytes(found.read_bytes().replace(b"mcp.json", b"xcp.json"))
    with pytest.raises(Refused, match="another file"):
        undo(file, tools)
    found.write_bytes(b"{}")
    with pytest.raises(Refused):
        undo(file, tools)


def test_one_server_in_two_places_of_a_file(tmp_path: Path, tools: Tools) -> None:
    one = {"command": "one", "env": {"ONE_KEY": SECRET}}
    text = json.dumps({"mcpServers": {"one": one}, "projects": {"/a": {"mcpServers": {"one": one, "two": {"command": "two"}}}}})
    path = tmp_path / ".claude.json"
    path.write_text(text)
    found = Protection(find_client("claude-code"), str(path), tools)
    change = found.apply(found.plan())
    assert change is not None
    assert (change.servers, change.owned) == (("one", "one", "two"), ("one", "two"))
    assert Protection(find_client("claude-code"), str(path), tools).undo(force=False).kept_secrets == ()
    assert path.read_text() == text
    assert kept(tools) == NOTHING
