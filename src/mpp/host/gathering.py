"""Events of one call, written together: those before the intent with it, those after it with the result. One write in the place of three.

Nothing runs between an event that waits here and the intent that takes it along, so a crash loses only words about a call that never ran.
"""

from __future__ import annotations

from typing import Protocol

from mpp.model.events import EntryRef, Event

WAITING = EntryRef(-1, "")
"""In place of the number of an entry that is not written yet."""


class Record(Protocol):
    """A record that takes several events at once."""

    def record_all(self, events: list[Event], /, *, durable: bool = False) -> list[EntryRef]: ...


class Gathered:
    """``Events`` for one call in one thread."""

    def __init__(self, record: Record) -> None:
        self._record, self._waiting = record, list[Event]()

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        """Keep it for the next write; what must be durable, and the result, is written now with all that waits."""
        self._waiting.append(event)
        return self._write(durable=durable) if durable or event.kind in {"result", "refused"} else WAITING

    def flush(self) -> None:
        """Write what still waits."""
        if self._waiting:
            self._write(durable=False)

    def _write(self, *, durable: bool) -> EntryRef:
        events, self._waiting = self._waiting, []
        return self._record.record_all(events, durable=durable)[-1]
