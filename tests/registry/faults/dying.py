"""A publish that is killed at each of its steps. Run as a process of its own, because what it does to the modules is for no other test.

    python -m tests.registry.faults.dying CASE.json

For each step there is a new process, which is ended by SIGKILL there: before or after a statement, in the middle of a commit, before or after a file is synced, linked or put into the object storage.
The product knows nothing of it. Afterwards another process opens the same stores and says what is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# All is imported before the first fork: a hundred processes would otherwise each take their second for it.
import obstore
import psycopg

from mpp.host.system import SystemClock, SystemRandom
from mpp.testing.keys import publisher
from mpp_registry.opening import open_services, Options
from mpp_registry.publishers.registering import register
from mpp_registry.publishing import publish as really
from mpp_registry.publishing.judging import judge
from mpp_registry.services import Services
from mpp_registry.store import folder, sqlite
from mpp_registry.store.postgres import PostgresRows
from tests.registry.faults.judging import judged
from tests.registry.faults.world import actor_of, package, PACKAGE

STEPS_MAX = 400


class Steps:
    """Counts from the moment it is armed; at the chosen step this process is gone."""

    def __init__(self, at: int, told: int, name: str = "", nth: int = 0) -> None:
        """``name`` and ``nth``: at the nth step whose name begins so, whatever its number is."""
        self.at, self.told, self.count, self.is_armed = at, told, 0, False
        self.name, self.left = name, nth

    def step(self, name: str) -> None:
        if not self.is_armed:
            return
        self.count += 1
        self.left -= bool(self.name) and name.startswith(self.name)
        if self.count == self.at or (self.name and self.left == 0):
            os.write(self.told, json.dumps({"died": name}).encode() + b"\n")
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def done(*words: Any, **named: Any) -> Any:
            what = f"{name} {str(words[1])[:60]!r}" if len(words) > 1 and isinstance(words[1], (str, bytes)) else name
            self.step("before " + what)
            found = work(*words, **named)
            self.step("after " + what)
            return found

        return done

    def spread(self) -> None:
        """Into all that a store does to the world. Whatever the publish does besides, it does in memory."""
        for name in ("fsync", "link", "unlink", "mkdir"):
            setattr(os, name, self.around(name, getattr(os, name)))
        folder.sync_folder = self.around("sync of a folder", folder.sync_folder)  # type: ignore[attr-defined]
        for name in ("run", "many"):
            setattr(sqlite.SqliteRows, name, self.around("SQLite", getattr(sqlite.SqliteRows, name)))
            setattr(PostgresRows, name, self.around("PostgreSQL", getattr(PostgresRows, name)))
        for name in ("put", "head", "delete"):
            setattr(obstore, name, self.around("storage " + name, getattr(obstore, name)))
        self._commit_of_sqlite()
        self._commit_of_postgres()

    def _commit_of_sqlite(self) -> None:
        """SQLite calls the hook when all is written to memory and nothing to the log; the transaction's end comes after its sync."""
        kept = sqlite.SqliteDatabase._transaction

        def transaction(database: Any) -> Any:
            database._writer.set_commit_hook(lambda: self.step("in the commit of SQLite") or False)
            yield from kept(database)
            self.step("after the commit of SQLite")

        sqlite.SqliteDatabase._transaction = transaction

    def _commit_of_postgres(self) -> None:
        """The order to commit is on its way, and nobody is there to hear the answer."""
        kept = psycopg.Connection.execute

        def execute(connection: Any, query: Any, *words: Any, **named: Any) -> Any:
            if query == b"COMMIT" and self.is_armed:
                self.step("before the commit of PostgreSQL")
                if self.count + 1 == self.at or (self.name == "in the commit of PostgreSQL" and self.left == 1):
                    connection.pgconn.send_query(b"COMMIT")
                    connection.pgconn.flush()
                self.step("in the commit of PostgreSQL")
                found = kept(connection, query, *words, **named)
                self.step("after the commit of PostgreSQL")
                return found
            return kept(connection, query, *words, **named)

        psycopg.Connection.execute = execute


def services(case: dict[str, Any]) -> Services:
    options = Options(data=case["data"], database_url=case["database_url"], blobs=case["blobs"], require_namespace=False)
    return open_services(options, clock=SystemClock(), random=SystemRandom(), environment=os.environ)


def in_child(work: Callable[[int], None]) -> tuple[int, list[dict[str, Any]]]:
    """How a new process ended, and what it told."""
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(heard)
            work(told)
            sys.stdout.flush()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, the parent is told, and this copy of it ends
            traceback.print_exc()
            os._exit(3)
    os.close(told)
    with os.fdopen(heard, "rb") as stream:
        rows = [json.loads(line) for line in stream]
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), rows


def publish(case: dict[str, Any], data: bytes, steps: Steps, told: int) -> None:
    steps.spread()
    on = services(case)
    actor = actor_of(case["publisher"])
    steps.is_armed = True
    done = really(on, data, actor)
    os.write(told, json.dumps({"accepted": done.version, "is_new": done.is_new, "steps": steps.count}).encode() + b"\n")
    steps.is_armed = False
    on.close()


def afterwards(case: dict[str, Any], data: bytes, package_id: str, version: str, told: int) -> None:
    """What is there, said by the stores and proven by the log; then the publisher tries again."""
    on = services(case)
    before = judged(on, package_id, version)
    done = really(on, data, actor_of(case["publisher"]))
    os.write(told, json.dumps({"seen": before, "is_new": done.is_new, "after": judged(on, package_id, version)}).encode() + b"\n")
    on.close()


def prepare(case: dict[str, Any], told: int) -> None:
    on = services(case)
    register(on, publisher(case["publisher"]).chain.data, actor_of(case["publisher"]))
    really(on, package(publisher(case["publisher"]), "0.0.1"), actor_of(case["publisher"]))
    os.write(told, b"{}\n")
    on.close()


COMMITS = 2
"""Of one publish: the note that a file may come, and the version."""


def tried(case: dict[str, Any], step: int, name: str = "") -> dict[str, Any]:
    """Killed at the step, looked at, published again, looked at."""
    version = f"0.1.{step}"
    package_id = PACKAGE if not case["is_new"] else f"com.example.p{hashlib.sha256(version.encode()).hexdigest()[:16]}"
    data = package(publisher(case["publisher"]), version, package_id=package_id)
    code, rows = in_child(lambda told: publish(case, data, Steps(0 if name else step, told, name, COMMITS), told))
    again, seen = in_child(lambda told: afterwards(case, data, package_id, version, told))
    return {"step": step, "code": code, "told": rows, "again": again, **(seen[0] if seen else {})}


def warm(case: dict[str, Any]) -> None:
    """What a publish loads and compiles at its first use, once for all processes."""
    who = publisher(case["publisher"])
    judge(package(who, "0.0.1"), who.chain, SystemClock().now())


def main(path: str) -> int:
    case = json.loads(Path(path).read_text())
    warm(case)
    in_child(lambda told: prepare(case, told))
    found: list[dict[str, Any]] = []
    for step in range(case["begin"], STEPS_MAX, case["stride"]):
        found.append(tried(case, step))
        if found[-1]["code"] != -signal.SIGKILL:
            break
    kind = "PostgreSQL" if case["database_url"] else "SQLite"
    # How many steps there are depends a little on what is there already, so that the last ones are named.
    last = [tried(case, STEPS_MAX + place, f"{when} the commit of {kind}") for place, when in enumerate(("in", "after"))]
    sys.stdout.write(json.dumps([*last, *found]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
