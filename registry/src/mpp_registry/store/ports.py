"""What the registry needs of a store. SQLite and a folder implement it for one machine, PostgreSQL and an object storage for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeAlias

Cell: TypeAlias = str | int | bytes | None
"""What a column holds. Times are whole seconds since 1970; truth is 0 or 1; documents are bytes."""

Row: TypeAlias = tuple[Cell, ...]


class Rows(Protocol):
    """Statements of one transaction. Each is one SQL text that both databases take, with ``?`` for each parameter."""

    @property
    def kind(self) -> Literal["sqlite", "postgres"]:
        """For the few statements that have two texts: search."""
        ...

    def all(self, sql: str, *parameters: Cell) -> list[Row]: ...

    def one(self, sql: str, *parameters: Cell) -> Row | None: ...

    def run(self, sql: str, *parameters: Cell) -> int:
        """How many rows it changed."""
        ...

    def many(self, sql: str, rows: Sequence[Sequence[Cell]]) -> None: ...


class Database(Protocol):
    """Transactions. An exception inside ends one without a trace."""

    @property
    def kind(self) -> Literal["sqlite", "postgres"]: ...

    def read(self) -> AbstractContextManager[Rows]:
        """One snapshot: what is read belongs together, whatever is written meanwhile."""
        ...

    def write(self) -> AbstractContextManager[Rows]:
        """One writer at a time, among all replicas. When it returns without an exception, what was written is on stable storage."""
        ...

    def close(self) -> None: ...


class Blobs(Protocol):
    """Files by the SHA-256 of their bytes. None is ever changed."""

    def put(self, sha256: str, data: bytes | memoryview) -> bool:
        """Keep it, durable when this returns; False where it was there already. Writers of one blob cannot harm each other."""
        ...

    def size(self, sha256: str) -> int | None:
        """None: it is not there."""
        ...

    def read(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from ``begin`` to before ``end``, in pieces; HostFailed ``registry.blob`` where it is not there."""
        ...

    def path(self, sha256: str) -> str | None:
        """The file that holds it, where the store is a folder of this machine."""
        ...

    def remove(self, sha256: str) -> None:
        """For what no row names: an upload that came to nothing."""
        ...

    def close(self) -> None: ...
