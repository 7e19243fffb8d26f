"""Runs Steps in the calling thread: waits for what they wait for, and gives their result."""

from __future__ import annotations

import select
import time
from collections.abc import Generator
from typing import TypeVar

from mpp.errors import ToolFailed
from mpp.host.lane import waiting
from mpp.ports import NOWHERE, Steps, Wait

T = TypeVar("T")
Said = TypeVar("Said")
Given = TypeVar("Given")

NOBODY = -1
"""In place of a descriptor: nobody can go away."""


def drive(steps: Steps[T], gone_fd: int = NOBODY) -> T:
    """The result of ``steps``. Whatever they raise is raised here.

    ``gone_fd`` becomes readable when nobody waits for the result any more. Then they are told, once, by ToolFailed ``tool.cancelled`` where they wait;
    what they make of it is still their result, so that the record learns how the call ended.
    """
    try:
        waited(steps, next(steps), gone_fd)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()
    raise RuntimeError("steps end with their result")


def waited(steps: Generator[Wait | Said, Given | None, T], step: Wait | Said, gone_fd: int = NOBODY) -> Said:
    """Wait as often as ``steps`` want to, the first time for ``step``: what they say then. StopIteration is their end, as of the steps themselves."""
    poll = select.poll()
    while isinstance(step, Wait):
        if step.fd == NOWHERE:
            step = next(steps)
        elif _is_gone(poll, step, gone_fd):
            gone_fd = NOBODY
            step = steps.throw(nobody_waits())
        else:
            step = next(steps)
    return step


def nobody_waits() -> ToolFailed:
    """What a call is told where it waits when nobody waits for it."""
    return ToolFailed("tool.cancelled", "nobody waits for the answer any more", hint="call again if it is still wanted")


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
