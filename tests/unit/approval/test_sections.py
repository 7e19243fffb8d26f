from __future__ import annotations

import pytest

from mpp.stages.approval.leaves import Leaf
from mpp.stages.approval.sections import IN_DETAILS, NOWHERE, Fitted, Section, fit, fit_all, shares, size


def section(count: int, *, most: int = 10_000, cut: bool = False) -> Section:
    return Section(lambda: (Leaf(f"- line {i:05}", cut) for i in range(count)), count, most)


LINE = len("  - line 00000\n")


def test_all_that_has_room() -> None:
    assert fit(section(2), 1000, NOWHERE) == Fitted(["  - line 00000", "  - line 00001"], 0, 0)
    assert fit(section(0), 1000, NOWHERE) == Fitted([], 0, 0)
    assert fit(section(3, cut=True), 1000, NOWHERE).left_out == 3


def test_the_rest_is_counted() -> None:
    assert fit(section(5, most=2), 1000, IN_DETAILS).lines[2:] == ["  ... and 3 more: open the details"]
    found = fit(section(5000, cut=True), 1000, NOWHERE)
    assert found.lines[-1] == f"  ... and {5000 - len(found.lines) + 1:,} more, which are left out here"
    assert (found.hidden, found.cut) == (5000 - len(found.lines) + 1, len(found.lines) - 1)
    assert found.left_out == 5000
    assert 1000 - 3 * LINE < size(found.lines) <= 1000


@pytest.mark.parametrize(("needs", "room", "given"), [
    ([], 10, []), ([1, 2, 3], 100, [1, 2, 3]), ([100, 0, 0, 0], 90, [90, 0, 0, 0]), ([100, 5, 100], 65, [30, 5, 30]), ([50, 50], 30, [15, 15]), ([9, 1, 9, 1], 12, [5, 1, 5, 1]),
])  # fmt: skip
def test_what_one_does_not_need_the_others_have(needs: list[int], room: int, given: list[int]) -> None:
    assert shares(needs, room) == given


def test_a_section_beside_empty_ones_has_all_the_room() -> None:
    room = 20_000
    found = fit_all([section(0), section(5000), section(3)], room, NOWHERE)
    assert [one.hidden == 0 for one in found] == [True, False, True]
    assert room * 9 // 10 < sum(size(one.lines) for one in found) <= room
    both = fit_all([section(5000), section(5000)], room, NOWHERE)
    assert len(both[0].lines) == len(both[1].lines)
    assert sum(size(one.lines) for one in both) <= room
