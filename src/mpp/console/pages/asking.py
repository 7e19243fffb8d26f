"""Questions of pages to the search index, and what a person sees while it is made: no page waits for minutes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import apsw
from starlette.requests import Request
from starlette.responses import Response

from mpp.console.desk import Desk
from mpp.console.render import render
from mpp.errors import MppError
from mpp.host.audit.index import ask, progress
from mpp.host.audit.places import LogPlaces
from mpp.model.value import value

T = TypeVar("T")

AT_ONCE_MAX = 20_000
"""Entries that the index may lack and a page still waits for it. Reason: a few seconds; more is done beside, and the page says how far it is."""


@value
class Indexing:
    """In place of an answer: so many entries of so many are in the index."""

    done: int
    of: int


class _Busy:
    """Records whose index is being made, in this process."""

    def __init__(self) -> None:
        self._lock, self._places = threading.Lock(), set[str]()
        self.faults: dict[str, MppError] = {}

    def begin(self, places: LogPlaces) -> None:
        with self._lock:
            if places.index in self._places:
                return
            fault = self.faults.pop(places.index, None)
            if fault is not None:
                # What broke the last try is told once; then it is tried again.
                raise fault
            self._places.add(places.index)
        threading.Thread(target=self._make, args=(places,), daemon=True, name="index").start()

    def _make(self, places: LogPlaces) -> None:
        try:
            ask(places, lambda _: None)
        except MppError as fault:
            self.faults[places.index] = fault
        finally:
            with self._lock:
                self._places.discard(places.index)


_BUSY = _Busy()


def asked(desk: Desk, question: Callable[[apsw.Connection], T]) -> T | Indexing | None:
    """The answer; None where there is no record yet; how far the index is where it lacks so much that nobody should wait."""
    if not desk.record().is_there():
        return None
    done, of = progress(desk.home.log)
    if of - done > AT_ONCE_MAX:
        _BUSY.begin(desk.home.log)
        return Indexing(done=done, of=of)
    return ask(desk.home.log, question)


def indexing_page(request: Request, found: Indexing) -> Response:
    return render(request, "indexing.html", done=found.done, of=found.of)
