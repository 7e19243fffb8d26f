"""What is read of the catalog."""

from __future__ import annotations

from typing import Generic, TypeVar

from mpp.model.value import value

T = TypeVar("T")


STOPPED = frozenset(("quarantined", "revoked"))
"""Versions whose file is given to nobody."""


@value
class Viewer:
    """Who asks. Private packages are shown to their owners and maintainers, and to an administrator; for others they do not exist."""

    publisher_id: str = ""
    is_admin: bool = False


STRANGER = Viewer()


@value
class Page(Generic[T]):
    items: tuple[T, ...]
    next: str = ""
    """The mark of the next page; empty: this is the last."""


@value
class PackageRow:
    package_id: str
    publisher_id: str
    """Of the newest version."""
    title: str
    summary: str
    keywords: str
    """Words, one space between."""
    visibility: str
    latest: str
    status: str
    created_at: int
    updated_at: int
    downloads: int = 0
    publisher_name: str = ""
    """As its root document says; only read, never written."""


@value
class VersionRow:
    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    size: int
    status: str
    reason: str
    published_at: int
    log_index: int


@value
class VersionFiles:
    """The documents of a version, as they stand in its file; empty: it has none."""

    manifest: bytes
    readme: bytes = b""
    sbom: bytes = b""
    provenance: bytes = b""


@value
class OwnerRow:
    publisher_id: str
    role: str
    since: int
    name: str = ""
    """As its root document says; only read, never written."""


@value
class PublisherRow:
    publisher_id: str
    name: str
    roots: bytes
    root_version: int
    status: str
    registered_at: int


@value
class NamespaceRow:
    namespace: str
    publisher_id: str
    method: str
    state: str
    proven_at: int
    checked_at: int
    failures: int = 0


@value
class DayRow:
    day: int
    """Days since 1970."""
    count: int


@value
class Totals:
    packages: int
    """Public ones."""
    versions: int
    publishers: int
    downloads: int
    leaves: int
    """Of the log."""
