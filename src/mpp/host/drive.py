"""Runs Steps in the calling thread: waits for what they wait for, and gives their result."""

from __future__ import annotations

import select
import time
from typing import TypeVar

from mpp.ports import Steps

T = TypeVar("T")


def drive(steps: Steps[T]) -> T:
    """The result of ``steps``. Whatever they raise is raised here."""
    poll = select.poll()
    try:
        wait = next(steps)
        while True:
            poll.register(wait.fd, select.POLLOUT if wait.writing else select.POLLIN)
            # Rounded up: a poll that ends a fraction of a millisecond early would spin until the moment comes.
            poll.poll(max(int((wait.until - time.monotonic()) * 1000) + 1, 0))
            poll.unregister(wait.fd)
            wait = next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()
