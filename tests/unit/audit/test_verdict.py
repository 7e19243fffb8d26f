"""The ladder: no level without those below it, and a reason that says what is left open."""

from __future__ import annotations

import pytest

from mpp.errors import Fault
from mpp.stages.audit.verdict import ANCHORED, BROKEN, CHAINED, Covered, LADDER, level_of, reason_of, SIGNED, Verdict, WITNESSED

FAULT = Fault("audit.chain", "log", "it does not hold", "look")


@pytest.mark.parametrize(
    ("covered", "is_present", "level"),
    [
        (Covered(), True, BROKEN),
        (Covered(chained=5), True, CHAINED),
        (Covered(chained=5, signed=5), True, SIGNED),
        (Covered(chained=5, signed=5), False, CHAINED),
        (Covered(chained=5, signed=5, anchored=3), True, ANCHORED),
        (Covered(chained=5, signed=5, anchored=3, witnessed=3), True, WITNESSED),
        # Each claims what the one below claims.
        (Covered(chained=5, anchored=5), True, CHAINED),
        (Covered(chained=5, signed=5, witnessed=5), True, SIGNED),
        (Covered(chained=5, signed=4, anchored=4, witnessed=4), False, CHAINED),
    ],
)
def test_a_level_needs_all_below_it(covered: Covered, is_present: bool, level: str) -> None:
    assert level_of(covered, (), is_present=is_present) == level
    assert level_of(covered, (FAULT,), is_present=is_present) == BROKEN


def verdict(level: str) -> Verdict:
    return Verdict(
        level=level, reason="", log_id="", host_key="", covered=Covered(), faults=(), notes=(), witnesses=(), segments=1, pruned=0, pruned_entries=0,
        read_bytes=0, depth="fast",
    )  # fmt: skip


def test_a_verdict_reaches_itself_and_what_is_below() -> None:
    for number, level in enumerate(LADDER):
        assert [verdict(level).reaches(one) for one in LADDER] == [other <= number for other in range(len(LADDER))]
        assert verdict(level).holds
    assert not verdict(BROKEN).holds
    assert not any(verdict(BROKEN).reaches(one) for one in LADDER)
    assert not verdict("made up").reaches(CHAINED)


def reason(level: str, covered: Covered, *, pinned: bool = False, faults: tuple[Fault, ...] = (), quorum: int = 1) -> str:
    return reason_of(level, covered, pinned=pinned, faults=faults, quorum=quorum)


def test_the_reason_says_what_is_left_open() -> None:
    assert reason(BROKEN, Covered(), faults=(FAULT,)) == "it does not hold"
    assert reason(BROKEN, Covered()) == "there is no entry"
    assert "all of it" in reason(CHAINED, Covered(chained=5))
    assert "what follows the first 3" in reason(CHAINED, Covered(chained=5, signed=3))
    signed = reason(SIGNED, Covered(chained=5, signed=4))
    assert "4 of 5" in signed
    assert "--log-id" in signed
    assert signed.endswith("; the entry behind it is less than that")
    assert "--log-id" not in reason(SIGNED, Covered(chained=5, signed=5), pinned=True)
    assert reason(ANCHORED, Covered(chained=5, signed=5, anchored=2)).endswith("; the 3 entries behind it are less than that")
    assert reason(WITNESSED, Covered(chained=5, signed=5, anchored=5, witnessed=5)) == "1 known witness saw the first 5 of 5 entries"
    assert reason(WITNESSED, Covered(chained=5, signed=5, anchored=5, witnessed=5), quorum=2).startswith("2 known witnesses")
