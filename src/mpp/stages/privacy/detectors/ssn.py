"""Social security numbers of the United States."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place, WEAK
from mpp.stages.privacy.detectors.nearby import label, MACHINE, SSN
from mpp.stages.privacy.detectors.runs import Run
from mpp.stages.privacy.later import on_use

DIGITS = 9

_LAYOUTS = frozenset(((3, 2, 4), (9,), (3, 6), (5, 4)))
_FIRST = frozenset(layout[0] for layout in _LAYOUTS)
_GAPS = frozenset(("-", " ", ".", " - ", "/"))


def find(run: Run) -> list[Hit]:
    hits: list[Hit] = []
    if run.count(0, len(run.groups)) < DIGITS:
        return hits
    for first, (start, end) in enumerate(run.groups):
        if end - start not in _FIRST:
            continue
        for after in range(first + 1, min(first + 3, len(run.groups)) + 1):
            if run.sizes(first, after) not in _LAYOUTS or not run.is_free(first, after):
                continue
            sure = _judge(run, first, after)
            if sure:
                hits.append(Hit("ssn", run.groups[first][0], run.groups[after - 1][1], sure))
                run.take(first, after)
    return hits


def _judge(run: Run, first: int, after: int) -> int:
    gaps = run.gaps(first, after)
    if len(gaps) > 1 or not gaps <= _GAPS or run.joined_before(first) or run.joined_after(after) or run.is_abroad(first):
        return 0
    digits = run.digits(first, after)
    if gaps == {"-"} and after - first == 3 and _is_issued(digits):
        return 0 if run.label == MACHINE else LIKELY
    # Numbers that were never issued stand in forms all the same; one digit nine times is a blank.
    return WEAK if len(set(digits)) > 1 and run.label == SSN else 0


def _is_issued(digits: str) -> bool:
    """SSA: no area 000, 666 or from 900 on, no group 00, no serial 0000."""
    area = digits[:3]
    return area not in {"000", "666"} and area < "900" and digits[3:5] != "00" and digits[5:] != "0000"


_SCANNED = on_use(r"[0-9OoIlSBZ]{3}[-. ][0-9OoIlSBZ]{2}[-. ][0-9OoIlSBZ]{4}(?![0-9A-Za-z])")


def _look_scanned(place: Place) -> Iterable[Hit]:
    """A number read from paper: letters that look like figures stand in it, and a word says what it is."""
    found = _SCANNED.search(place.text, place.at, min(place.high, place.at + 13))
    if found is None or not 4 <= sum(map(str.isdigit, found[0])) < DIGITS or label(place, found.start()) != SSN:
        return ()
    return (Hit("ssn", found.start(), found.end(), WEAK),)


DETECTORS: tuple[Detector, ...] = (
    Detector(
        name="ssn_scanned",
        types=("ssn",),
        probes=(r"[^0-9A-Za-z][0-9OoIlSBZ]{3}[-. ][0-9OoIlSBZ]{2}[-. ][0-9OoIlSBZ]{4}",),
        look=_look_scanned,
    ),
)
