"""Segments for who verifies: each is read and hashed by a second thread while the one before it is followed. Spec: audit L-61."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from types import TracebackType
from typing import NamedTuple, Self

from mpp.errors import MppError
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.scan import read_stored


class Stored(NamedTuple):
    """A segment as it lies there."""

    data: bytes | None
    """None where it has been pruned."""
    sha256: str
    """In hex, of a sealed segment; empty for the open one, which nothing tells the hash of."""


class ReadAhead:
    """Gives the segments in their order. Two of them are in memory, and no more."""

    def __init__(self, places: LogPlaces, files: Mapping[int, set[str]]) -> None:
        self._places, self._rest = places, iter(files.items())
        self._pool = ThreadPoolExecutor(1, "mpp-audit-read")
        self._next: tuple[int, Future[Stored]] | None = None

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        first, kinds = next(self._rest, (0, None))
        self._next = None if kinds is None else (first, self._pool.submit(self._read, first, kinds))

    def _read(self, first: int, kinds: set[str]) -> Stored:
        data = read_stored(self._places, first, kinds)
        return Stored(data, sha256(data).hexdigest() if data is not None and "seal" in kinds else "")

    def take(self, first: int) -> Stored:
        """The segment that begins with ``first``; those before it that nobody took are passed over. What cannot be read is refused here."""
        while self._next is not None:
            number, found = self._next
            try:
                stored = found.result()
            except MppError:
                if number == first:
                    raise
                continue
            finally:
                self._begin()
            if number == first:
                return stored
        return Stored(None, "")
