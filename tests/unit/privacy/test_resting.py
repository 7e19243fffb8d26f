"""The garbage collector while a large message is filtered."""

from __future__ import annotations

import gc
import threading

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy import Filter, Pseudonyms
from mpp.stages.privacy.limits import LEAVES_MANY
from mpp.stages.privacy.resting import collector_at_rest
from tests.privacies import filter_of, rules, said


def test_it_runs_again_whatever_happened() -> None:
    with pytest.raises(ValueError, match="x"), collector_at_rest():
        assert not gc.isenabled()
        raise ValueError("x")
    assert gc.isenabled()


def test_it_stays_as_it_is_where_somebody_else_stopped_it() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_runs_again_when_the_first_of_several_is_done() -> None:
    """Attack: calls that overlap without end."""
    inside, leave = threading.Event(), threading.Event()

    def second() -> None:
        with collector_at_rest():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=second)
    with collector_at_rest():
        other.start()
        assert inside.wait(10)
        assert not gc.isenabled()
    assert gc.isenabled()
    with collector_at_rest():
        leave.set()
        other.join(10)
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize(("leaves", "rests"), [(LEAVES_MANY, True), (LEAVES_MANY - 1, False)])
def test_only_a_large_message_has_it_rest(leaves: int, *, rests: bool) -> None:
    seen: list[bool] = []

    def clock() -> float:
        seen.append(gc.isenabled())
        return 0.0

    message: Json = ["x"] * leaves
    Filter(rules(), said(), Pseudonyms(b"k" * 32), clock)(message)
    # The first reading is that with which the message begins.
    assert (not any(seen[1:])) is rests
    assert gc.isenabled()


def test_a_message_that_is_withheld_has_it_run_again() -> None:
    message: Json = ["ada@example.com"] * LEAVES_MANY
    assert filter_of("block")(message).report.withheld == "privacy.blocked"
    assert gc.isenabled()
