"""What is SQLite's own: files, their modes, other processes, and the end of one at any moment."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from mpp.errors import HostFailed
from mpp_registry.store import sqlite
from mpp_registry.store.sqlite import SqliteDatabase

PUT = "INSERT INTO settings (name, text) VALUES (?, ?)"

WRITER = """
import sys
from mpp_registry.store.sqlite import SqliteDatabase
database = SqliteDatabase(sys.argv[1], 1)
for _ in range(int(sys.argv[2])):
    with database.write() as rows:
        found = rows.one("SELECT text FROM settings WHERE name = 'n'")
        rows.run("INSERT INTO settings VALUES ('n', ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", str(int(found[0]) + 1 if found else 1))
database.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "data" / "registry.db")


def start(text: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", text, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def test_nobody_else_can_read_it(path: str) -> None:
    database = SqliteDatabase(path, 1)
    with database.write() as rows:
        rows.run(PUT, "a", "b")
    for name in os.listdir(os.path.dirname(path)):
        assert stat.S_IMODE(os.stat(os.path.join(os.path.dirname(path), name)).st_mode) == 0o600, name
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
    database.close()


def test_three_processes_are_one_writer(path: str) -> None:
    """They make the file together, too."""
    children = [start(WRITER, path, "20") for _ in range(3)]
    assert [child.wait(300) for child in children] == [0] * 3
    database = SqliteDatabase(path, 1)
    with database.read() as rows:
        assert rows.one("SELECT text FROM settings") == ("60",)
    database.close()
    for child in children:
        child.stdout.close()


def test_a_log_without_its_file_is_not_taken_in(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    Path(path + "-wal").write_bytes(b"old")
    with pytest.raises(HostFailed, match="its log is there"):
        SqliteDatabase(path, 1)


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    os.makedirs(os.path.dirname(path))
    (tmp_path / "elsewhere").write_bytes(b"")
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(HostFailed):
        SqliteDatabase(path, 1)


def test_what_is_no_database_is_told(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    Path(path).write_bytes(b"no database at all " * 100)
    with pytest.raises(HostFailed) as caught:
        SqliteDatabase(path, 1)
    assert caught.value.code == "registry.database"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(HostFailed):
        SqliteDatabase(str(tmp_path / "data" / "registry.db"), 1)


def test_a_writer_that_waits_for_too_long_is_told(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS_MAX", 20)
    first, second = SqliteDatabase(path, 1), SqliteDatabase(path, 1)
    with first.write():
        for late in (first, second):
            with pytest.raises(HostFailed) as caught, late.write():
                pass
            assert caught.value.code == "registry.busy"
    first.close()
    second.close()


def test_connections_of_readers_are_kept_and_not_too_many(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "READERS_KEPT_MAX", 1)
    database = SqliteDatabase(path, 1)
    with database.read() as one, database.read() as two:
        assert one.all("SELECT 1") == two.all("SELECT 1")
    assert len(database._idle) == 1
    with database.read():
        assert database._idle == []
    with database.read() as left:
        database.close()
        assert left.one("SELECT 1") == (1,)
    assert database._idle == []


def test_what_was_acknowledged_survives_a_kill(path: str) -> None:
    """The writer tells each commit; after it was killed, all that were told are there, and nothing of the one that was open."""
    text = """
import sys, os
from mpp_registry.store.sqlite import SqliteDatabase
database = SqliteDatabase(sys.argv[1], 1)
for number in range(1000000):
    with database.write() as rows:
        rows.run("INSERT INTO settings VALUES (?, 'x')", f"a{number}")
        rows.run("INSERT INTO settings VALUES (?, 'x')", f"b{number}")
    os.write(1, b"%d\\n" % number)
"""
    child = start(text, path)
    assert child.stdout is not None
    told = [int(child.stdout.readline()) for _ in range(30)][-1]
    child.kill()
    rest = child.stdout.read()
    child.wait()
    child.stdout.close()
    told = int(rest.split(b"\n")[:-1][-1]) if rest.count(b"\n") else told
    database = SqliteDatabase(path, 1)
    with database.read() as rows:
        found = {str(name) for (name,) in rows.all("SELECT name FROM settings")}
    database.close()
    first, second = ({name[1:] for name in found if name[0] == letter} for letter in "ab")
    assert first == second
    assert {str(number) for number in range(told + 1)} <= first


def test_a_copy_is_whole_while_others_write(path: str, tmp_path: Path) -> None:
    database = SqliteDatabase(path, 1)
    with database.write() as rows:
        rows.run(PUT, "a", "1")
    with database.write() as rows:
        rows.run(PUT, "b", "2")
        database.copy_to(str(tmp_path / "copy.db"))
    copy = apsw.Connection(str(tmp_path / "copy.db"))
    assert copy.execute("SELECT name FROM settings").fetchall() == [("a",)]
    copy.close()
    with pytest.raises(HostFailed):
        database.copy_to(str(tmp_path / "copy.db"))
    database.close()
