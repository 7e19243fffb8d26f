"""The kernel's timer moves the engine's epoch on, and only the clock decides what that means."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mpp.errors import HostFailed
from mpp.stages.sandbox import timer as subject
from mpp.stages.sandbox.timer import DeadlineTimer
from tests.unit.sandbox import guests
from tests.unit.sandbox.conftest import order
from tests.unit.sandbox.runner import Runner


@pytest.fixture(scope="module")
def looping() -> Iterator[Runner]:
    made = Runner(guests.guest(guests.LOOP))
    yield made
    made.close()


def test_a_guest_ends_when_its_time_is_over_and_not_before(looping: Runner) -> None:
    begun = time.monotonic()
    _, ending = looping.run(order(seconds=0.05))
    assert ending.kind == "deadline"
    assert time.monotonic() - begun >= 0.05


def test_a_deadline_that_is_past_ends_it_at_once(looping: Runner) -> None:
    assert looping.run(order(seconds=-1))[1].kind == "deadline"


def test_an_old_timer_that_fires_late_does_not_stop_the_next_call(looping: Runner) -> None:
    """Another timer on the same engine fires in the middle, as one of the call before would."""
    old = DeadlineTimer(looping.engine.api, looping.engine)
    begun = time.monotonic()
    old.arm(begun + 0.02)
    _, ending = looping.run(order(seconds=0.1))
    old.close()
    assert ending.kind == "deadline"
    assert time.monotonic() - begun >= 0.1


def test_a_timer_that_is_disarmed_stays_quiet(looping: Runner) -> None:
    counts = Counting(looping)
    other = DeadlineTimer(looping.engine.api, looping.engine)

    def quiet() -> int:
        other.arm(time.monotonic() + 0.02)
        other.disarm()
        return counts.during(0.06)

    # On a busy machine it may fire before it is disarmed, or another of before come late, but not each time.
    assert 1 in (quiet() for _ in range(5))
    other.close()


def test_a_timer_fires_once(looping: Runner) -> None:
    counts = Counting(looping)
    other = DeadlineTimer(looping.engine.api, looping.engine)
    looks = []
    for seconds in (0.05, 0.05, 0.5, 5.0):
        other.arm(time.monotonic() + seconds)
        looks.append(counts.during(2 * seconds))
        # On a busy machine it may fire before the call has begun, or with the call's own; or another of before comes late.
        if looks[-1] == 2:
            break
    assert looks[-1] == 2
    other.close()


def test_a_moment_that_is_set_already_stays_if_it_comes_first(looping: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    timer = DeadlineTimer(looping.engine.api, looping.engine)
    sets: list[float] = []
    kept = timer._set
    monkeypatch.setattr(timer, "_set", lambda until, interval: (sets.append(until), kept(until, interval)))
    now = time.monotonic()
    for seconds in (100.0, 200.0, 100.0, 50.0, 60.0):
        timer.arm(now + seconds)
    assert sets == [now + 100.0, now + 50.0]
    # What is past has fired, so it holds for nobody.
    timer.arm(now - 1)
    timer.arm(now + 50.0)
    assert sets[2:] == [now - 1, now + 50.0]
    timer.close()


def test_a_moment_left_by_an_earlier_call_is_followed_by_the_own_one(looping: Runner) -> None:
    """It fires in the middle of a call that has not set the timer itself."""
    looping.timer.disarm()
    begun = time.monotonic()
    looping.timer.arm(begun + 0.02)
    assert looping.run(order(seconds=0.15))[1].kind == "deadline"
    assert time.monotonic() - begun >= 0.15


def test_what_fires_unseen_fires_again(looping: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is over between our look at the clock and the engine's new count: without a second one this loop would be endless."""
    looping.timer.disarm()
    looping.timer.arm(time.monotonic() + 0.02)
    again = looping.timer.again

    def late(until: float) -> None:
        again(until)
        time.sleep(max(until - time.monotonic(), 0) + 0.02)

    monkeypatch.setattr(looping.timer, "again", late)
    assert looping.run(order(seconds=0.1))[1].kind == "deadline"
    monkeypatch.undo()
    # With its call the repetition ends.
    assert not looping.timer._repeats
    assert looping.timer._until == 0.0
    counts = Counting(looping)
    # What fired before that may come late on a busy machine, but not each time.
    assert 1 in (counts.during(0.1) for _ in range(5))


class Counting:
    """How often the engine looked at the clock during a call: once for each move of the epoch."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def during(self, seconds: float) -> int:
        looks: list[int] = []
        # What an earlier call has left to fire would be looked at as well.
        self.runner.timer.disarm()
        call = self.runner.linked.call
        given = order(seconds=seconds)
        clock = time.monotonic

        class Clock:
            @staticmethod
            def monotonic() -> float:
                looks.append(1)
                return clock()

        from mpp.stages.sandbox import core

        kept, core.time = core.time, Clock  # type: ignore[assignment]
        try:
            self.runner.run(given)
        finally:
            core.time = kept
        assert call.guest is None
        return len(looks)


def test_a_system_without_timers_says_so(looping: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def timer_create(*_: object) -> int:
            return -1

    monkeypatch.setattr(subject, "_libc", Library)
    with pytest.raises(HostFailed, match="no timer"):
        DeadlineTimer(looping.engine.api, looping.engine)
