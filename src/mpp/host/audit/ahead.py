"""Segments for who verifies: hashed in pieces, or read and hashed by a second thread while the one before is followed. Spec: audit L-61."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple, Self

from mpp.errors import MppError
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.scan import Ends, ends_of, hash_stored, read_stored


class Stored(NamedTuple):
    """A segment as it lies there."""

    data: bytes | None
    """None where it has been pruned, and where only its bytes were hashed."""
    ends: Ends | None = None
    """Of a sealed segment; the open one has none, for nothing tells its hash."""

    @property
    def size(self) -> int:
        return self.ends.size if self.ends is not None else len(self.data or b"")

    @property
    def first(self) -> bytes:
        """The first line, without its line feed; empty where there is none."""
        if self.ends is not None:
            return self.ends.first
        data = self.data or b""
        return data[: max(0, data.find(b"\n"))]


class ReadAhead:
    """Gives the segments in their order. Two of them are in memory, and no more."""

    def __init__(self, places: LogPlaces, files: Mapping[int, set[str]], *, whole: bool) -> None:
        """``whole``: also sealed segments are wanted with all their lines. Otherwise they are hashed in pieces, and their first and last lines are kept."""
        self._places, self._rest, self._whole = places, iter(files.items()), whole
        # Who only wants them hashed has nothing to do meanwhile.
        self._pool = ThreadPoolExecutor(1, "mpp-audit-read") if whole else None
        self._next: tuple[int, Future[Stored]] | None = None

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        if self._pool is not None:
            first, kinds = next(self._rest, (0, None))
            self._next = None if kinds is None else (first, self._pool.submit(self._read, first, kinds))

    def _read(self, first: int, kinds: set[str]) -> Stored:
        if "seal" in kinds and not self._whole:
            return Stored(None, hash_stored(self._places, first, kinds))
        data = read_stored(self._places, first, kinds)
        return Stored(data, ends_of(data) if data is not None and "seal" in kinds else None)

    def take(self, first: int) -> Stored:
        """The segment that begins with ``first``; those before it that nobody took are passed over. What cannot be read is refused here."""
        if self._pool is None:
            kinds = next((kinds for number, kinds in self._rest if number == first), None)
            return Stored(None) if kinds is None else self._read(first, kinds)
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
        return Stored(None)
