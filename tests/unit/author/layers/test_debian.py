"""Fetching sources: what apt is told, which mirrors are asked, and what is refused."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.author.layers import debian
from mpp.author.layers.debian import configured_mirrors, Debian, MIRROR, run_apt, Source
from mpp.errors import HostFailed

ONE, TWO = "http://one.example/debian", "https://two.example/debian"


class Apt:
    """Behaves as apt-get and apt-cache where they work; ``broken`` names what does not."""

    def __init__(self, broken: str = "") -> None:
        self.broken, self.calls = broken, []

    def __call__(self, command: list[str], folder: str, env: Mapping[str, str]) -> tuple[int, str]:
        self.calls.append((command, folder, dict(env)))
        list_of = next(word.partition("=")[2] for word in command if word.startswith("Dir::Etc::sourcelist="))
        if "update" in command:
            return (100, "E: no such release") if self.broken and self.broken in Path(list_of).read_text() else (0, "")
        if "showsrc" in command:
            return 0, "" if self.broken == "unknown" else "Package: thing\nVersion: 1:2.0-1\n"
        if self.broken == "source":
            return 100, "E: 404\x1b[31m"
        Path(folder, "thing_2.0.orig.tar.xz").write_bytes(b"sources")
        return 0, ""


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    found = tmp_path / "etc"
    (found / "sources.list.d").mkdir(parents=True)
    (found / "sources.list").write_text(f"# deb http://comment.example x\ndeb [signed-by=/k] {ONE} stable main\ndeb cdrom:[x]/ stable main\n")
    (found / "sources.list.d" / "a.sources").write_text(f"Types: deb\nURIs: {TWO}/ http://three.example/debian-security\nSuites: stable\n")
    return found


def make(tmp_path: Path, etc: Path, run: Apt, env: Mapping[str, str] | None = None) -> Debian:
    keyring = tmp_path / "keyring.gpg"
    keyring.write_bytes(b"keys")
    return Debian("trixie", str(tmp_path / "cache"), env=env or {}, run=run, etc=str(etc), keyrings=("/nowhere", str(keyring)))


def test_mirrors_are_those_of_the_machine(etc: Path):
    assert configured_mirrors(str(etc)) == (ONE, TWO)
    assert configured_mirrors(str(etc / "none")) == ()


def test_a_source_is_fetched_once_with_lists_and_keys_of_our_own(tmp_path: Path, etc: Path):
    apt, said = Apt(), []
    found = make(tmp_path, etc, apt, {"http_proxy": "http://proxy.example", "SECRET": "x"}).fetch("thing", archives_only=True, progress=said.append)
    assert (found.name, found.version) == ("thing", "1:2.0-1")
    assert list(found.files.values()) == [sha256(b"sources").hexdigest()]
    assert os.path.basename(found.archive(".orig.")) == "thing_2.0.orig.tar.xz"
    listed = (tmp_path / "cache" / "release.sources").read_text()
    assert f"URIs: {ONE}\nSuites: trixie\n" in listed
    assert f"Signed-By: {tmp_path / 'keyring.gpg'}" in listed
    for command, _, env in apt.calls:
        assert f"Dir::State::lists={tmp_path / 'cache' / 'lists'}" in command
        assert env["http_proxy"] == "http://proxy.example"
        assert "SECRET" not in env
    assert "--tar-only" in apt.calls[-1][0]
    before = len(apt.calls)
    again = make(tmp_path, etc, apt).fetch("thing", archives_only=True, progress=said.append)
    assert again == found
    assert not any("source" in command for command, _, _ in apt.calls[before:])


@pytest.mark.parametrize("harm", ["cut", "gone", "more", "list cut", "list gone"])
def test_a_source_that_changed_since_apt_checked_it_is_fetched_again(tmp_path: Path, etc: Path, harm: str):
    apt = Apt()
    found = make(tmp_path, etc, apt).fetch("thing", archives_only=True, progress=lambda _: None)
    (archive,) = map(Path, found.files)
    done = archive.parent / ".complete"
    {
        "cut": lambda: archive.write_bytes(b"sour"),
        "gone": archive.unlink,
        "more": lambda: (archive.parent / "thing_2.1.orig.tar.xz").write_bytes(b"other"),
        "list cut": lambda: done.write_bytes(b""),
        "list gone": done.unlink,
    }[harm]()
    before = len(apt.calls)
    assert make(tmp_path, etc, apt).fetch("thing", archives_only=True, progress=lambda _: None) == found
    assert any("source" in command for command, _, _ in apt.calls[before:])


def test_two_recipes_at_once_ask_apt_one_after_the_other(tmp_path: Path, etc: Path):
    inside, most, said = [], [], []

    class Slow(Apt):
        def __call__(self, command: list[str], folder: str, env: Mapping[str, str]) -> tuple[int, str]:
            inside.append(command)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()
            return super().__call__(command, folder, env)

    begun = threading.Barrier(2, timeout=60)

    def fetch() -> None:
        begun.wait()
        make(tmp_path, etc, Slow()).fetch("thing", archives_only=True, progress=said.append)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert set(most) == {1}
    assert "waiting for another build that fetches sources" in said


def test_the_next_mirror_is_asked_where_one_does_not_have_the_release(tmp_path: Path, etc: Path):
    apt = Apt(broken=ONE)
    make(tmp_path, etc, apt).fetch("thing", archives_only=False, progress=lambda _: None)
    assert f"URIs: {TWO}\n" in (tmp_path / "cache" / "release.sources").read_text()
    assert "--download-only" in apt.calls[-1][0]


def test_a_mirror_can_be_named(tmp_path: Path, etc: Path):
    make(tmp_path, etc, Apt(), {MIRROR: "http://mine.example/debian/"}).fetch("thing", archives_only=True, progress=lambda _: None)
    assert "URIs: http://mine.example/debian\n" in (tmp_path / "cache" / "release.sources").read_text()


@pytest.mark.parametrize(
    ("broken", "words"),
    [("example", "no mirror of this machine gives Debian trixie: E: no such release"), ("unknown", "no source package thing"), ("source", "E: 404")],
)
def test_what_cannot_be_fetched_is_said(tmp_path: Path, etc: Path, broken: str, words: str):
    with pytest.raises(HostFailed) as found:
        make(tmp_path, etc, Apt(broken)).fetch("thing", archives_only=True, progress=lambda _: None)
    assert found.value.code == "host.compiler_missing"
    assert words in found.value.message
    assert "\x1b" not in found.value.message


def test_without_apt_or_the_keys_of_debian_nothing_is_fetched(tmp_path: Path, etc: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(HostFailed, match="keys of Debian"):
        Debian("trixie", str(tmp_path), env={}, run=Apt(), etc=str(etc), keyrings=("/nowhere",)).fetch("thing", archives_only=True, progress=lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(HostFailed, match="apt-get is not"):
        make(tmp_path, etc, Apt()).fetch("thing", archives_only=True, progress=lambda _: None)


def test_an_archive_is_found_or_missed_by_a_part_of_its_name():
    with pytest.raises(HostFailed, match="has 0 files"):
        Source(name="thing", version="1", files={}).archive("orig")


def test_apt_is_ended_when_it_hangs_and_need_not_be_there(monkeypatch: pytest.MonkeyPatch):
    assert run_apt(["/bin/sh", "-c", "echo hi; exit 3"], "/", {}) == (3, "hi\n")
    assert run_apt(["/nowhere/apt-get"], "/", {}) == (1, "No such file or directory")
    monkeypatch.setattr(debian, "FETCH_SECONDS_MAX", 0.01)
    assert run_apt(["/bin/sleep", "5"], "/", {})[0] == 1
