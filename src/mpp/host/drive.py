"""Runs Steps in the calling thread: waits for what they wait for, and gives their result."""

from __future__ import annotations

import select
import time
from typing import TypeVar

from mpp.errors import ToolFailed
from mpp.host.lane import waiting
from mpp.ports import Steps, Wait

T = TypeVar("T")

NOBODY = -1
"""In place of a descriptor: nobody can go away."""


def drive(steps: Steps[T], gone_fd: int = NOBODY) -> T:
    """The result of ``steps``. Whatever they raise is raised here.

    ``gone_fd`` becomes readable when nobody waits for the result any more. Then they are told, once, by ToolFailed ``tool.cancelled`` where they wait;
    what they make of it is still their result, so that the record learns how the call ended.
    """
    poll = select.poll()
    try:
        wait = next(steps)
        while True:
            if _is_gone(poll, wait, gone_fd):
                gone_fd = NOBODY
                wait = steps.throw(ToolFailed("tool.cancelled", "nobody waits for the answer any more", hint="call again if it is still wanted"))
            else:
                wait = next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()


def _is_gone(poll: select.poll, wait: Wait, gone_fd: int) -> bool:
    """Wait. Was it ended because nobody is there any more?"""
    poll.register(wait.fd, select.POLLOUT if wait.writing else select.POLLIN)
    if gone_fd != NOBODY:
        poll.register(gone_fd, select.POLLIN)
    # Rounded up: a poll that ends a fraction of a millisecond early would spin until the moment comes.
    with waiting():
        ready = poll.poll(max(int((wait.until - time.monotonic()) * 1000) + 1, 0))
    poll.unregister(wait.fd)
    return gone_fd != NOBODY and any(fd == gone_fd for fd, _ in ready)
