"""A loop that goes on while the thread that ran it is in long work; the two threads never run it at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from mpp.serve.http_loop import Loop

SECONDS_MAX = 20


def run(main: Callable[[Loop], Awaitable[None]]) -> None:
    loop = Loop()

    async def whole() -> None:
        await asyncio.wait_for(main(loop), SECONDS_MAX)

    with contextlib.closing(loop):
        loop.serve(whole())


def lend(loop: Loop, work: Callable[[], object]) -> asyncio.Future[int]:
    """Comes to the thread that ran the loop when the work was done."""
    done = loop.create_future()
    loop.call_soon(loop.lend, lambda: (work(), None)[1], lambda: done.set_result(threading.get_ident()))
    return done


def test_short_work_is_done_where_the_loop_runs() -> None:
    seen: list[int] = []

    async def main(loop: Loop) -> None:
        seen.append(threading.get_ident())
        assert await lend(loop, lambda: seen.append(threading.get_ident())) == seen[0]
        assert not loop.is_lent

    run(main)
    assert len(set(seen)) == 1
    assert seen[0] != threading.get_ident()


def test_the_loop_goes_on_while_work_is_long() -> None:
    freed, threads = threading.Event(), []

    def work() -> None:
        threads.append(threading.get_ident())
        assert freed.wait(SECONDS_MAX)

    async def main(loop: Loop) -> None:
        for _ in range(3):
            freed.clear()
            done = lend(loop, work)
            # A timer, a task and another thread's word: all of it needs somebody who runs the loop.
            await asyncio.sleep(0.001)
            assert loop.is_lent
            assert not done.done()
            assert await asyncio.to_thread(threading.get_ident) not in threads
            assert asyncio.get_running_loop() is loop
            now = threading.get_ident()
            assert now != threads[-1]
            freed.set()
            assert await done == now
            assert not loop.is_lent

    run(main)
    # Each time the other one had the lead.
    assert threads[0] == threads[2] != threads[1]


def test_only_one_thread_runs_the_loop() -> None:
    inside = threading.Lock()
    count = 0

    async def main(loop: Loop) -> None:
        done: asyncio.Future[int] | None = None

        def step() -> None:
            nonlocal count
            # Nobody else is in a callback of this loop.
            assert inside.acquire(blocking=False)
            count += 1
            time.sleep(0.0002)
            inside.release()

        for number in range(200):
            loop.call_soon(step)
            if done is None or done.done():
                done = lend(loop, partial(time.sleep, 0.03 if number % 50 == 0 else 0))
            await asyncio.sleep(0)
        assert done is not None
        await done

    run(main)
    assert count == 200


def test_work_that_does_not_end_does_not_hold_up_the_end() -> None:
    freed = threading.Event()

    async def main(loop: Loop) -> None:
        lend(loop, partial(freed.wait, SECONDS_MAX))
        await asyncio.sleep(0.001)
        assert loop.is_lent

    run(main)
    assert not freed.is_set()
    freed.set()


def test_what_goes_wrong_is_raised_by_serve() -> None:
    async def main(loop: Loop) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(main)
