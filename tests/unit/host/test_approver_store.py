"""Who may answer, as a document; and the key files of approvers."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import verifies
from mpp.crypto.keyfile import ARGON_BYTES_MIN, write_key
from mpp.errors import HostFailed, Refused
from mpp.host import approver_store
from mpp.host.approver_store import ApproverStore, make_approver_key, open_approver_key, read_approver_key, with_approver, without_approver
from mpp.stages.approval import NOBODY
from mpp.testing.keys import fixed_seed
from mpp.testing.packages import TestRandom
from mpp.testing.questions import approver, approvers

ADA, BOB = approver("ada"), approver("bob", "second")
WORD = b"correct horse"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "trust" / "approvers.json"


@pytest.fixture
def store(path: Path) -> ApproverStore:
    return ApproverStore(str(path))


def code_of(work: object) -> str:
    assert callable(work)
    with pytest.raises((Refused, HostFailed)) as caught:
        work()
    return str(caught.value.code)


def test_without_a_document_there_is_nobody(store: ApproverStore) -> None:
    assert store.load() == NOBODY


def test_approvers_come_and_go(store: ApproverStore, path: Path) -> None:
    assert store.change(lambda known: with_approver(known, ADA)) == approvers(ADA)
    store.change(lambda known: with_approver(known, BOB))
    assert store.load() == approvers(ADA, BOB)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.change(lambda known: without_approver(known, "ada"))
    assert store.load() == approvers(BOB)


def test_nobody_is_replaced_unseen(store: ApproverStore) -> None:
    store.change(lambda known: with_approver(known, ADA))
    assert code_of(lambda: store.change(lambda known: with_approver(known, approver("ada", key=BOB.key)))) == "approval.exists"
    assert code_of(lambda: store.change(lambda known: without_approver(known, "eve"))) == "approval.approver"
    assert store.load() == approvers(ADA)


def test_one_key_is_one_approver(store: ApproverStore) -> None:
    store.change(lambda known: with_approver(known, ADA))
    assert code_of(lambda: store.change(lambda known: with_approver(known, approver("twin", key=ADA.key)))) == "approval.duplicate"
    assert store.load() == approvers(ADA)


def test_what_changes_nothing_writes_nothing(store: ApproverStore, path: Path) -> None:
    store.change(lambda known: with_approver(known, ADA))
    before = path.stat().st_mtime_ns, path.stat().st_ino
    store.change(lambda known: known)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_too_many(store: ApproverStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approver_store, "APPROVERS_MAX", 1)
    store.change(lambda known: with_approver(known, ADA))
    assert code_of(lambda: store.change(lambda known: with_approver(known, BOB))) == "approval.size"


def test_half_a_document_is_refused(store: ApproverStore, path: Path) -> None:
    store.change(lambda known: with_approver(known, ADA))
    path.write_bytes(path.read_bytes()[:-5])
    assert code_of(store.load) == "approval.json"


def test_whose_document_it_is(store: ApproverStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.change(lambda known: with_approver(known, ADA))
    for place in (path, path.parent, path.parent.parent):
        before = stat.S_IMODE(place.stat().st_mode)
        place.chmod(before | 0o020)
        assert code_of(store.load) == "approval.mode"
        place.chmod(before)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    expected = "approval.mode" if os.getuid() else ""
    if expected:
        assert code_of(store.load) == expected


def test_somebody_elses_document(store: ApproverStore, path: Path) -> None:
    store.change(lambda known: with_approver(known, ADA))
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 12345, -1)
    assert code_of(store.load) == "approval.mode"


def test_what_cannot_be_looked_at(store: ApproverStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(approver_store.os, "stat", refuse)
    assert code_of(store.load) == "host.file"


# --- keys


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approver_store, "write_key", lambda seed, role, word, random: write_key(seed, role, word, random, ops=1, memory=ARGON_BYTES_MIN))


def test_a_sealed_key_shows_a_passphrase(tmp_path: Path) -> None:
    path = str(tmp_path / "keys" / "approver.key")
    public = make_approver_key(path, TestRandom(), WORD)
    signer, amr = open_approver_key(path, WORD)
    assert amr == "passphrase"
    assert verifies(public, b"x", signer.sign(b"x"))
    assert code_of(lambda: open_approver_key(path, b"wrong")) == "key.passphrase"
    assert code_of(lambda: open_approver_key(path, None)) == "key.passphrase"
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert code_of(lambda: make_approver_key(path, TestRandom(), WORD)) == "host.exists"


def test_an_open_key_shows_no_more_than_a_terminal(tmp_path: Path) -> None:
    path = str(tmp_path / "approver.key")
    make_approver_key(path, TestRandom(), None)
    assert open_approver_key(path, None)[1] == "tty"
    Path(path).chmod(0o644)
    assert code_of(lambda: read_approver_key(path)) == "key.mode"


@pytest.mark.parametrize("role", ["release", "root", "agent"])
def test_a_key_of_another_role_approves_nothing(tmp_path: Path, role: str) -> None:
    path = tmp_path / "other.key"
    path.write_bytes(write_key(fixed_seed("other"), role, WORD, TestRandom(), ops=1, memory=ARGON_BYTES_MIN))
    assert code_of(lambda: open_approver_key(str(path), WORD)) == "key.role"
