"""What is PostgreSQL's own: its restart, statements that hang, replicas as processes, and what its messages may not tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mpp.errors import HostFailed, Refused
from mpp_registry.store import postgres as ours
from mpp_registry.store.postgres import PostgresDatabase, numbered, shown_url
from tests.registry.servers import PASSWORD, Postgres

PUT = "INSERT INTO settings (name, text) VALUES (?, ?)"

WRITER = """
import sys
from mpp_registry.store.postgres import PostgresDatabase
database = PostgresDatabase(sys.argv[1], 1, connections=2)
for _ in range(int(sys.argv[2])):
    with database.write() as rows:
        found = rows.one("SELECT text FROM settings WHERE name = 'n'")
        rows.run("INSERT INTO settings VALUES ('n', ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", str(int(found[0]) + 1 if found else 1))
database.close()
"""


def test_three_replicas_are_one_writer(postgres_url: str) -> None:
    """They make the tables together, too."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [subprocess.Popen([sys.executable, "-c", WRITER, postgres_url, "10"], stdin=subprocess.DEVNULL, env=env) for _ in range(3)]
    assert [child.wait(300) for child in children] == [0] * 3
    database = PostgresDatabase(postgres_url, 1)
    with database.read() as rows:
        assert rows.one("SELECT text FROM settings") == ("30",)
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "deep",
        "../../etc/passwd",
        "dbname=x",
        "mysql://h/db",
        "postgresql://u:p@h:abc/db",
        "postgresql://h:99999999/db",
        "postgresql://h:0/db",
        "postgresql://h/db?no=1",
        "postgresql://[::1/db",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # One that were tried would be tried for ten minutes.
    monkeypatch.setattr(ours, "CONNECT_SECONDS_MAX", 600)
    begun = time.monotonic()
    with pytest.raises(Refused, match="no address of a PostgreSQL database"):
        PostgresDatabase(url, 1)
    assert time.monotonic() - begun < ours.CONNECT_SECONDS_MAX / 2
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_after_a_restart_of_the_server_it_goes_on(postgres: Postgres, postgres_url: str, how: int, monkeypatch: pytest.MonkeyPatch) -> None:
    database = PostgresDatabase(postgres_url, 1, connections=3)
    with database.write() as rows, database.read() as one, database.read() as two:
        rows.run(PUT, "a", "1")
        one.all("SELECT 1")
        two.all("SELECT 1")
    postgres.stop(how)
    monkeypatch.setattr(database._pool, "timeout", 0.5)
    with pytest.raises(HostFailed) as caught, database.read() as rows:
        rows.all("SELECT 1")
    assert caught.value.code == "registry.database"
    postgres.start()
    monkeypatch.setattr(database._pool, "timeout", 120)
    with database.read() as rows:
        assert rows.one("SELECT name FROM settings") == ("a",)
    with database.write() as rows:
        rows.run(PUT, "b", "2")
    database.close()


def test_a_server_that_goes_away_in_a_transaction_leaves_nothing(postgres: Postgres, postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url, 1)
    try:
        with pytest.raises(HostFailed), database.write() as rows:
            rows.run(PUT, "a", "1")
            postgres.stop(signal.SIGQUIT)
            rows.run(PUT, "b", "1")
    finally:
        postgres.start()
    with database.read() as rows:
        assert rows.one("SELECT COUNT(*) FROM settings") == (0,)
    database.close()


def test_a_statement_that_hangs_is_ended(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tables are made before: that takes its time.
    PostgresDatabase(postgres_url, 1).close()
    monkeypatch.setitem(ours._SETTINGS, "statement_timeout", "3000")
    database = PostgresDatabase(postgres_url, 1)
    with pytest.raises(HostFailed, match="seconds"), database.read() as rows:
        rows.all("SELECT pg_sleep(600)")
    with database.read() as rows:
        assert rows.one("SELECT 1") == (1,)
    database.close()


def test_a_writer_that_waits_for_too_long_is_told(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = PostgresDatabase(postgres_url, 1)
    monkeypatch.setitem(ours._SETTINGS, "lock_timeout", "50")
    second = PostgresDatabase(postgres_url, 1)
    with first.write(), pytest.raises(HostFailed) as caught, second.write():
        pass
    assert caught.value.code == "registry.busy"
    first.close()
    second.close()


def test_an_error_that_somebody_caught_is_no_success(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url, 1)
    with pytest.raises(HostFailed, match="nothing of it is kept"), database.write() as rows:
        rows.run(PUT, "a", "1")
        with pytest.raises(Exception, match="does not exist"):
            rows.run("SELECT * FROM not_there")
    with database.read() as rows:
        assert rows.one("SELECT COUNT(*) FROM settings") == (0,)
    database.close()


def test_it_is_durable_whatever_the_server_says(postgres_url: str) -> None:
    database = PostgresDatabase(postgres_url, 1)
    with database.write() as rows:
        assert rows.one("SHOW synchronous_commit") == ("on",)
        assert rows.one("SHOW transaction_isolation") == ("read committed",)
    with database.read() as rows:
        assert rows.one("SHOW transaction_isolation") == ("repeatable read",)
        assert rows.one("SHOW transaction_read_only") == ("on",)
    database.close()


def test_no_message_holds_the_password(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "CONNECT_SECONDS_MAX", 1)
    for url in (postgres.url("not_there"), postgres.url().replace(PASSWORD, "wrong" + PASSWORD), postgres.url().replace(str(postgres.port), "1")):
        with pytest.raises(HostFailed) as caught:
            PostgresDatabase(url, 1)
        assert PASSWORD not in repr(caught.value.faults)
        assert caught.value.code == "registry.database"
    assert shown_url(postgres.url()) == f"postgresql://127.0.0.1:{postgres.port}/postgres"


def test_question_marks_get_numbers() -> None:
    assert numbered("SELECT 1") == b"SELECT 1"
    assert numbered("A ? B (?, ?)") == b"A $1 B ($2, $3)"
