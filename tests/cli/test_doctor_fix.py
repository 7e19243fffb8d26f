"""``mpp doctor --fix``: shown, asked, made; never without a yes."""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli import mending
from mpp.errors import HostFailed
from mpp.host.barriers import Barrier, Fact
from mpp.host.home import Home
from mpp.host.repairing import Repair
from mpp.host.sandbox import native_cache
from tests.cli.conftest import Mpp
from tests.cli.store_world import Make, maker
from tests.cli.terminal import Terminal

doctor = importlib.import_module("mpp.cli.commands.doctor")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Barriers are tried in test_doctor.py; here all hold."""
    holds = Barrier(name="seccomp", state="holds", required=True, evidence=("EPERM",), lost="", remedy="")
    monkeypatch.setattr(doctor, "probe", lambda **_: (holds,))
    monkeypatch.setattr(doctor, "surroundings", lambda *_: (Fact(name="engine", state="good", text="wasmtime"),))
    monkeypatch.setattr(doctor, "sandbox_of_servers", lambda *_: Fact(name="older servers", state="good", text="yes"))
    monkeypatch.setattr(doctor, "try_call", lambda: None)


@pytest.fixture
def make(mpp: Mpp) -> Make:
    return maker(mpp)


@pytest.fixture
def opened(home: Path) -> Path:
    """A home into which others may look, with a key that they may read."""
    (home / "keys").mkdir(parents=True, mode=0o700)
    home.chmod(0o755)
    (home / "keys" / "publisher.key").write_bytes(b"{}")
    (home / "keys" / "publisher.key").chmod(0o644)
    return home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_without_a_terminal_it_is_shown_and_not_made(mpp: Mpp, opened: Path) -> None:
    answer = mpp("doctor", "--fix")
    assert answer.code == 1
    assert "keys/publisher.key: others may read it: mode 644 becomes 600" in answer.out
    assert "nothing was changed: --yes makes these changes" in answer.err
    assert "tools can run: yes" in answer.out
    assert (mode(opened), mode(opened / "keys" / "publisher.key")) == (0o755, 0o644)


def test_with_yes_it_is_made_and_a_second_time_there_is_nothing(mpp: Mpp, opened: Path) -> None:
    answer = mpp("doctor", "--fix", "--yes")
    assert (answer.code, "2 of 2 done" in answer.out) == (0, True)
    assert "others could read keys" in answer.err
    assert (mode(opened), mode(opened / "keys" / "publisher.key")) == (0o700, 0o600)
    again = mpp("doctor", "--fix")
    assert (again.code, "there is nothing that could be mended" in again.out) == (0, True)


@pytest.mark.parametrize(("words", "becomes"), [("yes\n", 0o700), ("no\n", 0o755), ("\n", 0o755), ("y\n", 0o755)])
def test_a_person_is_asked(opened: Path, terminal: Callable[..., Terminal], words: str, becomes: int) -> None:
    with terminal("doctor", "--fix") as person:
        person.wait_for("Make these 2 changes? Type yes: ")
        assert "keys/publisher.key" in person.screen, "first it is shown"
        assert mode(opened) == 0o755
        person.type(words)
        person.end()
    assert mode(opened) == becomes


def test_as_json(mpp: Mpp, opened: Path) -> None:
    planned = mpp("doctor", "--fix", "--json")
    assert (planned.code, len(planned.json["fix"]["planned"]), planned.json["fix"]["done"]) == (1, 2, [])
    assert mode(opened) == 0o755
    done = mpp("doctor", "--fix", "--yes", "--json")
    assert (done.code, [one["kind"] for one in done.json["fix"]["done"]], done.json["fix"]["planned"]) == (0, ["close", "close"], [])
    assert "fix" not in mpp("doctor", "--json").json


def test_a_home_that_was_used_needs_nothing(mpp: Mpp, keys: Path, home: Path, make: Make) -> None:
    assert mpp("install", make()).code == 0
    assert mpp("run", "hello").code == 30, "the tool answers nothing, and the call is recorded"
    assert mpp("audit", "verify").code == 0
    answer = mpp("doctor", "--fix", "--json")
    assert (answer.code, answer.json["fix"]) == (0, {"done": [], "failed": [], "planned": [], "left": []})
    (home / "audit" / "checkpoint").chmod(0o666)
    assert [one["words"] for one in mpp("doctor", "--fix", "--json").json["fix"]["planned"]] == ["others may write to it: mode 666 becomes 644"]


def test_yes_belongs_to_fix(mpp: Mpp) -> None:
    assert mpp("doctor", "--yes").code == 2


def test_others_could_write(mpp: Mpp, opened: Path) -> None:
    opened.chmod(0o777)
    assert "look at `mpp trust list`" in mpp("doctor", "--fix", "--yes").err


def test_a_link_is_left_for_a_person(mpp: Mpp, opened: Path, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir(mode=0o755)
    (opened / "trust").symlink_to(tmp_path / "else")
    answer = mpp("doctor", "--fix", "--yes")
    assert (answer.code, "trust: is a link, and is not followed" in answer.out) == (1, True)
    assert mode(tmp_path / "else") == 0o755


def test_what_only_an_administrator_can_do_is_a_command(mpp: Mpp, opened: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mending, "SHOWN_MAX", 0)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    answer = mpp("doctor", "--fix", "--yes", "--json")
    assert answer.code == 1
    assert answer.json["fix"]["left"][0]["command"].startswith("sudo chown -h 4711 ")
    monkeypatch.setattr(mending, "SHOWN_MAX", 40)
    assert "an administrator can run: sudo chown -h 4711" in mpp("doctor", "--fix").out


def test_what_failed_is_told(mpp: Mpp, opened: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(repair: Repair, *_: object) -> str:
        raise HostFailed("host.file", "left as it is: no", where=repair.path)

    monkeypatch.setattr(mending, "carry_out", fails)
    monkeypatch.setattr(mending, "SHOWN_MAX", 1)
    answer = mpp("doctor", "--fix", "--yes")
    assert (answer.code, answer.err.count("left as it is: no [host.file]")) == (1, 2)
    assert "and 1 more of the same kinds" in answer.out
    assert len(mpp("doctor", "--fix", "--yes", "--json").json["fix"]["failed"]) == 2


def test_compiled_code_that_does_not_check_goes(mpp: Mpp, home: Path) -> None:
    home.mkdir(mode=0o700)
    cache = native_cache(Home(path=str(home)).cache)
    for digest in ("a" * 64, "b" * 64):
        memory = os.memfd_create("code")
        os.write(memory, b"code" * 100)
        cache.store(digest, memory)
        os.close(memory)
    sound, broken = (next(Path(cache.folder).glob(f"{letter * 64}.*")) for letter in "ab")
    other = Path(cache.folder) / f"{'c' * 64}.{'0' * 16}.native"
    other.write_bytes(sound.read_bytes())
    other.chmod(0o600)
    assert mpp("doctor", "--fix", "--json").json["fix"]["planned"][0]["words"].startswith("remove 1 compiled pieces")
    data = bytearray(broken.read_bytes())
    data[-1] ^= 1
    broken.write_bytes(data)
    answer = mpp("doctor", "--fix")
    assert "remove 2 compiled pieces" in answer.out
    assert broken.exists(), "shown before it is made"
    assert mpp("doctor", "--fix", "--yes", "--json").json["fix"]["done"][0]["result"] == "2 removed"
    assert (sound.exists(), broken.exists(), other.exists()) == (True, False, False)
    assert cache.load("a" * 64) is not None


def test_pieces_that_are_no_files_do_not_check(home: Path) -> None:
    home.mkdir(mode=0o700)
    cache = native_cache(Home(path=str(home)).cache)
    assert cache.holds("d" * 64) is False
    memory = os.memfd_create("code")
    os.write(memory, b"code")
    cache.store("d" * 64, memory)
    path = next(Path(cache.folder).glob("d*"))
    assert cache.holds("d" * 64) is True
    path.write_bytes(b"")
    assert cache.holds("d" * 64) is False
