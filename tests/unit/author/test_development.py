"""A development build: sealed with a key that counts here, and nowhere else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mpp.author import development as subject
from mpp.author.development import NAME, TENANT, seal_for_development
from mpp.author.keys import CHAIN_FILE, RELEASE_FILE
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.system import SystemRandom
from mpp.stages.gatekeeper import NO_TRUST, verify
from mpp.testing.packages import NOW, TestClock, signed, unsigned

PLAIN = unsigned()


def seal(folder: Path, data: bytes = PLAIN):
    return seal_for_development(data, str(folder), TestClock(), SystemRandom())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "development"


def test_a_build_passes_all_checks_under_its_own_trust(folder: Path) -> None:
    data, trust = seal(folder)
    found = verify(data, trust, NOW)
    assert len(found.checks) == 7
    assert found.chain.newest.name == NAME
    assert TENANT != "local"


def test_it_counts_nowhere_else(folder: Path, tmp_path: Path) -> None:
    data, _ = seal(folder)
    _, other = seal(tmp_path / "other")
    for trust in (NO_TRUST, other):
        with pytest.raises(Refused) as fault:
            verify(data, trust, NOW)
        assert fault.value.code.startswith("publisher.")


def test_its_trust_knows_this_key_and_no_other(folder: Path) -> None:
    _, trust = seal(folder)
    assert (len(trust.publishers), trust.first_use, trust.pins) == (1, False, {})
    with pytest.raises(Refused):
        verify(signed(), trust, NOW)


def test_the_key_is_made_once_and_kept_to_its_owner(folder: Path) -> None:
    first, _ = seal(folder)
    second, _ = seal(folder)
    assert first == second
    assert os.stat(folder / RELEASE_FILE).st_mode & 0o077 == 0
    assert os.stat(folder).st_mode & 0o077 == 0


def test_two_first_runs_at_once_use_one_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal(folder)
    monkeypatch.setattr(subject.os.path, "exists", lambda _: False)
    data, trust = seal(folder)
    monkeypatch.undo()
    assert verify(data, trust, NOW)


def test_another_refusal_of_the_key_is_not_hidden(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Refused("key.form", "no", where="x", hint="y")

    monkeypatch.setattr(subject, "make_publisher", refuse)
    with pytest.raises(Refused, match="no"):
        seal(folder)


@pytest.mark.parametrize("name", [CHAIN_FILE, RELEASE_FILE])
def test_a_spoilt_key_is_refused(folder: Path, name: str) -> None:
    seal(folder)
    (folder / name).write_bytes(b"spoilt")
    with pytest.raises(MppError):
        seal(folder)


def test_a_lost_chain_is_said(folder: Path) -> None:
    seal(folder)
    os.unlink(folder / CHAIN_FILE)
    with pytest.raises(HostFailed):
        seal(folder)
    shutil.rmtree(folder)
    assert seal(folder)


@pytest.mark.parametrize("data", [b"", b"PK", signed()])
def test_only_a_sound_unsigned_build_is_sealed(folder: Path, data: bytes) -> None:
    with pytest.raises(Refused):
        seal(folder, data)
