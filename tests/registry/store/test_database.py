"""The contract of a database, which SQLite and PostgreSQL keep alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mpp.errors import HostFailed
from mpp_registry.store.ports import Database, Rows

from .conftest import Opener

PUT = "INSERT INTO settings (name, text) VALUES (?, ?)"
COUNT = "SELECT COUNT(*) FROM settings"


def count(database: Database) -> int:
    with database.read() as rows:
        return rows.one(COUNT)[0]  # type: ignore[index,return-value]


def test_what_was_written_is_read_with_its_types(database: Database) -> None:
    data = bytes(range(256))
    with database.write() as rows:
        assert rows.kind == database.kind
        assert rows.run("INSERT INTO publishers VALUES (?, ?, ?, ?, ?, ?)", "p", "Pöbl “x” %s ? $1", data, 2**62, "active", 0) == 1
        assert rows.run("UPDATE publishers SET status = ? WHERE publisher_id = ?", "gone", "other") == 0
    with database.read() as rows:
        assert rows.one("SELECT * FROM publishers WHERE publisher_id = ?", "p") == ("p", "Pöbl “x” %s ? $1", data, 2**62, "active", 0)
        assert rows.one("SELECT * FROM publishers WHERE publisher_id = ?", "q") is None
        assert rows.all("SELECT publisher_id FROM publishers") == [("p",)]


def test_an_exception_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.write() as rows:
        rows.run(PUT, "a", "1")
        rows.many(PUT, [("b", "2"), ("c", "3")])
        assert rows.one(COUNT) == (3,)
        raise KeyError
    assert count(database) == 0
    with database.write() as rows:
        rows.run(PUT, "a", "1")
    assert count(database) == 1


def test_a_statement_that_fails_is_ours_to_tell_and_leaves_nothing(database: Database) -> None:
    for wrong in ("SELECT nothing FROM nowhere", "INSERT INTO settings (name) VALUES (NULL)"):
        with pytest.raises(HostFailed) as caught, database.write() as rows:
            rows.run(PUT, "a", "1")
            rows.run(wrong)
        assert caught.value.code == "registry.database"
        assert count(database) == 0


def test_the_same_key_twice_is_refused(database: Database) -> None:
    with database.write() as rows:
        rows.run(PUT, "a", "1")
    with pytest.raises(HostFailed), database.write() as rows:
        rows.run(PUT, "a", "2")
    with database.write() as rows:
        assert rows.run(PUT + " ON CONFLICT (name) DO NOTHING", "a", "2") == 0
        assert rows.run(PUT + " ON CONFLICT (name) DO UPDATE SET text = excluded.text", "a", "3") == 1
        assert rows.one("SELECT text FROM settings") == ("3",)


def test_readers_write_nothing(database: Database) -> None:
    with pytest.raises(HostFailed), database.read() as rows:
        rows.run(PUT, "a", "1")
    assert count(database) == 0


def test_a_snapshot_stays_while_others_write(opener: Opener) -> None:
    database, other = opener(), opener()
    with database.read() as rows:
        assert rows.one(COUNT) == (0,)
        with other.write() as more:
            more.run(PUT, "a", "1")
        assert count(other) == 1
        assert rows.one(COUNT) == (0,)
        assert rows.all("SELECT name FROM settings") == []
    assert count(database) == 1


def test_a_writer_sees_what_the_writer_before_it_has_committed(opener: Opener) -> None:
    """Sixteen writers in four databases of one registry: each adds one to a number that it has read."""
    databases = [opener() for _ in range(4)]
    with databases[0].write() as rows:
        rows.run(PUT, "number", "0")

    def add(turn: int) -> None:
        for _ in range(5):
            with databases[turn % 4].write() as rows:
                found = rows.one("SELECT text FROM settings WHERE name = 'number'")
                rows.run("UPDATE settings SET text = ? WHERE name = 'number'", str(int(str(found[0])) + 1))  # type: ignore[index]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(16)))
    with databases[0].read() as rows:
        assert rows.one("SELECT text FROM settings") == ("80",)


def test_one_writer_waits_for_the_other(opener: Opener) -> None:
    first, second = opener(), opener()
    order: list[str] = []
    begins = threading.Event()

    def late() -> None:
        begins.set()
        with second.write():
            order.append("second")

    with first.write() as rows:
        thread = threading.Thread(target=late)
        thread.start()
        begins.wait()
        rows.run(PUT, "a", "1")
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_readers_do_not_wait_for_a_writer(opener: Opener) -> None:
    first, second = opener(), opener()
    with first.write() as rows:
        rows.run(PUT, "a", "1")
        assert count(second) == 0
        assert count(first) == 0


def test_texts_sort_by_their_bytes(database: Database) -> None:
    names = ["b", "B", "a-b", "a.b", "ab", "é", "~", "0"]
    with database.write() as rows:
        rows.many(PUT, [(name, "") for name in names])
    with database.read() as rows:
        assert [name for (name,) in rows.all("SELECT name FROM settings ORDER BY name")] == sorted(names, key=str.encode)
        assert rows.one("SELECT COUNT(*) FROM settings WHERE name > ? AND name < ?", "a", "b") == (3,)


def test_a_statement_after_the_end_is_refused(database: Database) -> None:
    kept: list[Rows] = []
    with database.read() as rows:
        kept.append(rows)
    with database.write() as rows:
        kept.append(rows)
    for late in kept:
        with pytest.raises(HostFailed, match="after the end"):
            late.one(COUNT)
        with pytest.raises(HostFailed, match="after the end"):
            late.many(PUT, [("a", "b")])


def test_no_transaction_after_close(opener: Opener) -> None:
    database = opener()
    assert count(database) == 0
    database.close()
    with pytest.raises(HostFailed), database.read():
        pass
    with pytest.raises(HostFailed), database.write():
        pass


def test_many_readers_at_once(database: Database) -> None:
    with database.write() as rows:
        rows.many(PUT, [(str(number), "x") for number in range(100)])
    together = threading.Barrier(18)

    def read(_: int) -> int:
        with database.read() as rows:
            together.wait(120)
            return rows.one(COUNT)[0]  # type: ignore[index,return-value]

    with ThreadPoolExecutor(18) as pool:
        assert set(pool.map(read, range(18))) == {100}
