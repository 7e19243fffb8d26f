"""Which calls run beside each other: those that wait, not those that a busy machine delayed once."""

from __future__ import annotations

from mpp.serve.pace import BESIDE_SECONDS, IN_A_ROW, NAMES_MAX, Pace


class Clocks:
    """What passes, and what one thread computed of it."""

    def __init__(self) -> None:
        self.now = self.computed = 100.0

    def pace(self) -> Pace:
        return Pace(lambda: self.now, lambda: self.computed)

    def call(self, pace: Pace, name: str, took: float, computed: float) -> None:
        begun = pace.begin()
        self.now += took
        self.computed += computed
        pace.note(name, begun)


def test_a_little_waiting_counts_for_nothing_where_that_is_said() -> None:
    clocks = Clocks()
    pace = Pace(lambda: clocks.now, lambda: clocks.computed, least=0.004)
    for _ in range(2 * IN_A_ROW):
        clocks.call(pace, "short", 0.005, 0.0015)
        clocks.call(pace, "slow", 0.006, 0.0015)
    assert (pace.is_beside("short"), pace.is_beside("slow")) == (False, True)


def test_one_long_call_is_told_apart_from_many_that_waited() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    pace.note_long("long")
    for _ in range(IN_A_ROW):
        clocks.call(pace, "slow", 0.01, 0.002)
    assert [(pace.is_long(name), pace.is_beside(name)) for name in ("long", "slow", "new")] == [(True, True), (False, True), (False, False)]
    clocks.now += BESIDE_SECONDS
    assert not pace.is_long("long")


def test_three_long_ones_are_enough_where_that_is_said() -> None:
    clocks = Clocks()
    pace = Pace(lambda: clocks.now, lambda: clocks.computed, long=0.02)
    for _ in range(2):
        clocks.call(pace, "long", 0.03, 0.002)
        assert not pace.is_long("long")
    clocks.call(pace, "long", 0.03, 0.002)
    assert (pace.is_long("long"), pace.is_beside("long")) == (True, True)
    clocks.now += BESIDE_SECONDS
    # One try, and it is known again.
    clocks.call(pace, "long", 0.03, 0.002)
    assert pace.is_long("long")
    # Whoever computes holds others up as well.
    clocks.call(pace, "long", 0.03, 0.03)
    assert pace.is_long("long")
    clocks.call(pace, "long", 0.01, 0.01)
    assert not pace.is_beside("long")


def test_a_tool_that_waits_again_and_again_gets_threads_for_its_calls() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    for _ in range(IN_A_ROW - 1):
        clocks.call(pace, "slow", 0.01, 0.002)
        assert not pace.is_beside("slow")
    clocks.call(pace, "slow", 0.01, 0.002)
    assert pace.is_beside("slow")
    assert not pace.is_beside("other")
    # After a while it is tried again, once.
    clocks.now += BESIDE_SECONDS
    assert not pace.is_beside("slow")
    clocks.call(pace, "slow", 0.01, 0.002)
    assert pace.is_beside("slow")


def test_one_call_that_only_computes_begins_the_count_anew() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    for _ in range(3):
        for _ in range(IN_A_ROW - 1):
            clocks.call(pace, "quick", 0.05, 0.002)
        clocks.call(pace, "quick", 0.003, 0.002)
    assert not pace.is_beside("quick")


def test_a_call_in_which_the_lead_was_lost_counts_for_a_while_only() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    pace.note_long("first")
    assert pace.is_beside("first")
    clocks.now += BESIDE_SECONDS
    clocks.call(pace, "first", 0.01, 0.002)
    assert not pace.is_beside("first")


def test_invented_names_fill_nothing() -> None:
    clocks = Clocks()
    pace = clocks.pace()
    for number in range(3 * NAMES_MAX):
        pace.note_long(f"tool-{number}")
        assert len(pace._known) <= NAMES_MAX
    assert pace.is_beside(f"tool-{3 * NAMES_MAX - 1}")
