from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import apsw
import pytest

from mpp.errors import HostFailed
from mpp.host.home import Home
from mpp.host.stores import kv, kv_file
from mpp.host.stores.kv import Expect, KvStore, Stored
from mpp.host.stores.kv_file import Space

ADA = Space(tenant="t", publisher_id="ab" * 32, package_id="com.example.a")
TOOL = "count"
MUCH = 10_000


@pytest.fixture
def store(tmp_path: Path) -> KvStore:
    return KvStore(str(tmp_path / "home" / "kv"))


def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "kv"


def file(tmp_path: Path, space: Space = ADA) -> Path:
    return folder(tmp_path) / space.file_name


def counted(path: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    """What the row says, and what a recount finds."""
    connection = apsw.Connection(str(path))
    said = connection.execute("SELECT used, entries FROM about").fetchone()
    found = connection.execute("SELECT coalesce(sum(length(key) + length(value)), 0), count(*) FROM entry").fetchone()
    connection.close()
    assert isinstance(said, tuple)
    assert isinstance(found, tuple)
    return said, found


def test_what_is_set_is_there(store: KvStore) -> None:
    assert store.get(ADA, TOOL, b"a") is None
    assert store.set(ADA, TOOL, b"a", b"\0\xff", quota=MUCH) is Stored.DONE
    assert store.get(ADA, TOOL, b"a") == b"\0\xff"
    assert store.set(ADA, TOOL, b"a", b"", quota=MUCH) is Stored.DONE
    assert store.get(ADA, TOOL, b"a") == b""
    assert store.delete(ADA, TOOL, b"a") is True
    assert store.delete(ADA, TOOL, b"a") is False
    assert store.get(ADA, TOOL, b"a") is None


def test_it_outlives_the_store(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    store.close()
    assert [path.name for path in folder(tmp_path).iterdir() if not path.name.startswith(".")] == [ADA.file_name]
    assert KvStore(str(folder(tmp_path))).get(ADA, TOOL, b"a") == b"1"
    assert store.get(ADA, TOOL, b"a") == b"1"


def test_reading_makes_no_file(store: KvStore, tmp_path: Path) -> None:
    assert store.get(ADA, TOOL, b"a") is None
    assert store.delete(ADA, TOOL, b"a") is False
    assert store.keys(ADA, TOOL) == ((), False)
    assert not folder(tmp_path).exists()


def test_only_the_owner_can_read_it(store: KvStore, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder(tmp_path).stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder(tmp_path).iterdir()}
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}


def test_writes_are_durable(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    connection = kv_file.connect(str(file(tmp_path)), ADA)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    connection.close()


@pytest.mark.parametrize("other", [ADA._replace(tenant="u"), ADA._replace(publisher_id="cd" * 32), ADA._replace(package_id="com.example.b")])
def test_each_space_has_its_own(store: KvStore, other: Space) -> None:
    store.set(ADA, TOOL, b"a", b"mine", quota=MUCH)
    assert store.get(other, TOOL, b"a") is None
    store.set(other, TOOL, b"a", b"theirs", quota=MUCH)
    assert (store.get(ADA, TOOL, b"a"), store.get(other, TOOL, b"a")) == (b"mine", b"theirs")
    assert store.delete(other, TOOL, b"a")
    assert store.get(ADA, TOOL, b"a") == b"mine"


def test_each_tool_has_its_own_keys_and_they_share_the_quota(store: KvStore) -> None:
    assert store.set(ADA, "one", b"a", b"123", quota=6) is Stored.DONE
    assert store.get(ADA, "two", b"a") is None
    assert store.keys(ADA, "two") == ((), False)
    assert store.set(ADA, "two", b"a", b"12", quota=6) is Stored.OVER_QUOTA
    assert store.set(ADA, "two", b"a", b"1", quota=6) is Stored.DONE


EXPECTED = [
    (None, Expect(present=None), Stored.DONE),
    (None, Expect(present=b""), Stored.DIFFERS),
    (None, Expect(present=b"1"), Stored.DIFFERS),
    (b"1", Expect(present=b"1"), Stored.DONE),
    (b"1", Expect(present=b"2"), Stored.DIFFERS),
    (b"1", Expect(present=None), Stored.DIFFERS),
    (b"1", None, Stored.DONE),
    (b"", Expect(present=b""), Stored.DONE),
    (b"", Expect(present=None), Stored.DIFFERS),
]


@pytest.mark.parametrize(("before", "expect", "done"), EXPECTED)
def test_a_write_can_depend_on_what_is_there(store: KvStore, before: bytes | None, expect: Expect | None, done: Stored) -> None:
    if before is not None:
        store.set(ADA, TOOL, b"a", before, quota=MUCH)
    assert store.set(ADA, TOOL, b"a", b"new", quota=MUCH, expect=expect) is done
    assert store.get(ADA, TOOL, b"a") == (b"new" if done is Stored.DONE else before)


def test_the_quota_is_exact(store: KvStore, tmp_path: Path) -> None:
    assert store.set(ADA, TOOL, b"ab", b"12345678", quota=10) is Stored.DONE
    assert store.set(ADA, TOOL, b"c", b"", quota=10) is Stored.OVER_QUOTA
    assert store.get(ADA, TOOL, b"c") is None
    assert store.set(ADA, TOOL, b"ab", b"123456789", quota=10) is Stored.OVER_QUOTA
    assert store.get(ADA, TOOL, b"ab") == b"12345678"
    assert store.set(ADA, TOOL, b"ab", b"1234567", quota=10) is Stored.DONE
    assert store.set(ADA, TOOL, b"c", b"", quota=10) is Stored.DONE
    assert counted(file(tmp_path)) == ((10, 2), (10, 2))
    store.delete(ADA, TOOL, b"ab")
    assert counted(file(tmp_path)) == ((1, 1), (1, 1))


def test_above_a_smaller_quota_one_can_only_shrink(store: KvStore) -> None:
    store.set(ADA, TOOL, b"a", b"x" * 100, quota=200)
    assert store.set(ADA, TOOL, b"a", b"x" * 100, quota=10) is Stored.DONE
    assert store.set(ADA, TOOL, b"a", b"x" * 50, quota=10) is Stored.DONE
    assert store.set(ADA, TOOL, b"a", b"x" * 51, quota=10) is Stored.OVER_QUOTA
    assert store.set(ADA, TOOL, b"b", b"", quota=10) is Stored.OVER_QUOTA


def test_the_number_of_keys_is_bounded(store: KvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kv, "KV_ENTRIES_MAX", 2)
    assert [store.set(ADA, TOOL, key, b"", quota=MUCH) for key in (b"a", b"b", b"c", b"a")] == [Stored.DONE, Stored.DONE, Stored.OVER_QUOTA, Stored.DONE]


def test_keys_come_in_the_order_of_their_bytes(store: KvStore) -> None:
    keys = [text.encode() for text in ("b", "a", "a/2", "a/10", "B", "é", "日本", "\U0010ffff", "a/", "aa")]
    for key in keys:
        store.set(ADA, TOOL, key, b"v", quota=MUCH)
    assert store.keys(ADA, TOOL) == (tuple(sorted(keys)), False)
    assert store.keys(ADA, TOOL, prefix=b"a/") == ((b"a/", b"a/10", b"a/2"), False)
    assert store.keys(ADA, TOOL, prefix=b"a/", after=b"a/") == ((b"a/10", b"a/2"), False)
    assert store.keys(ADA, TOOL, prefix=b"a/", after=b"B")[0][0] == b"a/"
    assert store.keys(ADA, TOOL, prefix=b"a", after=b"b") == ((), False)
    assert store.keys(ADA, TOOL, prefix="\U0010ffff".encode()) == (("\U0010ffff".encode(),), False)
    assert store.keys(ADA, TOOL, prefix=b"zz") == ((), False)


def test_keys_come_in_pages(store: KvStore) -> None:
    keys = [b"k%02d" % i for i in range(7)]
    for key in keys:
        store.set(ADA, TOOL, key, b"", quota=MUCH)
    found: list[bytes] = []
    more = True
    while more:
        page, more = store.keys(ADA, TOOL, after=found[-1] if found else b"", limit=3)
        assert 1 <= len(page) <= 3
        found += page
    assert found == keys
    assert store.keys(ADA, TOOL, limit=7) == (tuple(keys), False)


def test_few_files_stay_open(tmp_path: Path) -> None:
    store = KvStore(str(folder(tmp_path)), open_most=2)
    spaces = [ADA._replace(package_id=f"com.example.p{i}") for i in range(5)]
    for space in spaces:
        store.set(space, TOOL, b"a", space.package_id.encode(), quota=MUCH)
    logs = [path.name for path in folder(tmp_path).glob("*-wal")]
    assert sorted(logs) == sorted(space.file_name + "-wal" for space in spaces[-2:])
    assert [store.get(space, TOOL, b"a") for space in spaces] == [space.package_id.encode() for space in spaces]


# --- what is wrong with the file


def failing(store: KvStore, **more: Space) -> str:
    space = more.get("space", ADA)
    words = []
    for act in (lambda: store.get(space, TOOL, b"a"), lambda: store.set(space, TOOL, b"a", b"2", quota=MUCH), lambda: store.keys(space, TOOL)):
        with pytest.raises(HostFailed) as failure:
            act()
        assert failure.value.code == "host.kv"
        assert failure.value.hint
        words.append(failure.value.message)
    assert len(set(words)) == 1
    return words[0]


def written(store: KvStore) -> None:
    store.set(ADA, TOOL, b"a", b"1" * 500, quota=MUCH)
    store.close()


DAMAGE = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "no database": lambda data: b"x" * len(data),
    "header only": lambda data: data[:100],
    "zeros inside": lambda data: data[:4096] + bytes(len(data) - 4096),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_state_is_never_begun_anew(store: KvStore, tmp_path: Path, how: str) -> None:
    written(store)
    path = file(tmp_path)
    broken = DAMAGE[how](path.read_bytes())
    path.write_bytes(broken)
    assert "damaged" in failing(store) or "not that of" in failing(store)
    store.close()
    assert path.read_bytes() == broken


@pytest.mark.parametrize(
    "sql", ["DROP TABLE entry", "DROP TABLE about", "DELETE FROM about", "UPDATE about SET format = 2", "UPDATE about SET package = 'com.example.b'"]
)
def test_a_file_of_another_form_or_package_is_refused(store: KvStore, tmp_path: Path, sql: str) -> None:
    written(store)
    apsw.Connection(str(file(tmp_path))).execute(sql)
    failing(store)


def test_a_lost_count_is_damage(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    apsw.Connection(str(file(tmp_path))).execute("DELETE FROM about")
    with pytest.raises(HostFailed, match="damaged"):
        store.set(ADA, TOOL, b"a", b"2", quota=MUCH)


def test_a_count_below_nothing_is_damage(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    apsw.Connection(str(file(tmp_path))).execute("UPDATE about SET used = 0")
    with pytest.raises(HostFailed, match="damaged"):
        store.delete(ADA, TOOL, b"a")
    assert store.get(ADA, TOOL, b"a") == b"1"


def test_a_value_of_another_type_is_damage(store: KvStore) -> None:
    with pytest.raises(apsw.CorruptError):
        kv._blob("text")
    assert kv._blob(b"x") == b"x"


def test_a_file_at_another_packages_place_is_refused(store: KvStore, tmp_path: Path) -> None:
    written(store)
    other = ADA._replace(package_id="com.example.b")
    shutil.copy(file(tmp_path), file(tmp_path, other))
    assert "not that of this package" in failing(store, space=other)


def test_a_log_without_its_file_is_damage(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    file(tmp_path).unlink()
    assert "log" in failing(store)
    assert not file(tmp_path).exists()


def test_a_file_that_is_replaced_under_us_is_opened_anew(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"old", quota=MUCH)
    store.close()
    shutil.copy2(file(tmp_path), tmp_path / "copy")
    store.set(ADA, TOOL, b"a", b"new", quota=MUCH)
    os.replace(tmp_path / "copy", file(tmp_path))
    for ending in ("-wal", "-shm"):
        os.unlink(str(file(tmp_path)) + ending)
    assert store.get(ADA, TOOL, b"a") == b"old"
    other = KvStore(str(folder(tmp_path)))
    assert store.set(ADA, TOOL, b"a", b"newer", quota=MUCH) is Stored.DONE
    assert other.get(ADA, TOOL, b"a") == b"newer"


def test_the_old_connection_leaves_the_new_files_log_alone(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"old", quota=MUCH)
    for path in folder(tmp_path).glob("*.sqlite*"):
        path.unlink()
    other = KvStore(str(folder(tmp_path)))
    other.set(ADA, TOOL, b"a", b"new", quota=MUCH)
    assert store.get(ADA, TOOL, b"a") == b"new"
    assert Path(str(file(tmp_path)) + "-wal").exists()
    other.set(ADA, TOOL, b"b", b"more", quota=MUCH)
    assert store.get(ADA, TOOL, b"b") == b"more"


def test_a_file_that_goes_away_is_absent(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    for path in folder(tmp_path).glob("*.sqlite*"):
        path.unlink()
    assert store.get(ADA, TOOL, b"a") is None
    assert store.set(ADA, TOOL, b"a", b"2", quota=MUCH) is Stored.DONE
    assert store.get(ADA, TOOL, b"a") == b"2"


@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "fifo"])
def test_what_is_no_file_of_ours_is_refused(store: KvStore, tmp_path: Path, kind: str) -> None:
    written(store)
    path, aside = file(tmp_path), tmp_path / "aside"
    path.rename(aside)
    if kind == "link":
        path.symlink_to(aside)
    elif kind == "hard link":
        path.hardlink_to(aside)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    assert "link or no file" in failing(store)


def test_a_dangling_link_is_not_written_through(store: KvStore, tmp_path: Path) -> None:
    folder(tmp_path).mkdir(parents=True, mode=0o700)
    file(tmp_path).symlink_to(tmp_path / "elsewhere")
    failing(store)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_use_is_refused(store: KvStore, tmp_path: Path, mode: int) -> None:
    written(store)
    file(tmp_path).chmod(mode)
    assert "others" in failing(store)


@pytest.mark.parametrize("mode", [0o770, 0o702])
def test_a_folder_that_others_can_write_is_refused(store: KvStore, tmp_path: Path, mode: int) -> None:
    written(store)
    folder(tmp_path).chmod(mode)
    assert "others" in failing(store)


def test_another_users_file_is_refused(store: KvStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(store)
    us = os.geteuid()
    monkeypatch.setattr(kv_file.os, "geteuid", lambda: us + 1)
    assert "others" in failing(store)


def test_a_home_that_is_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "real")
    store = KvStore(str(folder(tmp_path)))
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    assert store.get(ADA, TOOL, b"a") == b"1"


def test_a_folder_that_is_a_file_is_the_hosts_failure(store: KvStore, tmp_path: Path) -> None:
    folder(tmp_path).parent.mkdir()
    folder(tmp_path).write_text("")
    with pytest.raises(HostFailed):
        store.get(ADA, TOOL, b"a")


def test_a_folder_that_cannot_be_written_is_the_hosts_failure(store: KvStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kv_file, "sync_folder", full)
    with pytest.raises(HostFailed, match="No space") as failure:
        store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    assert failure.value.code == "host.kv"


def test_what_a_killed_process_left_is_cleared(store: KvStore, tmp_path: Path) -> None:
    folder(tmp_path).mkdir(parents=True, mode=0o700)
    for ending in (".new", ".new-wal", ".new-shm"):
        Path(str(file(tmp_path)) + ending).write_bytes(b"left")
    assert store.set(ADA, TOOL, b"a", b"1", quota=MUCH) is Stored.DONE
    assert store.get(ADA, TOOL, b"a") == b"1"
    assert not [*folder(tmp_path).glob("*.new*")]


def test_a_file_made_meanwhile_is_taken(store: KvStore, tmp_path: Path) -> None:
    store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
    kv_file.create_file(str(file(tmp_path)), ADA)
    assert store.get(ADA, TOOL, b"a") == b"1"


def test_a_file_that_another_program_holds_is_busy_then_free(store: KvStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(store)
    monkeypatch.setattr(kv_file, "KV_BUSY_MS_MAX", 30)
    holder = apsw.Connection(str(file(tmp_path)))
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(HostFailed, match="another program"):
        store.set(ADA, TOOL, b"a", b"2", quota=MUCH)
    assert store.get(ADA, TOOL, b"a") == b"1" * 500
    holder.execute("ROLLBACK")
    assert store.set(ADA, TOOL, b"a", b"2", quota=MUCH) is Stored.DONE


FAILURES = [
    (apsw.FullError(), "no room"),
    (apsw.IOError(), "IOError"),
    (apsw.CantOpenError(), "CantOpenError"),
    (apsw.LockedError(), "another program"),
    (apsw.NotADBError(), "damaged"),
    (apsw.FormatError(), "damaged"),
]


@pytest.mark.parametrize(("fault", "words"), FAILURES)
def test_each_failure_has_its_words(fault: apsw.Error, words: str) -> None:
    assert words in kv_file.failed(fault, "p").message


@pytest.mark.parametrize(("version", "sound"), [("3.51.2", False), ("3.9.0", False), ("3.51.3", True), ("3.51.3.1", True), ("3.100.0", True), ("4.0.0", True)])
def test_a_sqlite_that_loses_pages_is_not_used(store: KvStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, sound: bool) -> None:
    monkeypatch.setattr(kv_file.apsw, "sqlite_lib_version", lambda: version)
    if sound:
        assert store.set(ADA, TOOL, b"a", b"1", quota=MUCH) is Stored.DONE
    else:
        with pytest.raises(HostFailed, match="can lose"):
            store.set(ADA, TOOL, b"a", b"1", quota=MUCH)
        assert not file(tmp_path).exists()


def test_the_place_in_the_home() -> None:
    assert Home(path="/h").kv == "/h/kv"


def test_a_full_disk_changes_nothing(store: KvStore, tmp_path: Path) -> None:
    """A bound on the pages of this connection stands for the disk."""
    store.set(ADA, TOOL, b"a", b"1", quota=10**9)
    connection = store._open[ADA].ready(create=False)
    assert connection is not None
    connection.pragma("max_page_count", 8)
    with pytest.raises(HostFailed, match="no room"):
        store.set(ADA, TOOL, b"a", b"x" * 100_000, quota=10**9)
    assert store.get(ADA, TOOL, b"a") == b"1"
    store.close()
    assert counted(file(tmp_path)) == ((2, 1), (2, 1))
