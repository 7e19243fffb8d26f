"""The record: what an entry costs, beside SQLite on the same disk and two other logs, and what verifying takes.

    python benchmarks/audit.py [--quick] [--json]

The other logs are measured where they can be imported: pip install --target FOLDER tracekit-ai witness-log, and PYTHONPATH=FOLDER.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

import apsw
import orjson
import rivals
from spread import HEAD, Figure, Spread, in_turns

from mpp.host.audit.disk import Disk
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import DEEP, Wanted, verify_log
from mpp.host.home import Home
from mpp.ledger.tree import is_included, leaf_hash
from mpp.model.events import Event
from mpp.stages.audit.proof import verify_proof

ROUNDS, ROUNDS_QUICK = 7, 3
BATCH = 256
WRITERS = 8
EACH = 120
"""Entries of one writer in one measurement with eight of them."""

LARGE, LARGE_QUICK = 200_000, 40_000
"""Entries of the log that is verified."""

NOW = 1_790_000_000
FOLDER = Path(__file__).resolve().parent.parent / "build"


def intent(number: int) -> Event:
    """As `mpp run` records it, with an agent and a rule."""
    return Event(
        kind="intent", at=NOW, tenant="local", invocation=f"{number:032x}", commit={"in": "ab" * 32},
        body={
            "package": "com.example.crm-lookup", "publisher": "1f" * 32, "content": "2e" * 32, "tool": "lookup", "because": "policy", "rule": "crm/reviewed",
            "agent": {"name": "assistant", "level": "launched", "key": "", "issuer": "", "behind": []}, "jti": "", "token": "3d" * 32,
        },
    )  # fmt: skip


def result(number: int) -> Event:
    return Event(
        kind="result", at=NOW, tenant="local", invocation=f"{number:032x}", commit={"out_raw": "cd" * 32, "out_shown": "ef" * 32},
        body={
            "outcome": "ok", "hosts": ["api.example.com"], "kv": {}, "secrets": ["CRM_TOKEN"], "secrets_echoed": [], "files_read": 0, "files_written": 0,
            "host_calls": 1, "more": 0,
        },
    )  # fmt: skip


class Counting(Disk):
    """The real disk, with a counter."""

    def __init__(self) -> None:
        self.syncs = 0

    def sync(self, fd: int) -> None:
        self.syncs += 1
        super().sync(fd)


class Unsynced(Disk):
    """The real disk, for which nobody waits."""

    def begin_sync(self, fd: int, end: int) -> None:
        pass

    def sync(self, fd: int) -> None:
        pass


def new_log(folder: str, name: str, disk: Disk | None = None) -> AuditLog:
    path = os.path.join(folder, name)
    shutil.rmtree(path, ignore_errors=True)
    return AuditLog(Home(path=path), disk=disk)


def database(path: str) -> apsw.Connection:
    """As careful as the log: write-ahead, synced with each commit."""
    found = apsw.Connection(path)
    found.set_busy_timeout(60_000)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        found.execute(f"PRAGMA {pragma}")
    found.execute("CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, leaf BLOB, line BLOB)")
    return found


def put_rows(connection: apsw.Connection, count: int) -> None:
    """Bytes and a hash, in one transaction; SQLite neither chains nor signs."""
    connection.execute("BEGIN IMMEDIATE")
    for number in range(count):
        line = json.dumps(intent(number).body, sort_keys=True, separators=(",", ":")).encode() + b"x" * 300
        connection.execute("INSERT INTO entry (leaf, line) VALUES (?, ?)", (sha256(line).digest(), line))
    connection.execute("COMMIT")


def one_writer(folder: str, rounds: int) -> Iterator[Figure]:
    log, beside = new_log(folder, "one"), database(os.path.join(folder, "one.sqlite"))
    batch = [intent(number) for number in range(BATCH)]
    found = in_turns(
        {
            "ours": lambda: log.record(intent(1), durable=True), "sqlite": lambda: put_rows(beside, 1),
            "batch": lambda: log.record_all(batch, durable=True), "sqlite batch": lambda: put_rows(beside, BATCH),
        },
        rounds, 60, 10,
    )  # fmt: skip
    yield Figure("durable entry, one writer", found["ours"], "SQLite WAL, synchronous=FULL", found["sqlite"], 1.0)
    each, base = found["batch"].by(BATCH), found["sqlite batch"].by(BATCH)
    yield Figure("entry of a durable batch of 256", each, "one durable entry", found["ours"], 1 / 20)
    yield Figure("entry of a durable batch of 256", each, "SQLite, a transaction of 256", base)
    log.close()
    beside.close()


def _ours(folder: str, barrier: Barrier) -> None:
    log = AuditLog(Home(path=os.path.join(folder, "many")))
    log.record(intent(0), durable=True)
    barrier.wait()
    for number in range(EACH):
        log.record(intent(number), durable=True)
    barrier.wait()


def _sqlite(folder: str, barrier: Barrier) -> None:
    connection = database(os.path.join(folder, "many.sqlite"))
    put_rows(connection, 1)
    barrier.wait()
    for _ in range(EACH):
        put_rows(connection, 1)
    barrier.wait()


def together(work: Callable[[str, Barrier], None], folder: str) -> float:
    """Seconds for each entry, over all writers."""
    barrier = multiprocessing.Barrier(WRITERS + 1)
    writers = [multiprocessing.Process(target=work, args=(folder, barrier)) for _ in range(WRITERS)]
    for one in writers:
        one.start()
    barrier.wait()
    begun = time.perf_counter()
    barrier.wait()
    spent = time.perf_counter() - begun
    for one in writers:
        one.join()
    return spent / (WRITERS * EACH)


def many_writers(folder: str, rounds: int) -> Iterator[Figure]:
    ours, base = list[float](), list[float]()
    new_log(folder, "many").record(intent(0), durable=True)
    database(os.path.join(folder, "many.sqlite")).close()
    for number in range(rounds):
        for work, row in ((_ours, ours), (_sqlite, base))[:: 1 if number % 2 else -1]:
            row.append(together(work, folder))
    spreads = [Spread.of([[one] for one in row]) for row in (ours, base)]
    yield Figure(f"durable entry, {WRITERS} processes", spreads[0], "SQLite, as many processes", spreads[1], 0.5)


class Syncs(NamedTuple):
    """How often the disk is asked to sync for one acknowledged entry."""

    what: str
    syncs: float
    most: float

    def line(self) -> str:
        return f"{self.what}: {self.syncs:.3f} (promised: at most {self.most:g})"


def syncs(folder: str) -> list[Syncs]:
    disk = Counting()
    log = new_log(folder, "counted", disk)
    log.record(intent(0), durable=True)
    disk.syncs = 0
    for number in range(200):
        log.record(intent(number), durable=True)
    alone = disk.syncs / 200
    log.close()
    counts = multiprocessing.Array("i", WRITERS)
    barrier = multiprocessing.Barrier(WRITERS)

    def write(place: int) -> None:
        mine = Counting()
        one = AuditLog(Home(path=os.path.join(folder, "counted")), disk=mine)
        one.record(intent(0), durable=True)
        barrier.wait()
        mine.syncs = 0
        for number in range(EACH):
            one.record(intent(number), durable=True)
        counts[place] = mine.syncs

    writers = [multiprocessing.Process(target=write, args=(place,)) for place in range(WRITERS)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    together_ = sum(counts) / (WRITERS * EACH)
    return [Syncs("syncs for each durable entry, one writer", alone, 1.0), Syncs(f"syncs for each durable entry, {WRITERS} processes", together_, 0.5)]


TURNS = 40
"""Short turns of one measurement of processor time. Reason: on a busy machine few of them have the caches for themselves."""


def cpu(work: Callable[[], object], entries: int, rounds: int) -> Spread:
    """Processor time of this process for each entry."""
    rows: list[list[float]] = []
    for _ in range(rounds):
        row = []
        for _ in range(TURNS):
            begun = time.process_time()
            work()
            row.append((time.process_time() - begun) / entries)
        rows.append(row)
    return Spread.of(rows)


def processor(folder: str, rounds: int) -> Iterator[Figure]:
    log = new_log(folder, "cpu")
    log.record(intent(0), durable=True)
    both = [event for number in range(BATCH // 2) for event in (intent(number), result(number))]
    grouped = cpu(lambda: log.record_all(both), BATCH, rounds)
    # What other machines can be compared by.
    bodies, mebibyte = [event.body for event in both], bytes(1 << 20)
    written = cpu(lambda: [orjson.loads(orjson.dumps(body)) for body in bodies], BATCH, rounds)
    yield Figure("CPU of an entry, in groups of 256", grouped, "its body written and read by orjson", written, seconds_most=10e-6, at_least=True)
    yield Figure("CPU of intent and result, in groups", grouped.by(0.5), "both bodies by orjson", written.by(0.5), seconds_most=30e-6, at_least=True)
    yield Figure("  for comparison: SHA-256 of 1 MiB", cpu(lambda: sha256(mebibyte).digest(), 1, rounds), at_least=True)

    def singly() -> None:
        for number in range(100):
            log.record(intent(number))
            log.record(result(number))

    yield Figure("CPU of an entry, one by one, not durable", cpu(singly, 200, rounds))
    log.close()
    waiting = new_log(folder, "unsynced", Unsynced())
    waiting.record(intent(0), durable=True)
    durably = cpu(lambda: [waiting.record(intent(number), durable=True) for number in range(100)], 100, rounds)
    yield Figure("CPU of a durable entry, but for what the sync takes", durably, at_least=True)
    waiting.close()


def verifying(folder: str, rounds: int, entries: int) -> Iterator[Figure]:
    log = new_log(folder, "large")
    batch = [event for number in range(BATCH // 2) for event in (intent(number), result(number))]
    for _ in range(entries // BATCH):
        log.record_all(batch)
    log.seal()
    log.close()
    places = log.places
    parts = sorted(Path(places.segments).glob("*.jsonl"))

    def whole(depth: str) -> None:
        found = verify_log(places, Wanted(depth=depth))
        if not found.holds:
            raise SystemExit(f"the log does not hold: {found.faults}")

    def hashed() -> None:
        for part in parts:
            sha256(part.read_bytes()).hexdigest()

    # Of all threads of this process: two that work at once are no less work.
    works = {"fast": lambda: whole("fast"), "hash": hashed, "deep": lambda: whole(DEEP)}
    found = in_turns(works, max(rounds, ROUNDS), 2, 1, time.process_time)
    yield Figure(f"CPU of fast verification of {entries} entries", found["fast"], "SHA-256 of the same files", found["hash"], 1.25)
    deep, beside = found["deep"].by(entries), found["hash"].by(entries)
    yield Figure("CPU of deep verification, for each entry", deep, "SHA-256 of the same files", beside, seconds_most=1 / 300_000, at_least=True)
    yield from proofs(LogReader(places), rounds)


def proofs(reader: LogReader, rounds: int) -> Iterator[Figure]:
    proof = reader.prove(4711)
    line, size = proof.lines[-1], reader.checkpoint()[1].size
    root = reader.checkpoint()[1].root
    leaf = leaf_hash(line.line)
    many = 50

    def paths() -> None:
        for _ in range(many):
            if not is_included(leaf, line.seq, size, line.path, root):
                raise SystemExit("the proof does not hold")

    works = {"path": paths, "whole": lambda: verify_proof(proof, where="proof"), "make": lambda: reader.prove(4711)}
    found = in_turns(works, rounds, 20, clock=time.process_time)
    yield Figure("inclusion proof verified", found["path"].by(many), seconds_most=20e-6, at_least=True, note=f"{len(line.path)} hashes")
    yield Figure("proof file verified: three entries, two signatures", found["whole"])
    yield Figure("proof made from the log", found["make"])


def figures(folder: str, rounds: int, entries: int) -> Iterator[Figure]:
    """All that need no other log."""
    yield from one_writer(folder, rounds)
    yield from many_writers(folder, rounds)
    yield from processor(folder, rounds)
    yield from verifying(folder, rounds, entries)


def main() -> int:
    is_quick, as_json = "--quick" in sys.argv, "--json" in sys.argv
    rounds = ROUNDS_QUICK if is_quick else ROUNDS
    FOLDER.mkdir(exist_ok=True)
    found: dict[str, list[dict[str, object]]] = {"figures": [], "syncs": [], "rivals": []}
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        if not as_json:
            print(f"load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores in the minute before; folder on {folder}\n{HEAD}")
        for figure in figures(folder, rounds, LARGE_QUICK if is_quick else LARGE):
            found["figures"].append(figure.plain())
            tell(figure.line(), as_json=as_json)
        for one in syncs(folder):
            found["syncs"].append(one._asdict())
            tell(one.line(), as_json=as_json)
        for rival in rivals.table(folder, [intent(1), result(1)], rounds):
            if rival.p50_us is not None:
                found["rivals"].append(rival._asdict())
            tell(rival.line(), as_json=as_json)
    if as_json:
        print(json.dumps(found))
    return 0


def tell(text: str, *, as_json: bool) -> None:
    if not as_json:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
