"""T64, many writers: processes that are killed at random, forks in the middle of everything, threads, and two logs in one process.

Spec: audit L-30, L-34.
"""

from __future__ import annotations

import os
import random
import select
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.host.audit.disk import Disk
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import THOROUGH, verify_log, Wanted
from mpp.host.home import Home
from mpp.model.events import EntryRef
from tests.attack.dying import ACK, event

SECONDS = float(os.environ.get("MPP_LOG_KILL_SECONDS", "4"))
PROCESSES = 16
SEED = int(os.environ.get("MPP_LOG_KILL_SEED", "1"))
SLEEPER = 0xABCDEF


class Crowd:
    """Children that write, and the pipe through which each says what it was told."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.out, self.into = os.pipe()
        self.stop_out, self.stop_in = os.pipe()
        self.pids: list[int] = []
        self.told: list[tuple[int, str]] = []
        self._data = b""

    def begin(self, work: Callable[[Home, Callable[[EntryRef], None], Callable[[], bool], int], None], number: int) -> int:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.close(self.out)
                os.close(self.stop_in)

                def tell(ref: EntryRef) -> None:
                    os.write(self.into, ACK.pack(ref.seq, 1, bytes.fromhex(ref.leaf)))

                def is_over() -> bool:
                    return bool(select.select([self.stop_out], [], [], 0)[0])

                work(self.home, tell, is_over, number)
                code = 0
            except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        self.pids.append(pid)
        return pid

    def hear(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 or seconds == 0:
            if not select.select([self.out], [], [], max(left, 0))[0]:
                return
            self._take(os.read(self.out, ACK.size * 1000))
            if seconds == 0 and not select.select([self.out], [], [], 0)[0]:
                return

    def _take(self, data: bytes) -> None:
        self._data += data
        whole = len(self._data) // ACK.size * ACK.size
        self.told += [(seq, leaf.hex()) for seq, _, leaf in ACK.iter_unpack(self._data[:whole])]
        self._data = self._data[whole:]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.pids.remove(pid)

    def finish(self) -> None:
        """Who lives ends in good order."""
        os.close(self.stop_in)
        os.close(self.into)
        while data := os.read(self.out, 1 << 16):
            self._take(data)
        for pid in self.pids:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        self.pids.clear()
        os.close(self.out)
        os.close(self.stop_out)


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    found = Crowd(Home(path=str(tmp_path / "home")))
    yield found
    for pid in found.pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def calls(home: Home, tell: Callable[[EntryRef], None], is_over: Callable[[], bool], number: int) -> None:
    """Call after call, as a host does it."""
    with AuditLog(home) as log:
        count = 0
        while not is_over():
            call = number << 32 | count
            tell(log.record(event("intent", call), durable=True))
            log.record_all([event("agent", call), event("decision", call)])
            tell(log.record(event("result", call)))
            count += 1


def sleeps(home: Home, tell: Callable[[EntryRef], None], is_over: Callable[[], bool], number: int) -> None:
    """One call that runs all the time."""
    with AuditLog(home) as log:
        tell(log.record(event("intent", SLEEPER), durable=True))
        while not is_over():
            time.sleep(0.01)
        tell(log.record(event("result", SLEEPER)))


def settled(home: Home, told: list[tuple[int, str]]) -> Counter[str]:
    """Afterwards: one log, whole, with all that was told, and each call ended once."""
    found = verify_log(home.log, Wanted(depth=THOROUGH))
    assert (found.faults, found.level) == ((), "signed")
    assert [note for note in found.notes if "has not ended" in note or "no intent" in note] == []
    entries = list(LogReader(home.log).entries())
    assert [one.seq for one in entries] == list(range(found.covered.chained))
    leaves = [one.leaf for one in entries]
    assert [seq for seq, leaf in told if leaves[seq] != leaf] == []
    ends = Counter(one.event.invocation for one in entries if one.event.kind in {"result", "interrupted"})
    assert ends == Counter(one.event.invocation for one in entries if one.event.kind == "intent")
    assert not any(one.event.kind == "interrupted" and one.event.invocation == f"{SLEEPER:032x}" for one in entries)
    return Counter(one.event.kind for one in entries)


def test_sixteen_writers_killed_at_random_lose_nothing_that_was_told(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.audit.core.SEGMENT_ENTRIES_MAX", 300)
    chance, number, kills = random.Random(SEED), 0, 0
    sleeper = crowd.begin(sleeps, 0)
    for _ in range(PROCESSES):
        number += 1
        crowd.begin(calls, number)
    until = time.monotonic() + SECONDS
    # A slow machine must at least let some be told something before they die.
    while time.monotonic() < until or len(crowd.told) < 50:
        crowd.hear(chance.random() * 0.1)
        crowd.kill(chance.choice([pid for pid in crowd.pids if pid != sleeper]))
        kills += 1
        number += 1
        crowd.begin(calls, number)
    crowd.finish()
    with AuditLog(crowd.home) as log:
        log.record(event("intent", 1), durable=True)
        log.record(event("result", 1))
    kinds = settled(crowd.home, crowd.told)
    assert len(crowd.told) > 50
    assert 0 < kinds["interrupted"] <= kills
    assert list(Path(crowd.home.log.writers).iterdir()) == []


def some_calls(log: AuditLog, base: int, count: int) -> None:
    for number in range(count):
        log.record(event("intent", base + number), durable=True)
        log.record(event("result", base + number))


def wait_for(pid: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def in_child(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def test_forks_in_the_middle_of_threads_that_write(tmp_path: Path) -> None:
    """Attack: a child that shares locks with its parent, or waits for a lock that a thread held which it does not have."""
    home = Home(path=str(tmp_path / "home"))
    over = threading.Event()
    with AuditLog(home) as log:

        def write(base: int) -> None:
            count = 0
            while not over.is_set():
                some_calls(log, base + count, 1)
                count += 1

        threads = [threading.Thread(target=write, args=(1_000_000 * (one + 1),)) for one in range(3)]
        for one in threads:
            one.start()

        def child(base: int) -> None:
            some_calls(log, base, 5)
            log.close()

        for turn in range(12):
            pids = [in_child(lambda base=100_000_000 * (turn * 2 + one + 1): child(base)) for one in range(2)]  # type: ignore[misc]
            for pid in pids:
                wait_for(pid)
        over.set()
        for one in threads:
            one.join()
    kinds = settled(home, [])
    assert kinds["intent"] >= 120
    assert kinds["interrupted"] == 0


def test_a_child_does_not_keep_the_lock_of_its_dead_parent(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    ready_out, ready_in = os.pipe()
    stop_out, stop_in = os.pipe()

    def parent() -> None:
        log = AuditLog(home)
        log.record(event("intent", 7), durable=True)
        grandchild = os.fork()
        if grandchild == 0:
            os.close(stop_in)
            os.write(ready_in, b"x")
            os.read(stop_out, 1)
            os._exit(0)
        os.waitpid(grandchild, 0)

    pid = in_child(parent)
    assert os.read(ready_out, 1) == b"x"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with AuditLog(home) as log:
        some_calls(log, 8, 1)
    os.close(stop_in)
    assert settled(home, [])["interrupted"] == 1
    for fd in (ready_out, ready_in, stop_out):
        os.close(fd)


def test_threads_and_processes_at_once(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))

    def child(number: int) -> None:
        with AuditLog(home) as log:
            threads = [threading.Thread(target=some_calls, args=(log, (number * 10 + one) * 1000, 10)) for one in range(4)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()

    pids = [in_child(lambda number=number: child(number)) for number in range(1, 5)]  # type: ignore[misc]
    for pid in pids:
        wait_for(pid)
    kinds = settled(home, [])
    assert (kinds["intent"], kinds["result"], kinds["interrupted"]) == (160, 160, 0)


def test_two_logs_open_in_one_process_do_not_wait_for_each_other(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    with AuditLog(home) as first, AuditLog(home) as second:
        first.record(event("intent", 1), durable=True)
        second.record(event("intent", 2), durable=True)
        first.record(event("result", 1))
        second.record(event("result", 2))
    assert settled(home, [])["interrupted"] == 0


def test_a_log_shut_with_an_open_call_is_a_writer_that_is_gone(tmp_path: Path) -> None:
    """Also for the same process, when it opens the log once more."""
    home = Home(path=str(tmp_path / "home"))
    log = AuditLog(home)
    log.record(event("intent", 1), durable=True)
    log.close()
    some_calls(log, 2, 1)
    log.close()
    assert settled(home, [])["interrupted"] == 1


def test_a_first_intent_of_many_threads_makes_one_writer(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    with AuditLog(home) as log:
        start = threading.Barrier(8)

        def first(number: int) -> None:
            start.wait()
            some_calls(log, number * 100, 1)

        threads = [threading.Thread(target=first, args=(number,)) for number in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(list(Path(home.log.writers).iterdir())) == 1
    assert settled(home, [])["intent"] == 8


class CountedDisk(Disk):
    def __init__(self) -> None:
        self.syncs = 0

    def sync(self, fd: int) -> None:
        self.syncs += 1
        super().sync(fd)


def test_one_writer_syncs_once_for_each_entry_at_most(tmp_path: Path) -> None:
    disk = CountedDisk()
    with AuditLog(Home(path=str(tmp_path / "home")), disk=disk) as log:
        some_calls(log, 1, 1)
        before = disk.syncs
        for number in range(200):
            log.record(event("intent", 10 + number), durable=True)
        assert disk.syncs - before <= 200
        before = disk.syncs
        log.record_all([event(number=number) for number in range(256)], durable=True)
        assert disk.syncs - before <= 1
        before = disk.syncs
        for number in range(200):
            log.record(event("result", 10 + number))
        assert disk.syncs == before


def test_writers_at_the_same_time_share_a_sync(tmp_path: Path) -> None:
    """A sync that takes its time serves all that wrote before it began."""
    entered, go = threading.Semaphore(0), threading.Event()

    class Slow(CountedDisk):
        def sync(self, fd: int) -> None:
            entered.release()
            assert go.wait(30)
            super().sync(fd)

    disk = Slow()
    go.set()
    with AuditLog(Home(path=str(tmp_path / "home")), disk=disk) as log:
        log.record(event(), durable=True)
        log.checkpoint()
        before = disk.syncs
        go.clear()
        threads = [threading.Thread(target=log.record, args=(event(number=number),), kwargs={"durable": True}) for number in range(8)]
        for one in threads:
            one.start()
        while log._core is None or log._core.head.size < 10:
            time.sleep(0.001)
        go.set()
        for one in threads:
            one.join()
        # One for those that wrote before it, and one for the rest.
        assert disk.syncs - before <= 3
