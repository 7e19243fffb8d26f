"""The pool of workers: who gets one, in what order, how many there are, and when one is ended."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import cast

import pytest

from mpp.errors import HostFailed
from mpp.host import pool as subject
from mpp.host.drive import drive
from mpp.host.pool import WorkerKey, WorkerPool
from mpp.ports import Wait
from mpp.stages.sandbox import Worker

SECONDS = 60.0


def key(name: str, agent: str = "") -> WorkerKey:
    return WorkerKey(content_hash=name, layer="", rights=name, tenant="local", agent=agent)


A, B, C = key("a"), key("b"), key("c")


class Fake:
    """What the pool sees of a worker."""

    def __init__(self, of: WorkerKey) -> None:
        self.of = of
        self.calls = 0
        self.alive = self.idle = True

    def is_idle(self) -> bool:
        return self.alive and self.idle

    def kill(self) -> None:
        assert self.alive, "ended twice"
        self.alive = False


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Tickets are descriptors: none is left over."""
    before = {*os.listdir("/proc/self/fd")}
    yield
    # Not equal: a thread of another test may end meanwhile.
    assert {*os.listdir("/proc/self/fd")} <= before


def making(of: WorkerKey) -> Callable[[], Generator[Wait, None, Worker]]:
    def make() -> Generator[Wait, None, Worker]:
        yield from ()
        return cast("Worker", Fake(of))

    return make


def take(pool: WorkerPool, of: WorkerKey = A, seconds: float = SECONDS) -> Fake:
    return cast("Fake", drive(pool.take(of, making(of), time.monotonic() + seconds)))


def give(pool: WorkerPool, worker: Fake, *, reusable: bool = True) -> None:
    pool.give(worker.of, cast("Worker", worker), reusable=reusable)


class Asking:
    """One caller that waits, moved on by hand."""

    def __init__(self, pool: WorkerPool, of: WorkerKey = A, seconds: float = SECONDS) -> None:
        self.steps = pool.take(of, making(of), time.monotonic() + seconds)
        self.got: Fake | None = None
        self.fault: HostFailed | None = None
        self.wait: Wait | None = None
        self.look()

    def look(self) -> Asking:
        try:
            self.wait = next(self.steps)
        except StopIteration as done:
            self.got = done.value
        except HostFailed as fault:
            self.fault = fault
        return self

    @property
    def is_called(self) -> bool:
        """Was it told to look again?"""
        import select

        poll = select.poll()
        assert self.wait is not None
        poll.register(self.wait.fd, select.POLLIN)
        return bool(poll.poll(0))

    def leave(self) -> None:
        self.steps.close()


# --- who gets what


def test_a_worker_is_kept_for_its_key_and_no_other() -> None:
    pool = WorkerPool()
    first = take(pool, A)
    give(pool, first)
    for other in (B, key("a", agent="someone"), A._replace(tenant="t2"), A._replace(layer="x"), A._replace(rights="r"), A._replace(content_hash="h")):
        assert take(pool, other) is not first
    assert take(pool, A) is first


def test_a_new_one_is_made_while_there_is_room() -> None:
    pool = WorkerPool(most=3, per_key=2)
    # Kept: the next object may get the place, and so the identity, of one that is gone.
    taken = [take(pool, one) for one in (A, A, B)]
    assert len({id(one) for one in taken}) == 3
    assert pool.size == 3


def test_more_of_one_key_wait_though_there_is_room() -> None:
    pool = WorkerPool(most=10, per_key=2)
    held = [take(pool, A), take(pool, A)]
    waiting = Asking(pool, A)
    assert waiting.got is None
    assert take(pool, B).of == B
    give(pool, held[0])
    assert waiting.look().got is held[0]
    assert pool.size == 3


def test_a_full_pool_ends_the_one_that_waited_longest_whosever_it_is() -> None:
    pool = WorkerPool(most=2, per_key=2)
    first, second = take(pool, A), take(pool, B)
    give(pool, first)
    give(pool, second)
    assert take(pool, C).of == C
    assert (first.alive, second.alive, pool.size) == (False, True, 2)


def test_waiting_callers_come_in_the_order_of_asking() -> None:
    pool = WorkerPool(most=1)
    held = take(pool, A)
    queue = [Asking(pool, A) for _ in range(5)]
    for number, one in enumerate(queue):
        give(pool, held)
        assert [other.is_called for other in queue[number:]] == [True] + [False] * (4 - number)
        held = cast("Fake", one.look().got)
        assert held is not None
    assert pool.size == 1


def test_nobody_overtakes_the_one_whose_turn_it_is() -> None:
    """Attack on fairness: one caller that gives back and takes again before anybody else can look."""
    pool = WorkerPool(most=1)
    held = take(pool, A)
    patient = Asking(pool, A)
    give(pool, held)
    greedy = Asking(pool, A)
    assert greedy.got is None
    assert patient.look().got is held
    give(pool, held)
    assert greedy.look().got is held


def test_a_turn_is_held_for_another_key_too() -> None:
    pool = WorkerPool(most=1)
    held = take(pool, A)
    patient = Asking(pool, B)
    give(pool, held)
    greedy = Asking(pool, A)
    assert greedy.got is None
    got = cast("Fake", patient.look().got)
    assert (got.of, held.alive) == (B, False)
    give(pool, got)
    assert cast("Fake", greedy.look().got).of == A
    assert pool.size == 1


def test_one_who_cannot_go_on_does_not_hold_up_others() -> None:
    pool = WorkerPool(most=2, per_key=1)
    mine, other = take(pool, A), take(pool, B)
    same, different = Asking(pool, A), Asking(pool, C)
    give(pool, other)
    assert (same.look().got, cast("Fake", different.look().got).of) == (None, C)
    give(pool, mine)
    assert same.look().got is mine


# --- giving up


def test_nobody_waits_longer_than_he_said() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    with pytest.raises(HostFailed) as fault:
        take(pool, seconds=0.02)
    assert fault.value.code == "host.busy"
    give(pool, held)
    assert take(pool) is held


def test_one_who_gives_up_passes_his_turn_on() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    gone, next_ = Asking(pool), Asking(pool)
    give(pool, held)
    assert (gone.is_called, next_.is_called) == (True, False)
    gone.leave()
    assert next_.is_called
    assert next_.look().got is held


def test_one_whose_time_is_over_passes_his_turn_on() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    late, next_ = Asking(pool, seconds=0.01), Asking(pool)
    time.sleep(0.02)
    assert cast("HostFailed", late.look().fault).code == "host.busy"
    give(pool, held)
    assert next_.look().got is held


def test_one_who_gives_up_before_his_turn_is_forgotten() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    gone, next_ = Asking(pool), Asking(pool)
    gone.leave()
    give(pool, held)
    assert next_.look().got is held


def test_a_turn_to_make_one_is_passed_on_too() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    gone, next_ = Asking(pool, B), Asking(pool, C)
    give(pool, held, reusable=False)
    gone.leave()
    assert cast("Fake", next_.look().got).of == C
    assert pool.size == 1


def test_too_many_waiting_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "WAITING_MAX", 2)
    pool = WorkerPool(most=1)
    held = take(pool)
    queue = [Asking(pool), Asking(pool)]
    assert cast("HostFailed", Asking(pool).fault).code == "host.busy"
    for one in queue:
        one.leave()
    give(pool, held)


# --- making


def test_one_that_cannot_be_made_leaves_its_room() -> None:
    pool = WorkerPool(most=1)

    def broken() -> Generator[Wait, None, Worker]:
        yield from ()
        raise HostFailed("host.sandbox", "no", hint="no")

    for _ in range(3):
        with pytest.raises(HostFailed, match="no"):
            drive(pool.take(A, broken, time.monotonic() + 1))
    assert pool.size == 0
    assert take(pool)


def test_one_who_gives_up_while_it_is_made_leaves_its_room() -> None:
    pool = WorkerPool(most=1)

    def slow() -> Generator[Wait, None, Worker]:
        yield Wait(0, 0)
        raise AssertionError

    steps = pool.take(A, slow, time.monotonic() + SECONDS)
    next(steps)
    next_ = Asking(pool, B)
    assert (pool.size, next_.got) == (1, None)
    steps.close()
    assert cast("Fake", next_.look().got).of == B


# --- giving back


@pytest.mark.parametrize("spoil", ["reusable", "worn", "talks"])
def test_one_that_is_not_as_good_as_before_is_ended(spoil: str) -> None:
    pool = WorkerPool()
    worker = take(pool)
    worker.calls = subject.WORKER_CALLS_MAX if spoil == "worn" else 1
    worker.idle = spoil != "talks"
    give(pool, worker, reusable=spoil != "reusable")
    assert (worker.alive, pool.size) == (False, 0)


def test_one_that_ended_while_it_waited_is_not_handed_out() -> None:
    pool = WorkerPool(most=2)
    good, bad = take(pool), take(pool)
    give(pool, good)
    give(pool, bad)
    bad.idle = False
    assert take(pool) is good
    assert (bad.alive, pool.size) == (False, 1)


def test_one_that_ends_on_its_way_to_a_caller_is_replaced() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    waiting = Asking(pool)
    give(pool, held)
    held.idle = False
    got = waiting.look().got
    assert got is not None
    assert got is not held
    assert (held.alive, pool.size) == (False, 1)


def test_one_that_nobody_uses_is_ended() -> None:
    pool = WorkerPool(idle_seconds=0.02)
    first = take(pool, A)
    give(pool, first)
    time.sleep(0.03)
    take(pool, B)
    assert (first.alive, pool.size) == (False, 1)


def test_the_one_used_last_is_taken_first() -> None:
    pool = WorkerPool()
    first, second = take(pool), take(pool)
    give(pool, first)
    give(pool, second)
    assert take(pool) is second


# --- warming, dropping, closing


def test_one_more_is_made_ahead_if_there_is_room() -> None:
    pool = WorkerPool(most=2, per_key=1)
    drive(pool.add(A, making(A)))
    drive(pool.add(A, making(A)))
    assert pool.size == 1
    assert take(pool, A).of == A
    assert pool.size == 1
    drive(pool.add(B, making(B)))
    drive(pool.add(C, making(C)))
    assert pool.size == 2


def test_dropping_ends_those_that_match_and_no_others() -> None:
    pool = WorkerPool()
    first, second, other = take(pool, A), take(pool, A), take(pool, B)
    for one in (first, second, other):
        give(pool, one)
    assert pool.drop(lambda found: found == A) == 2
    assert (first.alive, second.alive, other.alive, pool.size) == (False, False, True, 1)
    assert pool.drop(lambda found: found == A) == 0


def test_a_closed_pool_ends_all_and_takes_nobody() -> None:
    pool = WorkerPool(most=2)
    waits, busy = take(pool, A), take(pool, B)
    give(pool, waits)
    pool.close()
    assert (waits.alive, busy.alive) == (False, True)
    assert cast("HostFailed", Asking(pool).fault).code == "host.closed"
    drive(pool.add(A, making(A)))
    give(pool, busy)
    assert (busy.alive, pool.size) == (False, 0)


def test_closing_wakes_those_who_wait() -> None:
    pool = WorkerPool(most=1)
    held = take(pool)
    queue = [Asking(pool), Asking(pool)]
    give(pool, held)
    pool.close()
    assert all(one.is_called for one in queue)
    assert [cast("HostFailed", one.look().fault).code for one in queue] == ["host.closed"] * 2
    assert (held.alive, pool.size) == (False, 0)


# --- many at once


def test_threads_share_it_fairly_and_never_one_worker_at_a_time() -> None:
    pool = WorkerPool(most=3, per_key=2)
    busy: set[int] = set()
    faults: list[str] = []
    lock = threading.Lock()

    def work(of: WorkerKey) -> None:
        for number in range(40):
            worker = take(pool, of)
            with lock:
                if id(worker) in busy or worker.of != of or not worker.alive:
                    faults.append("shared")
                busy.add(id(worker))
            time.sleep(0)
            with lock:
                busy.discard(id(worker))
            give(pool, worker, reusable=number % 7 != 0)

    threads = [threading.Thread(target=work, args=(one,)) for one in (A, A, A, B, B, C)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert not faults
    assert pool.size <= 3
    pool.close()
    assert pool.size == 0


def test_many_agents_of_one_package_do_not_take_every_room() -> None:
    pool = WorkerPool(most=10, per_key=2, per_package=3)
    keys = [key("a", f"agent-{number}") for number in range(5)]
    taken = [drive(pool.take(one, making(one), time.monotonic() + SECONDS)) for one in keys[:3]]
    with pytest.raises(HostFailed, match="busy"):
        drive(pool.take(keys[3], making(keys[3]), time.monotonic() + 0.05))
    drive(pool.take(B, making(B), time.monotonic() + SECONDS))
    # One that only waits makes room for the next agent of its package.
    pool.give(keys[0], taken[0], reusable=True)
    assert drive(pool.take(keys[3], making(keys[3]), time.monotonic() + SECONDS)) is not taken[0]
    assert pool.size == 4
