"""Each call from its intent to its end: what a thorough verification finds beside the chain. Spec: audit L-63."""

from __future__ import annotations

from collections.abc import Iterator

from mpp.errors import Fault
from mpp.stages.audit import Entry

_HINT = "the log is as it was written; its writer told a story that cannot be"

OPEN_MAX = 100_000
"""Calls that may be open at one moment of a log. Reason: bounds memory for a log made to fill it."""

NOTES_MAX = 100
"""Notes of one kind. Reason: a person reads the first ones."""


class Stories:
    """Fed with entries in their order."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._at = 0
        self._found: list[str] = []
        self._more = 0

    def tell(self, entry: Entry, where: str, *, since_pruned: bool) -> Iterator[Fault]:
        """``since_pruned``: entries before are gone, and intents with them."""
        event = entry.event
        if event.at < self._at:
            self._note(f"entry {entry.seq}: the clock went back by {self._at - event.at} seconds")
        self._at = event.at
        if event.kind == "intent":
            if event.invocation in self._open:
                yield Fault("audit.entry", where, f"the call of entry {self._open[event.invocation]} begins a second time", _HINT)
            elif len(self._open) < OPEN_MAX:
                self._open[event.invocation] = entry.seq
        elif event.kind in {"result", "interrupted"} and self._open.pop(event.invocation, None) is None and not since_pruned and len(self._open) < OPEN_MAX:
            yield Fault("audit.entry", where, "a call ends that did not begin, or had ended before", _HINT)

    def _note(self, words: str) -> None:
        if len(self._found) < NOTES_MAX:
            self._found.append(words)
        else:
            self._more += 1

    def notes(self) -> list[str]:
        open_now = [f"entry {seq}: a call that has not ended: it runs still, or its writer is gone" for seq in list(self._open.values())[:NOTES_MAX]]
        more = [f"and {self._more} more of these"] if self._more else []
        return [*self._found, *more, *open_now]
