"""Ids that a person would take for another. Spec: spec/2-gatekeeper.md section 4. Warns, never decides."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.stages.gatekeeper.limits import LOOKALIKE_DISTANCE_MAX, LOOKALIKES_SHOWN_MAX

# Pairs of ASCII shapes that look alike in common fonts; each is folded to the second. Single letters come
# first: only then does ``c1ock`` fold as ``clock`` does.
_CONFUSABLE = (("1", "l"), ("i", "l"), ("0", "o"), ("5", "s"), ("8", "b"), ("2", "z"), ("rn", "m"), ("vv", "w"), ("cl", "d"), ("-", ""), ("_", ""))


def skeleton(package_id: str) -> str:
    """Two ids with one skeleton look the same at a glance."""
    text = package_id.lower()
    for shape, plain in _CONFUSABLE:
        text = text.replace(shape, plain)
    return text


def lookalikes(package_id: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known ids that ``package_id`` could be mistaken for."""
    found: list[str] = []
    shape, labels = skeleton(package_id), sorted(package_id.split("."))
    for other in sorted(set(known) - {package_id}):
        swapped = sorted(other.split(".")) == labels
        if swapped or skeleton(other) == shape or distance(package_id, other, LOOKALIKE_DISTANCE_MAX) <= LOOKALIKE_DISTANCE_MAX:
            found.append(other)
            if len(found) == LOOKALIKES_SHOWN_MAX:
                break
    return tuple(found)


def distance(left: str, right: str, most: int) -> int:
    """Edits (insert, delete, replace, swap of neighbours) between two words; ``most`` + 1 stands for more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    last: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, last, row = last, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(last) > most:
            return most + 1
    return row[-1]
