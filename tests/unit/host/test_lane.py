"""One call computes at a time, steps aside while it waits, and never waits for long itself."""

from __future__ import annotations

import threading
import time

import pytest

from mpp.host import lane as subject
from mpp.errors import ToolFailed
from mpp.host.lane import in_turn, Lane, waiting
from mpp.ports import Steps, Wait

PATIENCE = 30.0


def test_one_computes_and_the_other_goes_on_when_it_waits() -> None:
    lane, order, first_in, second_in = Lane(), list[str](), threading.Event(), threading.Event()

    def second() -> None:
        first_in.wait(PATIENCE)
        with lane:
            order.append("second")
            second_in.set()

    other = threading.Thread(target=second)
    other.start()
    with lane:
        order.append("first")
        first_in.set()
        with waiting():
            assert second_in.wait(PATIENCE)
        order.append("first again")
    other.join(PATIENCE)
    assert order == ["first", "second", "first again"]


def test_who_waits_too_long_goes_on_without_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack on oneself: a call that never steps aside, such as one that runs a program for a secret, must not stop the others."""
    monkeypatch.setattr(subject, "PATIENCE_SECONDS", 0.01)
    lane, done = Lane(), threading.Event()

    def second() -> None:
        with lane, waiting():
            done.set()

    with lane:
        other = threading.Thread(target=second)
        other.start()
        assert done.wait(PATIENCE)
        other.join(PATIENCE)
    # What the second never had, it did not give back.
    with lane:
        assert lane._turn.locked()
    assert not lane._turn.locked()


def test_outside_of_a_lane_waiting_is_nothing() -> None:
    begun = time.monotonic()
    with waiting():
        pass
    assert time.monotonic() - begun < PATIENCE


def test_a_fault_gives_the_turn_back() -> None:
    lane = Lane()
    with pytest.raises(KeyError), lane, waiting():
        raise KeyError
    assert not lane._turn.locked()


def test_steps_have_their_turn_and_leave_it_between_two_of_them() -> None:
    lane, seen = Lane(), list[str]()

    def steps() -> Steps[str]:
        try:
            seen.append(f"first {lane._turn.locked()}")
            yield Wait(0, 0.0)
        except ToolFailed as fault:
            seen.append(f"{fault.code} {lane._turn.locked()}")
            yield Wait(1, 0.0)
        return "done"

    one, other = in_turn(lane, steps()), in_turn(lane, steps())
    assert next(one).fd == 0
    assert not lane._turn.locked()
    # Attack on oneself: the second call of one thread, which would wait for the first for ever.
    assert next(other).fd == 0
    assert one.throw(ToolFailed("tool.cancelled", "gone")).fd == 1
    with pytest.raises(StopIteration) as over:
        next(one)
    assert over.value.value == "done"
    other.close()
    assert seen == ["first True", "first True", "tool.cancelled True"]
    assert not lane._turn.locked()


def test_steps_that_are_given_up_end_inside() -> None:
    closed: list[bool] = []

    def steps() -> Steps[None]:
        try:
            yield Wait(0, 0.0)
        finally:
            closed.append(True)

    one = in_turn(Lane(), steps())
    next(one)
    one.close()
    assert closed == [True]
