"""The servers of these tests keep what the registry asks of them."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.registry.servers import Objects, Postgres

CLIENTS = 16
ROUNDS = 3
READY_SECONDS = 60.0


def test_one_of_sixteen_creates_an_object(objects: Objects, bucket: str) -> None:
    """What one version of a package rests on: of clients that race to create an object, one does, and its bytes are what is kept."""
    for number in range(ROUNDS):
        path, start = f"/{bucket}/one-{number}", threading.Barrier(CLIENTS)

        def create(client: int, path: str = path, start: threading.Barrier = start) -> int:
            start.wait()
            return objects.ask("PUT", path, body=b"%d" % client * 1000, if_none_match="*")[0]

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(create, range(CLIENTS)))
        assert answers.count(200) == 1, answers
        assert set(answers) <= {200, 409, 412}
        assert objects.ask("GET", path) == (200, b"%d" % answers.index(200) * 1000)


def test_a_part_of_an_object(objects: Objects, bucket: str) -> None:
    data = hashlib.sha256(b"x").digest() * 100_000
    assert objects.ask("PUT", f"/{bucket}/long", body=data)[0] == 200
    assert objects.ask("GET", f"/{bucket}/long", range="bytes=1000000-1000099") == (206, data[1_000_000:1_000_100])
    assert objects.ask("GET", f"/{bucket}/long", range=f"bytes={len(data)}-")[0] == 416


def test_what_the_storage_acknowledged_outlives_a_power_cut(objects: Objects, bucket: str) -> None:
    assert objects.ask("PUT", f"/{bucket}/kept", body=b"kept", if_none_match="*")[0] == 200
    objects.stop(signal.SIGKILL)
    assert objects.ask("GET", f"/{bucket}/kept")[0] == 0
    objects.start()
    until = time.monotonic() + READY_SECONDS
    # It answers before it has found all that it holds.
    while (answer := objects.ask("GET", f"/{bucket}/kept"))[0] >= 500 and time.monotonic() < until:
        time.sleep(0.1)
    assert answer == (200, b"kept")


def test_a_database_of_its_own(postgres: Postgres, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE one (told TEXT)")
        connection.execute("INSERT INTO one VALUES ('kept')")
        assert [row[0] for name in ("fsync", "synchronous_commit", "full_page_writes") if (row := connection.execute(f"SHOW {name}".encode()).fetchone())] == [
            "on"
        ] * 3
    postgres.stop(signal.SIGQUIT)
    assert not postgres.answers()
    postgres.start()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT told FROM one").fetchone() == ("kept",)
    with postgres.database() as other, psycopg.connect(other) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'one'").fetchone() == (0,)
