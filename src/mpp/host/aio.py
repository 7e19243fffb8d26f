"""Runs Steps in an event loop: the same text as in a thread, with another driver."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

from mpp.ports import NOWHERE, Steps, Wait

T = TypeVar("T")


async def drive(steps: Steps[T]) -> T:
    """The result of ``steps``. A cancelled task closes them, and with them whatever they hold."""
    try:
        wait = next(steps)
        while True:
            await _ready(wait)
            wait = next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()


async def _ready(wait: Wait) -> None:
    """Until the descriptor is ready or the moment has come."""
    if wait.fd == NOWHERE:
        return
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    add, remove = (loop.add_writer, loop.remove_writer) if wait.writing else (loop.add_reader, loop.remove_reader)
    add(wait.fd, woken.set)
    try:
        async with asyncio.timeout(max(wait.until - time.monotonic(), 0)):
            await woken.wait()
    except TimeoutError:
        return
    finally:
        remove(wait.fd)
