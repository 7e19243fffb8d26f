"""The JSON documents that a registry answers with, as frozen values. Pure.

Their readers are in answers.py; what a client sends is in bodies.py.

Spec: spec/registry.md.
"""

from __future__ import annotations

from mpp.crypto import base64text
from mpp.limits import KIB, MIB
from mpp.model.jsontext import Json
from mpp.model.value import value

DOCUMENT_BYTES_MAX = 4 * MIB
"""Bytes of one JSON answer of a registry. Reason: a page of a hundred packages with their texts has less than half of it."""

PAGE_ITEMS_MAX = 100
"""Items of one page. Reason: people look at twenty; bounds what one request reads of the database."""

LOG_ITEMS_MAX = 1000
"""Leaves of the log in one answer. Reason: a monitor reads a million in a thousand requests; at most about a megabyte."""

LEAF_CHARS_MAX = 16 * KIB
"""Characters of one leaf of the log. Reason: the largest names some dozens of owners or versions."""

CURSOR_CHARS_MAX = 300
"""Characters of the mark of a next page. Reason: it holds a package id and a number, in base64."""

OWNERS_MAX = 32
"""Owners and maintainers of one package. Reason: a person must be able to read them all."""

STAGED_ITEMS_MAX = 200
"""Staged versions of one answer. Reason: a second person works through them from the oldest on."""

SIGNERS_MAX = 32
"""Keys that signed or approved one version. Reason: a root document has no more."""

NAMESPACES_MAX = 64
"""Namespaces shown with a publisher. Reason: a company has a few."""

NOTES_MAX = 50
"""Notes of one answer. Reason: a person reads them."""

NOTE_CHARS_MAX = 500
"""Characters of one note. Reason: it is a sentence or two."""

REASON_MAX = 500
"""Characters of a reason for a status. Reason: it is shown on one screen, with a decision to make."""

ADVISORY_CHARS_MAX = 16 * KIB
"""Characters of the text of an advisory. Reason: what happened and what to do; more belongs behind a link."""

PROBLEM_CHARS_MAX = 2000
"""Characters of one text of a problem. Reason: it is shown in a terminal."""

ROOTS_CHARS_MAX = 360 * KIB
"""Characters of a root document in base64. Reason: 256 KiB of it."""

VERSION_STATES = ("active", "deprecated", "yanked", "quarantined", "revoked")
PACKAGE_STATES = ("active", "deprecated", "quarantined", "revoked")
PUBLISHER_STATES = ("active", "suspended", "revoked")
NAMESPACE_STATES = ("asked", "proven", "lapsed")
METHODS = ("dns", "well-known", "admin")
ROLES = ("owner", "maintainer")
SEVERITIES = ("low", "medium", "high", "critical")
VISIBILITIES = ("public", "private")


@value
class RegistryInfo:
    """``GET /v1/registry``: which registry answers. The id must be the one that the client knows; nothing here proves itself."""

    registry_id: str
    name: str
    url: str
    origin: str
    """Of its log."""
    roots: bytes
    """Its root document, as ``publisher.json``."""
    is_public: bool
    require_namespace: bool
    staging: bool

    def to_json(self) -> Json:
        return {
            "registry_id": self.registry_id, "name": self.name, "url": self.url, "origin": self.origin, "roots": base64text.encode(self.roots),
            "is_public": self.is_public, "require_namespace": self.require_namespace, "staging": self.staging, "api": ["v1"],
        }  # fmt: skip


@value
class NamespaceDoc:
    """A name space and who holds it. ``asked``: the record is awaited."""

    namespace: str
    publisher_id: str
    method: str
    state: str
    proven_at: int = 0
    checked_at: int = 0
    record_name: str = ""
    """Where the proof must stand while it is awaited: the name of a TXT record, or an address."""
    record_value: str = ""
    notes: tuple[str, ...] = ()
    """Why it is not proven yet, and what a person should look at."""

    def to_json(self) -> Json:
        return {
            "namespace": self.namespace, "publisher_id": self.publisher_id, "method": self.method, "state": self.state, "proven_at": self.proven_at,
            "checked_at": self.checked_at, "record_name": self.record_name, "record_value": self.record_value,
            "notes": list(self.notes),
        }  # fmt: skip


@value
class RecoveryDoc:
    """A publisher that lost its root keys asks for a successor; anybody who still has them can veto until ``due``."""

    successor: str
    state: str
    due: int
    reason: str

    def to_json(self) -> Json:
        return {"successor": self.successor, "state": self.state, "due": self.due, "reason": self.reason}


@value
class PublisherDoc:
    """``GET /v1/publishers/{id}``."""

    publisher_id: str
    name: str
    root_version: int
    status: str
    registered_at: int
    roots: bytes
    namespaces: tuple[NamespaceDoc, ...] = ()
    recovery: RecoveryDoc | None = None
    notes: tuple[str, ...] = ()
    """What a person should look at, after a change."""

    def to_json(self) -> Json:
        return {
            "publisher_id": self.publisher_id, "name": self.name, "root_version": self.root_version, "status": self.status,
            "registered_at": self.registered_at, "roots": base64text.encode(self.roots), "namespaces": [one.to_json() for one in self.namespaces],
            "recovery": None if self.recovery is None else self.recovery.to_json(), "notes": list(self.notes),
        }  # fmt: skip


@value
class OwnerDoc:
    publisher_id: str
    role: str
    since: int = 0

    def to_json(self) -> Json:
        return {"publisher_id": self.publisher_id, "role": self.role, "since": self.since}


@value
class PackageDoc:
    """``GET /v1/packages/{id}``; the same stands in a page of a search, then without owners."""

    package_id: str
    publisher_id: str
    publisher_name: str
    title: str
    summary: str
    keywords: tuple[str, ...]
    visibility: str
    latest: str
    """Empty: there is no stable version to install."""
    status: str
    created_at: int
    updated_at: int
    downloads: int
    owners: tuple[OwnerDoc, ...] = ()
    namespace: str = ""
    """The proven name space above it that its publisher holds; empty: none."""

    def to_json(self) -> Json:
        return {
            "package_id": self.package_id, "publisher_id": self.publisher_id, "publisher_name": self.publisher_name, "title": self.title,
            "summary": self.summary, "keywords": list(self.keywords), "visibility": self.visibility, "latest": self.latest, "status": self.status,
            "created_at": self.created_at, "updated_at": self.updated_at, "downloads": self.downloads, "owners": [one.to_json() for one in self.owners],
            "namespace": self.namespace,
        }  # fmt: skip


@value
class VersionDoc:
    """``GET /v1/packages/{id}/versions/{version}``."""

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

    def to_json(self) -> Json:
        return {
            "package_id": self.package_id, "version": self.version, "publisher_id": self.publisher_id, "content_hash": self.content_hash,
            "file_hash": self.file_hash, "size": self.size, "status": self.status, "reason": self.reason, "published_at": self.published_at,
            "log_index": self.log_index,
        }  # fmt: skip


@value
class StagedDoc:
    """A version that waits for a second person, in ``GET /v1/staged``."""

    staged_id: str
    package_id: str
    version: str
    content_hash: str
    file_hash: str
    size: int
    visibility: str
    uploaded_by: str
    """The key that sent it."""
    signers: tuple[str, ...]
    approved_by: tuple[str, ...]
    at: int

    def to_json(self) -> Json:
        return {
            "staged_id": self.staged_id, "package_id": self.package_id, "version": self.version, "content_hash": self.content_hash,
            "file_hash": self.file_hash, "size": self.size, "visibility": self.visibility, "uploaded_by": self.uploaded_by,
            "signers": [*self.signers], "approved_by": [*self.approved_by], "at": self.at,
        }  # fmt: skip


@value
class SearchPage:
    """``GET /v1/search``. ``next`` is the cursor of the next page; empty: this is the last."""

    packages: tuple[PackageDoc, ...]
    next: str = ""

    def to_json(self) -> Json:
        return {"packages": [one.to_json() for one in self.packages], "next": self.next}


@value
class VersionsPage:
    """``GET /v1/packages/{id}/versions``, the highest version first."""

    versions: tuple[VersionDoc, ...]
    next: str = ""

    def to_json(self) -> Json:
        return {"versions": [one.to_json() for one in self.versions], "next": self.next}


@value
class PublishedDoc:
    """Answer to ``POST /v1/packages``: published with its proofs, or ``staged_id`` of what a second person has to approve."""

    version: VersionDoc | None
    bundle: bytes = b""
    staged_id: str = ""
    notes: tuple[str, ...] = ()
    """What a person should look at; none of it is a refusal."""

    def to_json(self) -> Json:
        version = None if self.version is None else self.version.to_json()
        return {"version": version, "bundle": self.bundle.decode("utf-8"), "staged_id": self.staged_id, "notes": list(self.notes)}


@value
class LogPage:
    """``GET /v1/log/entries``: leaves from ``start`` on, each as its canonical text."""

    start: int
    size: int
    """Of the log."""
    leaves: tuple[bytes, ...]

    def to_json(self) -> Json:
        return {"start": self.start, "size": self.size, "leaves": [leaf.decode("utf-8") for leaf in self.leaves]}


@value
class ConsistencyDoc:
    """``GET /v1/log/consistency``: that the log of ``begin`` leaves is a beginning of that of ``end``."""

    begin: int
    end: int
    hashes: tuple[bytes, ...]

    def to_json(self) -> Json:
        return {"from": self.begin, "to": self.end, "path": [base64text.encode(one) for one in self.hashes]}


@value
class AdvisoryDoc:
    advisory_id: str
    package_id: str
    versions: tuple[str, ...]
    severity: str
    title: str
    text: str
    sha256: str
    published_at: int

    def to_json(self) -> Json:
        return {
            "advisory_id": self.advisory_id, "package_id": self.package_id, "versions": list(self.versions), "severity": self.severity,
            "title": self.title, "text": self.text, "sha256": self.sha256, "published_at": self.published_at,
        }  # fmt: skip


@value
class AdvisoriesPage:
    """``GET /v1/advisories``."""

    advisories: tuple[AdvisoryDoc, ...]
    next: str = ""

    def to_json(self) -> Json:
        return {"advisories": [one.to_json() for one in self.advisories], "next": self.next}


@value
class EntryDoc:
    """Answer to ``POST /v1/site/entry``: a word that opens the web site once."""

    code: str
    expires_at: int

    def to_json(self) -> Json:
        return {"code": self.code, "expires_at": self.expires_at}


@value
class TokenDoc:
    """Answer to ``POST /v1/oidc/exchange``: a token for a few minutes, for one publisher."""

    token: str
    expires_at: int
    publisher_id: str

    def to_json(self) -> Json:
        return {"token": self.token, "expires_at": self.expires_at, "publisher_id": self.publisher_id}


@value
class Problem:
    """Any refusal, as RFC 9457 has it. ``code`` is one of spec/codes.toml."""

    status: int
    code: str
    title: str
    detail: str
    hint: str = ""
    where: str = ""
    request_id: str = ""

    def to_json(self) -> Json:
        return {
            "type": f"urn:mpp:code:{self.code}", "title": self.title, "status": self.status, "code": self.code, "detail": self.detail, "hint": self.hint,
            "where": self.where, "request_id": self.request_id,
        }  # fmt: skip
