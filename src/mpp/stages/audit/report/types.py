"""What a compliance report holds. Nothing in it says that a law is kept: it says what the record shows, and what it cannot show."""

from __future__ import annotations

from mpp.model.value import value


@value
class Ref:
    """One entry of the record."""

    seq: int
    at: int


@value
class Evidence:
    """Entries of one sort: how many, the first and the last of them, and some to look at."""

    topic: str
    words: str
    count: int = 0
    first: Ref | None = None
    last: Ref | None = None
    examples: tuple[int, ...] = ()


@value
class Row:
    """One name of an inventory."""

    name: str
    count: int
    first: Ref
    last: Ref


@value
class Inventory:
    title: str
    rows: tuple[Row, ...]
    more: int
    """Entries with names beyond the limit."""


@value
class Control:
    """One demand of one text, and what the record has for it."""

    framework: str
    id: str
    title: str
    asks: str
    shows: str
    """What the evidence is, and why it bears on the demand."""
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]
    """What the record does not show."""
    blanks: tuple[str, ...]
    """What only a person can write."""

    @property
    def has_evidence(self) -> bool:
        return any(one.count for one in self.evidence)


@value
class Integrity:
    """What `mpp audit verify` said of the record when the report was made."""

    level: str
    reason: str
    log_id: str
    entries: int
    """Entries that this level covers."""


@value
class Period:
    since: int | None = None
    until: int | None = None

    def covers(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


@value
class Report:
    made_at: int
    period: Period
    integrity: Integrity
    entries: Evidence
    """All entries of the period."""
    controls: tuple[Control, ...]
    inventories: tuple[Inventory, ...]
    notes: tuple[str, ...]
