"""One call computes at a time, steps aside while it waits, and never waits for long itself."""

from __future__ import annotations

import threading
import time

import pytest

from mpp.host import lane as subject
from mpp.host.lane import Lane, waiting

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
