"""Steps in the calling thread: what is waited for, and what comes back."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator

import pytest

from mpp.errors import ToolFailed
from mpp.host.drive import drive
from mpp.ports import Wait


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    made = os.pipe()
    yield made
    for fd in made:
        os.close(fd)


def test_the_result_comes_back_without_a_wait() -> None:
    def steps() -> Generator[Wait, None, int]:
        yield from ()
        return 7

    assert drive(steps()) == 7


def test_a_ready_descriptor_ends_the_wait(pipe: tuple[int, int]) -> None:
    def steps() -> Generator[Wait, None, bytes]:
        yield Wait(pipe[1], time.monotonic() + 60, writing=True)
        os.write(pipe[1], b"x")
        yield Wait(pipe[0], time.monotonic() + 60)
        return os.read(pipe[0], 1)

    begun = time.monotonic()
    assert drive(steps()) == b"x"
    assert time.monotonic() - begun < 30


def test_a_moment_ends_the_wait_and_never_early(pipe: tuple[int, int]) -> None:
    until = time.monotonic() + 0.02
    looks: list[float] = []

    def steps() -> Generator[Wait, None, None]:
        while not looks or looks[-1] < until:
            yield Wait(pipe[0], until)
            looks.append(time.monotonic())

    drive(steps())
    assert len(looks) == 1


def test_a_moment_that_is_past_ends_the_wait_at_once(pipe: tuple[int, int]) -> None:
    def steps() -> Generator[Wait, None, str]:
        yield Wait(pipe[0], time.monotonic() - 100)
        return "past"

    assert drive(steps()) == "past"


def test_what_steps_raise_is_raised_and_they_are_closed(pipe: tuple[int, int]) -> None:
    closed: list[bool] = []

    def steps() -> Generator[Wait, None, None]:
        try:
            yield Wait(pipe[1], 0, writing=True)
            raise KeyError("x")
        finally:
            closed.append(True)

    with pytest.raises(KeyError):
        drive(steps())
    assert closed == [True]


def test_a_wait_that_cannot_be_closes_the_steps() -> None:
    """A person who presses Ctrl-C looks the same: the driver is thrown out of its wait."""
    closed: list[bool] = []

    def steps() -> Generator[Wait, None, None]:
        try:
            yield Wait(-1, time.monotonic() + 60)
        finally:
            closed.append(True)

    with pytest.raises(ValueError, match="descriptor"):
        drive(steps())
    assert closed == [True]


def test_whoever_waits_is_told_once_that_nobody_is_there_any_more(pipe: tuple[int, int]) -> None:
    gone = os.eventfd(1, os.EFD_CLOEXEC)

    def steps() -> Generator[Wait, None, str]:
        try:
            yield Wait(pipe[0], time.monotonic() + 60)
        except ToolFailed as fault:
            # What has to be put away may wait again, and is not disturbed.
            yield Wait(pipe[1], time.monotonic() + 60, writing=True)
            return fault.code
        return "nobody told"

    assert drive(steps(), gone) == "tool.cancelled"
    os.close(gone)


def test_steps_that_take_no_notice_raise_it(pipe: tuple[int, int]) -> None:
    gone = os.eventfd(1, os.EFD_CLOEXEC)

    def steps() -> Generator[Wait, None, None]:
        yield Wait(pipe[0], time.monotonic() + 60)

    with pytest.raises(ToolFailed, match=r"tool\.cancelled"):
        drive(steps(), gone)
    os.close(gone)
