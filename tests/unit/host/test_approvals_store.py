"""The file of approvals: who may have it, what damage looks like, several processes. What it keeps is tested in tests/unit/approval/test_store_contract.py."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.stores import approvals, approvals_file
from mpp.host.stores.approvals import ApprovalsStore
from mpp.stages.approval import make_question
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import asked, given, need

QUESTION = make_question(asked(), need(), given(), TestRandom())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "approvals" / "approvals.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[ApprovalsStore]:
    found = ApprovalsStore(str(path))
    yield found
    found.close()


def failing(work: Callable[[], object]) -> str:
    with pytest.raises(HostFailed) as failure:
        work()
    assert failure.value.code == "host.approvals"
    assert failure.value.hint
    return failure.value.message


def test_the_file_is_its_owners_alone(store: ApprovalsStore, path: Path) -> None:
    store.ask(QUESTION, NOW)
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o600}
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path.parent.parent)} == {0o700}


def test_another_connection_sees_what_was_written(store: ApprovalsStore, path: Path) -> None:
    store.ask(QUESTION, NOW)
    store.spend("approval", "a", NOW, NOW)
    other = ApprovalsStore(str(path))
    assert other.pending("local", NOW) == (QUESTION,)
    assert other.spend("approval", "a", NOW, NOW) is False
    other.close()
    store.close()
    assert store.pending("local", NOW) == (QUESTION,), "a closed store opens again"


def test_it_waits_for_the_disk_but_for_counts_of_calls(store: ApprovalsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[str] = []
    plain = approvals_file.set_synchronous
    for module in (approvals, approvals_file):
        monkeypatch.setattr(module, "set_synchronous", lambda connection, how: (set_to.append(how), plain(connection, how)))
    store.spend("approval", "a", NOW, NOW)
    assert set_to == ["FULL"]
    store.take("k", 5, NOW)
    assert set_to == ["FULL", "NORMAL", "FULL"]
    assert store._connection is not None
    assert store._connection.pragma("synchronous") == 2
    assert store._connection.pragma("journal_mode") == "wal"


def test_for_measurements_it_can_go_without(path: Path) -> None:
    fast = ApprovalsStore(str(path), synchronous="OFF")
    fast.take("k", 5, NOW)
    assert fast.spend("approval", "a", NOW, NOW)
    assert fast._connection is not None
    assert fast._connection.pragma("synchronous") == 0
    fast.close()
    with pytest.raises(ValueError, match="not in tuple"):
        ApprovalsStore(str(path), synchronous="OFF; DROP TABLE once").spend("approval", "b", NOW, NOW)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda data: data[: len(data) // 2],
    "no database": lambda data: b"x" * len(data),
    "zeros inside": lambda data: data[:4096] + bytes(len(data) - 4096),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_approvals_are_never_begun_anew(store: ApprovalsStore, path: Path, how: str) -> None:
    """Attack: what was spent would be good again."""
    store.spend("approval", "a", NOW, NOW)
    store.close()
    broken = DAMAGE[how](path.read_bytes())
    path.write_bytes(broken)
    failing(lambda: store.spend("approval", "a", NOW, NOW))
    store.close()
    assert path.read_bytes() == broken


@pytest.mark.parametrize("sql", ["DROP TABLE once", "DROP TABLE about", "DELETE FROM about", "UPDATE about SET format = 2"])
def test_a_file_of_another_form_is_refused(store: ApprovalsStore, path: Path, sql: str) -> None:
    store.spend("approval", "a", NOW, NOW)
    store.close()
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()
    failing(lambda: store.spend("approval", "a", NOW, NOW))


def test_a_document_that_was_changed_is_refused(store: ApprovalsStore, path: Path) -> None:
    store.ask(QUESTION, NOW)
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE question SET document = x'7b7d'")
    connection.close()
    with pytest.raises(Refused) as caught:
        store.pending("local", NOW)
    assert caught.value.code == "approval.missing"
    assert caught.value.where.startswith(str(path))


@pytest.mark.parametrize("found", ["text", None, 1.5])
def test_what_is_of_another_type_is_damage(found: object) -> None:
    for read in (approvals._blob, approvals._number):
        with pytest.raises(apsw.CorruptError):
            read(found)
    for row in (None, (found,)):
        with pytest.raises(apsw.CorruptError):
            approvals._one(row)
    for row in (None, (found, 1)):
        with pytest.raises(apsw.CorruptError):
            approvals._pair(row)


def test_a_log_without_its_file_is_no_new_beginning(store: ApprovalsStore, path: Path) -> None:
    store.spend("approval", "a", NOW, NOW)
    assert path.with_name(path.name + "-wal").exists()
    path.unlink()
    fresh = ApprovalsStore(str(path))
    assert "gone" in failing(lambda: fresh.spend("approval", "a", NOW, NOW))


def test_a_file_that_is_replaced_under_us_is_opened_anew(store: ApprovalsStore, path: Path) -> None:
    store.spend("approval", "a", NOW, NOW)
    for one in path.parent.glob("approvals.sqlite*"):
        one.unlink()
    assert store.spend("approval", "a", NOW, NOW) is True, "whoever removes the file removes what was spent: the owner"
    assert path.exists()


def test_whose_file_it_is(store: ApprovalsStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.spend("approval", "a", NOW, NOW)
    store.close()
    for place, mode in ((path, 0o644), (path, 0o620), (path.parent, 0o770)):
        before = stat.S_IMODE(place.stat().st_mode)
        place.chmod(mode)
        assert "others" in failing(lambda: store.spend("approval", "b", NOW, NOW))
        place.chmod(before)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "others" in failing(lambda: store.spend("approval", "b", NOW, NOW))


def test_a_link_is_not_followed(store: ApprovalsStore, path: Path, tmp_path: Path) -> None:
    store.spend("approval", "a", NOW, NOW)
    store.close()
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert "link" in failing(lambda: store.spend("approval", "b", NOW, NOW))
    path.unlink()
    path.mkdir()
    assert "no file" in failing(lambda: store.spend("approval", "b", NOW, NOW))


def test_a_second_name_is_a_link_too(store: ApprovalsStore, path: Path, tmp_path: Path) -> None:
    store.spend("approval", "a", NOW, NOW)
    store.close()
    os.link(path, tmp_path / "second")
    assert "link" in failing(lambda: store.spend("approval", "b", NOW, NOW))


def test_what_cannot_be_looked_at(store: ApprovalsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(approvals_file.os, "lstat", refuse)
    assert "cannot look" in failing(lambda: store.pending("local", NOW))


def test_what_cannot_be_made(store: ApprovalsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(approvals_file.os, "rename", refuse)
    assert "No space" in failing(lambda: store.pending("local", NOW))


def test_half_a_file_that_was_left_is_made_anew(store: ApprovalsStore, path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    for ending in (".new", ".new-wal"):
        path.with_name(path.name + ending).write_bytes(b"half")
    assert store.spend("approval", "a", NOW, NOW)
    assert sorted(one.name for one in path.parent.iterdir()) == [".lock", "approvals.sqlite", "approvals.sqlite-shm", "approvals.sqlite-wal"]


def test_two_that_make_it_at_once(path: Path) -> None:
    approvals_file.create_file(str(path))
    made = path.stat().st_ino
    approvals_file.create_file(str(path))
    assert path.stat().st_ino == made


def test_an_old_library_is_refused(store: ApprovalsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    assert "3.40.1" in failing(lambda: store.pending("local", NOW))


WORDS = [
    (apsw.CorruptError(), "damaged"),
    (apsw.SQLError(), "damaged"),
    (apsw.BusyError(), "another program"),
    (apsw.FullError(), "no room"),
    (apsw.IOError(), "IOError"),
]


@pytest.mark.parametrize(("fault", "words"), WORDS)
def test_faults_in_words(fault: apsw.Error, words: str) -> None:
    found = approvals_file.failed(fault, "/x")
    assert found.code == "host.approvals"
    assert words in found.message


def test_a_fault_of_the_database_closes_it_and_rolls_back(store: ApprovalsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ask(QUESTION, NOW)
    monkeypatch.setattr(approvals, "SPENT_KEPT_SECONDS", 2**63)
    with pytest.raises(OverflowError):
        store.spend("approval", "a", NOW, NOW)
    monkeypatch.undo()
    assert store.spend("approval", "a", NOW, NOW) is True
    assert store.pending("local", NOW) == (QUESTION,)


def test_what_was_told_is_known_to_other_processes(store: ApprovalsStore, path: Path) -> None:
    store.ask(QUESTION, NOW)
    other = ApprovalsStore(str(path))
    assert other.untold(QUESTION.id)
    other.told(QUESTION.id)
    other.close()
    assert not store.untold(QUESTION.id)
