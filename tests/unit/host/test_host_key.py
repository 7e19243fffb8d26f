"""The key of a host is made once, is its own, and is looked at each time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mpp.crypto import base64text
from mpp.crypto.ed25519 import key_id, verifies
from mpp.errors import HostFailed, Refused
from mpp.host.home import Home
from mpp.host.host_key import HOST_KEY_BYTES_MAX, host_key
from mpp.testing.packages import TestRandom

MAKE = "import sys; from mpp.host.home import Home; from mpp.host.host_key import host_key; print(host_key(Home(path=sys.argv[1])).key_id)"


@pytest.fixture
def place(tmp_path: Path) -> Home:
    return Home(path=str(tmp_path / "home"))


def test_a_key_is_made_once_and_signs(place: Home) -> None:
    first = host_key(place)
    assert host_key(place).key_id == first.key_id == key_id(first.public)
    assert verifies(first.public, b"words", first.signer.sign(b"words"))
    assert stat.S_IMODE(os.stat(place.host_key).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(place.host_key)).st_mode) == 0o700


def test_the_key_comes_from_the_random_bytes(tmp_path: Path) -> None:
    one, other = (host_key(Home(path=str(tmp_path / name)), TestRandom()) for name in "ab")
    assert one.key_id == other.key_id
    assert host_key(Home(path=str(tmp_path / "c"))).key_id != one.key_id


def test_processes_that_start_at_once_have_one_key(place: Home) -> None:
    started = [subprocess.Popen([sys.executable, "-c", MAKE, place.path], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = {process.communicate(timeout=60)[0].strip() for process in started}
    assert said == {host_key(place).key_id}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"mpp-host-1 AAAA\n",
        b"mpp-seal-1 " + base64text.encode(bytes(32)).encode() + b"\n",
        b"mpp-host-1 " + base64text.encode(bytes(32)).encode(),
        b"mpp-host-1 " + b"A" * 42 + b"B=\n",
        b"\xff" * 56,
        b"x" * (HOST_KEY_BYTES_MAX + 1),
    ],
)
def test_what_is_no_host_key_is_refused_and_stays(place: Home, data: bytes) -> None:
    host_key(place)
    Path(place.host_key).write_bytes(data)
    with pytest.raises(Refused) as refusal:
        host_key(place)
    assert refusal.value.code == "key.host"
    assert Path(place.host_key).read_bytes() == data


@pytest.mark.parametrize(("mode", "folder"), [(0o644, 0o700), (0o620, 0o700), (0o604, 0o700), (0o600, 0o770), (0o600, 0o707)])
def test_a_key_that_others_may_read_or_swap_is_refused(place: Home, mode: int, folder: int) -> None:
    host_key(place)
    os.chmod(place.host_key, mode)
    os.chmod(os.path.dirname(place.host_key), folder)
    with pytest.raises(Refused) as refusal:
        host_key(place)
    assert refusal.value.code == "key.mode"


def test_a_link_is_no_key(place: Home, tmp_path: Path) -> None:
    host_key(place)
    elsewhere = tmp_path / "planted"
    os.rename(place.host_key, elsewhere)
    os.symlink(elsewhere, place.host_key)
    with pytest.raises(Refused) as refusal:
        host_key(place)
    assert refusal.value.code == "key.mode"


def test_a_key_of_somebody_else_is_refused(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    host_key(place)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(Refused) as refusal:
        host_key(place)
    assert refusal.value.code == "key.mode"


def test_a_key_that_cannot_be_looked_at_is_a_failure(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    host_key(place)

    def no(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mpp.host.host_key.os.stat", no)
    with pytest.raises(HostFailed) as failure:
        host_key(place)
    assert failure.value.code == "host.file"


def test_nothing_stands_in_the_way_of_the_lock(place: Home) -> None:
    os.makedirs(place.host_key + ".lock", 0o700)
    with pytest.raises(HostFailed) as failure:
        host_key(place)
    assert failure.value.code == "host.file"
