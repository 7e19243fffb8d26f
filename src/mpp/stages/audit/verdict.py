"""The ladder of verdicts, and how far each holds. Pure. Spec: audit section 7."""

from __future__ import annotations

from mpp.errors import Fault
from mpp.model.value import value
from mpp.stages.audit.witnessing import Seen

BROKEN, CHAINED, SIGNED, ANCHORED, WITNESSED = "broken", "chained", "signed", "anchored", "witnessed"
LADDER = (CHAINED, SIGNED, ANCHORED, WITNESSED)


@value
class Covered:
    """How many entries, from the first on, each verdict covers."""

    chained: int = 0
    signed: int = 0
    anchored: int = 0
    witnessed: int = 0

    def of(self, level: str) -> int:
        sizes = {CHAINED: self.chained, SIGNED: self.signed, ANCHORED: self.anchored, WITNESSED: self.witnessed}
        return sizes[level]


@value
class Verdict:
    """What can be said of a log."""

    level: str
    reason: str
    log_id: str
    host_key: str
    """The verifier key of the host, for witnesses and others."""
    covered: Covered
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    """What is no fault and worth knowing."""
    witnesses: tuple[Seen, ...]
    segments: int
    pruned: int
    pruned_entries: int
    read_bytes: int
    depth: str

    @property
    def holds(self) -> bool:
        return self.level != BROKEN

    def reaches(self, level: str) -> bool:
        return self.holds and self.level in LADDER and LADDER.index(self.level) >= LADDER.index(level)


def level_of(covered: Covered, faults: tuple[Fault, ...], *, is_present: bool) -> str:
    """Step by step: each level claims what the one before claims, and more. ``is_present``: does the present epoch vouch for the log?

    Attack: entries behind the last seal that nobody signed, in a log that is called signed or anchored for its old part.
    """
    if faults or not covered.chained:
        return BROKEN
    reached = CHAINED
    for level in LADDER[1:]:
        if not covered.of(level) or not is_present:
            break
        reached = level
    return reached


def reason_of(level: str, covered: Covered, *, pinned: bool, faults: tuple[Fault, ...], quorum: int) -> str:
    """One sentence: why this level, and what it leaves open. Spec: audit L-60."""
    size = covered.chained
    if level == BROKEN:
        return faults[0].message if faults else "there is no entry"
    rest = size - covered.of(level)
    behind = f"; the {rest} entries behind it are less than that" if rest > 1 else "; the entry behind it is less than that" if rest else ""
    words = {
        CHAINED: f"the chain of {size} entries holds, but no checkpoint of the present epoch vouches for it: whoever can write the folder could have written "
        + (f"what follows the first {covered.signed}, which are signed" if covered.signed else "all of it"),
        SIGNED: f"{covered.signed} of {size} entries stand under signatures of this log's keys"
        + ("" if pinned else ", whose log id nobody compared (give --log-id)")
        + "; nothing that was kept elsewhere shows that the end was not cut off",
        ANCHORED: f"the first {covered.anchored} of {size} entries are as they were when the anchor was taken",
        WITNESSED: f"{quorum} known witness{'es' if quorum != 1 else ''} saw the first {covered.witnessed} of {size} entries",
    }
    return words[level] + behind
