"""Steps in an event loop: many at once, a cancelled one, a moment that comes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Generator

import pytest

from mpp.host.aio import drive
from mpp.ports import Wait


def reading(fd: int, until: float) -> Generator[Wait, None, bytes]:
    while True:
        yield Wait(fd, until)
        if time.monotonic() >= until:
            return b"late"
        return os.read(fd, 10)


def test_steps_wait_side_by_side() -> None:
    pipes = [os.pipe() for _ in range(20)]

    async def main() -> list[bytes]:
        tasks = [asyncio.create_task(drive(reading(fd, time.monotonic() + 5))) for fd, _ in pipes]
        await asyncio.sleep(0)
        for number, (_, fd) in enumerate(reversed(pipes)):
            os.write(fd, b"%d" % number)
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [b"%d" % number for number in reversed(range(20))]
    for pair in pipes:
        for fd in pair:
            os.close(fd)


def test_a_moment_comes() -> None:
    first, second = os.pipe()
    assert asyncio.run(drive(reading(first, time.monotonic() + 0.05))) == b"late"
    os.close(first)
    os.close(second)


def test_a_cancelled_task_closes_its_steps() -> None:
    first, second = os.pipe()
    closed: list[bool] = []

    def steps() -> Generator[Wait, None, None]:
        try:
            yield Wait(first, time.monotonic() + 60)
        finally:
            closed.append(True)

    async def main() -> None:
        task = asyncio.create_task(drive(steps()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == [True]
    os.close(first)
    os.close(second)


def test_what_steps_raise_is_raised() -> None:
    def steps() -> Generator[Wait, None, None]:
        yield from ()
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(drive(steps()))
