"""What the privacy stage takes and gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy.limits import DIGESTS_MAX

UNFILTERED = "none"
"""The engine of a report where policy lets a host without one run tools."""


@value
class Report:
    """What was found and done: for the record, so never a value and never a bare hash of one."""

    rules: str
    """Digest of the detectors, the package's patterns and the policy's rules."""
    engine: str
    counts: tuple[tuple[str, int], ...] = ()
    """Type and how many places were replaced, in order of the types."""
    let_through: tuple[tuple[str, int], ...] = ()
    """Type and how many places policy exempted."""
    digests: tuple[str, ...] = ()
    """Keyed digests of the values, by which the holder of the key can say whether two entries speak of one value."""
    stripped: int = 0
    """Invisible characters that were taken out."""
    withheld: str = ""
    """The code of why nothing was passed on; empty where something was."""
    outgoing: tuple[tuple[str, int], ...] = ()
    """Type and how many values were found on their way to the tool or to another host, and were replaced or kept back with what held them."""

    def to_json(self) -> dict[str, Json]:
        found: dict[str, Json] = {"rules": self.rules, "engine": self.engine}
        if self.let_through:
            found["let_through"] = dict(self.let_through)
        if self.digests:
            found["digests"] = [*self.digests]
        if self.stripped:
            found["stripped"] = self.stripped
        if self.withheld:
            found["withheld"] = self.withheld
        if self.outgoing:
            found["outgoing"] = dict(self.outgoing)
        return found


def together(reports: Sequence[Report]) -> Report:
    """One report of several messages of one call, the last word on withholding that of the first."""
    first = reports[0]
    if len(reports) == 1:
        return first
    return Report(
        rules=first.rules, engine=first.engine, counts=_summed(one.counts for one in reports), let_through=_summed(one.let_through for one in reports),
        digests=tuple(dict.fromkeys(digest for one in reports for digest in one.digests))[:DIGESTS_MAX], stripped=sum(one.stripped for one in reports),
        withheld=first.withheld, outgoing=_summed(one.outgoing for one in reports),
    )  # fmt: skip


def with_leaks(report: Report, leaks: Iterable[tuple[str, str]]) -> Report:
    """The report with what was found on the way out: types, each with a keyed digest. What is found again and again counts as one."""
    found = dict.fromkeys(leaks)
    if not found:
        return report
    digests = tuple(dict.fromkeys((*report.digests, *(digest for _, digest in found))))[:DIGESTS_MAX]
    return replace(report, outgoing=tuple(sorted(Counter(kind for kind, _ in found).items())), digests=digests)


def _summed(rows: Iterable[tuple[tuple[str, int], ...]]) -> tuple[tuple[str, int], ...]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update(dict(row))
    return tuple(sorted(total.items()))


@value
class Filtered:
    """A message that may be shown, or None where it is withheld, with the report."""

    message: Json
    report: Report

    @property
    def is_withheld(self) -> bool:
        return bool(self.report.withheld)


@value
class Found:
    """One thing that was found: for the commands that explain, never for the record, because it says where and what."""

    type: str
    where: str
    """JSON pointer."""
    text: str
    sure: int
    view: str
    """In which reading: ``as written``, ``normalised``, ``decoded`` or ``joined``."""
    detector: str
    action: str
    """What is done with it; ``let through`` for what policy exempts."""
