"""Events of one call, written together: those before the intent with it, those after it with the result. One write in the place of three.

Nothing runs between an event that waits here and the intent that takes it along, so a crash loses only words about a call that never ran.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mpp.errors import MppError
from mpp.host.audit.encoded import ENDING
from mpp.model.events import EntryRef, Event
from mpp.ports import Events, NOWHERE, Steps, Wait

WAITING = EntryRef(-1, "")
"""In place of the number of an entry that is not written yet."""


class Record(Protocol):
    """A record that takes several events at once."""

    def record_all(self, events: list[Event], /, *, durable: bool = False) -> list[EntryRef]: ...


class Entries:
    """Events of one call that are to be written now, alone or with those of other calls. It is not known yet where they will be in the record."""

    def __init__(self, record: Record, events: list[Event], *, durable: bool) -> None:
        self.record, self.events, self.durable = record, events, durable
        self.last: EntryRef | None = None
        """Of the last of them, once they are written."""
        self.fault: MppError | None = None
        """Why they are not."""

    def write(self) -> None:
        try:
            self.last = self.record.record_all(self.events, durable=self.durable)[-1]
        except MppError as fault:
            self.fault = fault

    def written(self) -> EntryRef:
        """The last of them, written now where nobody did. Raises what kept them from being written."""
        if self.last is None and self.fault is None:
            self.write()
        if self.last is None:
            raise self.fault or RuntimeError("a record tells where its entries are, or why there are none")
        return self.last

    @property
    def kind(self) -> tuple[int, bool, bool]:
        """Equal for those that may be written together. On a full disk there is room for the ends of calls, and for nothing that is written with something else."""
        return id(self.record), self.durable, all(event.kind in ENDING for event in self.events)


def write_together(several: Sequence[Entries]) -> None:
    """Write those of several calls, of each kind with one write. Whether that could be done stands in each."""
    kinds: dict[tuple[int, bool, bool], list[Entries]] = {}
    for one in several:
        kinds.setdefault(one.kind, []).append(one)
    for alike in kinds.values():
        _write_alike(alike)


def _write_alike(alike: Sequence[Entries]) -> None:
    first = alike[0]
    if len(alike) == 1:
        first.write()
        return
    try:
        refs = first.record.record_all([event for one in alike for event in one.events], durable=first.durable)
    except MppError as fault:
        for one in alike:
            if fault.code == "audit.event":
                # One of them cannot be written, and nothing was. That is no fault of the others.
                one.write()
            else:
                one.fault = fault
        return
    end = 0
    for one in alike:
        end += len(one.events)
        one.last = refs[end - 1]


def alone(events: Events) -> Callable[[Event], Steps[EntryRef]]:
    """Records an intent durably and at once, for whoever must see where it is."""

    def intend(event: Event) -> Steps[EntryRef]:
        yield from ()
        return events.record(event, durable=True)

    return intend


class Gathered:
    """``Events`` for one call in one thread."""

    def __init__(self, record: Record) -> None:
        self._record, self._waiting = record, list[Event]()

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        """Keep it for the next write; what must be durable, and the result, is written now with all that waits."""
        self._waiting.append(event)
        return self._write(durable=durable) if durable or event.kind in {"result", "refused"} else WAITING

    def together(self, event: Event, *, durable: bool = False) -> Steps[EntryRef]:
        """As ``record`` of what is written now; whoever drives several calls may write those of all of them at once."""
        self._waiting.append(event)
        events, self._waiting = self._waiting, []
        entries = Entries(self._record, events, durable=durable)
        yield Wait(NOWHERE, 0.0, entries=entries)
        return entries.written()

    def intend(self, event: Event) -> Steps[EntryRef]:
        """``together``, durably."""
        return self.together(event, durable=True)

    def flush(self) -> None:
        """Write what still waits."""
        if self._waiting:
            self._write(durable=False)

    def _write(self, *, durable: bool) -> EntryRef:
        events, self._waiting = self._waiting, []
        return self._record.record_all(events, durable=durable)[-1]
