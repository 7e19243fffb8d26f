"""What is said when a store fails: one code for each kind, whichever the store."""

from __future__ import annotations

from mpp.errors import HostFailed


def database_failed(why: str, where: str, hint: str = "see that the database runs, has room, and that the registry may use it") -> HostFailed:
    return HostFailed("registry.database", f"the database of the registry failed: {why}", where=where, hint=hint)


def busy(where: str) -> HostFailed:
    return HostFailed("registry.busy", "another writer has held the registry for too long", where=where, hint="try again in a minute")


def over() -> HostFailed:
    """A mistake of ours: its connection may belong to another transaction by now."""
    return HostFailed("registry.database", "a statement came after the end of its transaction", hint="report this with what you did")


def schema_failed(why: str, where: str, hint: str) -> HostFailed:
    return HostFailed("registry.schema", f"the tables of the registry are not those of this version: {why}", where=where, hint=hint)


def blob_failed(why: str, where: str, hint: str = "see that the storage works, and restore the file from a copy") -> HostFailed:
    return HostFailed("registry.blob", f"a stored file could not be used: {why}", where=where, hint=hint)
