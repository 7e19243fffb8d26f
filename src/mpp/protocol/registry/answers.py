"""Readers of the documents that a registry answers with. Pure.

A reader takes what a server says and believes none of it: it bounds everything, passes over keys that it does not know, so that a newer registry
still serves an older client, and gives RemoteFailed ``remote.answer`` for what is no such document. What must hold is proven elsewhere, by bundles.

Spec: spec/registry.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from mpp.crypto import base64text
from mpp.errors import Refused, RemoteFailed
from mpp.ledger.tree import HASH_BYTES
from mpp.limits import JSON_INT_MAX, KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsonquick import read as read_json
from mpp.model.jsontext import shown
from mpp.model.limits import DESCRIPTION_MAX, KEYWORDS_MAX, LINE_MAX, NAME_MAX, PACKAGE_ID_MAX, URL_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM
from mpp.protocol.registry.documents import (
    ADVISORY_CHARS_MAX,
    AdvisoriesPage,
    AdvisoryDoc,
    CURSOR_CHARS_MAX,
    ConsistencyDoc,
    DOCUMENT_BYTES_MAX,
    EntryDoc,
    LEAF_CHARS_MAX,
    LOG_ITEMS_MAX,
    LogPage,
    METHODS,
    NAMESPACES_MAX,
    NOTE_CHARS_MAX,
    NOTES_MAX,
    NAMESPACE_STATES,
    NamespaceDoc,
    OWNERS_MAX,
    OwnerDoc,
    PACKAGE_STATES,
    PAGE_ITEMS_MAX,
    PROBLEM_CHARS_MAX,
    PUBLISHER_STATES,
    PackageDoc,
    Problem,
    PublishedDoc,
    PublisherDoc,
    REASON_MAX,
    ROLES,
    ROOTS_CHARS_MAX,
    RecoveryDoc,
    RegistryInfo,
    SEVERITIES,
    SIGNERS_MAX,
    STAGED_ITEMS_MAX,
    StagedDoc,
    SearchPage,
    TokenDoc,
    VERSION_STATES,
    VISIBILITIES,
    VersionDoc,
    VersionsPage,
)

T = TypeVar("T")

_CODE = re.compile(r"[a-z]+\.[a-z0-9_]+")
_CODE_FORM = "a code such as registry.not_found"
_WORDS = re.compile(r"[^\x00-\x1f\x7f]*")
_ENTRY = re.compile(r"[0-9a-f.]{16,400}")
ENTRY_CHARS_MAX = 400
"""Characters of a word for the web site. Reason: three numbers of 64 digits."""

_PLAIN = "a text without control characters"


def _read(data: bytes, where: str, read: Callable[[Fields], T]) -> T:
    if len(data) > DOCUMENT_BYTES_MAX:
        raise RemoteFailed("remote.answer", f"the registry answers with more than {DOCUMENT_BYTES_MAX} bytes", where=where, hint=_HINT)
    faults = Faults("registry")
    try:
        found = read(Fields(read_json(data, family="registry", where=where), "", faults))
        faults.stop()
    except Refused as fault:
        place = f"{where} {fault.where}".strip() if fault.where != where else where
        raise RemoteFailed("remote.answer", f"the registry answers with something else: {fault.message}", where=place, hint=_HINT) from None
    return found


_HINT = "check the address of the registry, or ask who runs it"


def read_info(data: bytes, *, where: str) -> RegistryInfo:
    return _read(data, where, _info)


def read_publisher(data: bytes, *, where: str) -> PublisherDoc:
    return _read(data, where, _publisher)


def read_namespace(data: bytes, *, where: str) -> NamespaceDoc:
    return _read(data, where, _namespace)


def read_package(data: bytes, *, where: str) -> PackageDoc:
    return _read(data, where, _package)


def read_version(data: bytes, *, where: str) -> VersionDoc:
    return _read(data, where, _version)


def read_search(data: bytes, *, where: str) -> SearchPage:
    return _read(data, where, lambda found: SearchPage(packages=_each(found, "packages", _package, PAGE_ITEMS_MAX), next=_next(found)))


def read_versions(data: bytes, *, where: str) -> VersionsPage:
    return _read(data, where, lambda found: VersionsPage(versions=_each(found, "versions", _version, PAGE_ITEMS_MAX), next=_next(found)))


def read_staged(data: bytes, *, where: str) -> tuple[StagedDoc, ...]:
    return _read(data, where, lambda found: _each(found, "staged", _staged, STAGED_ITEMS_MAX))


def read_published(data: bytes, *, where: str) -> PublishedDoc:
    return _read(data, where, _published)


def read_log(data: bytes, *, where: str) -> LogPage:
    return _read(data, where, _log)


def read_consistency(data: bytes, *, where: str) -> ConsistencyDoc:
    return _read(data, where, _consistency)


def read_advisories(data: bytes, *, where: str) -> AdvisoriesPage:
    return _read(data, where, lambda found: AdvisoriesPage(advisories=_each(found, "advisories", _advisory, PAGE_ITEMS_MAX), next=_next(found)))


def read_token(data: bytes, *, where: str) -> TokenDoc:
    return _read(data, where, _token)


def read_entry(data: bytes, *, where: str) -> EntryDoc:
    return _read(
        data,
        where,
        lambda found: EntryDoc(
            code=found.text("code", most=ENTRY_CHARS_MAX, pattern=_ENTRY, form="a word of a registry"), expires_at=_count(found, "expires_at")
        ),
    )


def read_problem(data: bytes, *, where: str) -> Problem:
    return _read(data, where, _problem)


def _each(found: Fields, key: str, read: Callable[[Fields], T], most: int) -> tuple[T, ...]:
    return found.each(key, lambda item, place: read(Fields(item, place, found.faults)), most=most)


def _hash(found: Fields, key: str, *, default: str | None = None) -> str:
    return found.text(key, most=64, default=default, pattern=SHA256_HEX, form=SHA256_HEX_FORM)


def _words(found: Fields, key: str, most: int) -> str:
    """One line of any length up to ``most``, which may be absent."""
    return found.text(key, most=most, default="", least=0, pattern=_WORDS, form=_PLAIN)


def _text(found: Fields, key: str, most: int) -> str:
    """Several lines, which may be absent."""
    return found.text(key, most=most, default="", least=0)


def _count(found: Fields, key: str, *, default: int | None = None) -> int:
    return found.number(key, least=0, most=JSON_INT_MAX, default=default)


def _next(found: Fields) -> str:
    return _words(found, "next", CURSOR_CHARS_MAX)


def _bytes(found: Fields, key: str, most: int) -> bytes:
    data = base64text.decode(found.text(key, most=most))
    if data is None:
        found.faults.add("form", found.path(key), "is not base64", "write base64 with padding")
    return data or b""


def _notes(found: Fields) -> tuple[str, ...]:
    notes = [item for item in found.items("notes", most=NOTES_MAX) if isinstance(item, str)]
    return tuple(shown(note, NOTE_CHARS_MAX) for note in notes)


def _package_id(found: Fields) -> str:
    return found.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM)


def _info(found: Fields) -> RegistryInfo:
    return RegistryInfo(
        registry_id=_hash(found, "registry_id"), name=_words(found, "name", LINE_MAX), url=_words(found, "url", URL_MAX),
        origin=_words(found, "origin", URL_MAX), roots=_bytes(found, "roots", ROOTS_CHARS_MAX), is_public=found.flag("is_public"),
        require_namespace=found.flag("require_namespace", default=False), staging=found.flag("staging", default=False),
    )  # fmt: skip


def _namespace(found: Fields) -> NamespaceDoc:
    return NamespaceDoc(
        namespace=_words(found, "namespace", PACKAGE_ID_MAX), publisher_id=_hash(found, "publisher_id"), method=found.one_of("method", METHODS),
        state=found.one_of("state", NAMESPACE_STATES), proven_at=_count(found, "proven_at", default=0), checked_at=_count(found, "checked_at", default=0),
        record_name=_words(found, "record_name", 2 * URL_MAX), record_value=_words(found, "record_value", 2 * URL_MAX), notes=_notes(found),
    )  # fmt: skip


def _recovery(found: Fields) -> RecoveryDoc:
    return RecoveryDoc(
        successor=_hash(found, "successor"),
        state=found.one_of("state", ("asked", "vetoed", "done")),
        due=_count(found, "due"),
        reason=_words(found, "reason", REASON_MAX),
    )


def _publisher(found: Fields) -> PublisherDoc:
    recovery = found.raw("recovery", required=False)
    return PublisherDoc(
        publisher_id=_hash(found, "publisher_id"), name=_words(found, "name", LINE_MAX), root_version=_count(found, "root_version"),
        status=found.one_of("status", PUBLISHER_STATES), registered_at=_count(found, "registered_at"), roots=_bytes(found, "roots", ROOTS_CHARS_MAX),
        namespaces=_each(found, "namespaces", _namespace, NAMESPACES_MAX),
        recovery=None if recovery is None else _recovery(Fields(recovery, found.path("recovery"), found.faults)), notes=_notes(found),
    )  # fmt: skip


def _owner(found: Fields) -> OwnerDoc:
    return OwnerDoc(publisher_id=_hash(found, "publisher_id"), role=found.one_of("role", ROLES), since=_count(found, "since", default=0))


def _package(found: Fields) -> PackageDoc:
    return PackageDoc(
        package_id=_package_id(found), publisher_id=_hash(found, "publisher_id"), publisher_name=_words(found, "publisher_name", LINE_MAX),
        title=_words(found, "title", LINE_MAX), summary=_text(found, "summary", DESCRIPTION_MAX),
        keywords=found.texts("keywords", most=KEYWORDS_MAX, each_most=NAME_MAX, pattern=_WORDS, form=_PLAIN),
        visibility=found.one_of("visibility", VISIBILITIES, default="public"),
        latest=found.text("latest", most=VERSION_MAX, default="", least=0, pattern=_LATEST, form=VERSION_FORM),
        status=found.one_of("status", PACKAGE_STATES), created_at=_count(found, "created_at", default=0), updated_at=_count(found, "updated_at", default=0),
        downloads=_count(found, "downloads", default=0), owners=_each(found, "owners", _owner, OWNERS_MAX),
        namespace=_words(found, "namespace", PACKAGE_ID_MAX),
    )  # fmt: skip


_LATEST = re.compile(f"(?:{VERSION.pattern})?")


def _version(found: Fields) -> VersionDoc:
    return VersionDoc(
        package_id=_package_id(found), version=found.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        publisher_id=_hash(found, "publisher_id"), content_hash=_hash(found, "content_hash"), file_hash=_hash(found, "file_hash"),
        size=_count(found, "size"), status=found.one_of("status", VERSION_STATES), reason=_words(found, "reason", REASON_MAX),
        published_at=_count(found, "published_at"), log_index=_count(found, "log_index"),
    )  # fmt: skip


def _staged(found: Fields) -> StagedDoc:
    return StagedDoc(
        staged_id=_words(found, "staged_id", NAME_MAX), package_id=_package_id(found),
        version=found.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM), content_hash=_hash(found, "content_hash"),
        file_hash=_hash(found, "file_hash"), size=_count(found, "size"), visibility=found.one_of("visibility", VISIBILITIES),
        uploaded_by=_words(found, "uploaded_by", NAME_MAX), signers=found.texts("signers", most=SIGNERS_MAX, each_most=64),
        approved_by=found.texts("approved_by", most=SIGNERS_MAX, each_most=64), at=_count(found, "at"),
    )  # fmt: skip


def _published(found: Fields) -> PublishedDoc:
    version = found.raw("version", required=False)
    return PublishedDoc(
        version=None if version is None else _version(Fields(version, found.path("version"), found.faults)),
        bundle=_text(found, "bundle", 64 * KIB).encode("utf-8"),
        staged_id=_words(found, "staged_id", NAME_MAX),
        notes=_notes(found),
    )


def _log(found: Fields) -> LogPage:
    leaves: list[bytes] = []
    for i, item in enumerate(found.items("leaves", most=LOG_ITEMS_MAX)):
        if isinstance(item, str) and len(item) <= LEAF_CHARS_MAX:
            leaves.append(item.encode("utf-8"))
        else:
            found.faults.add("type", f"{found.path('leaves')}/{i}", "must be a text of a leaf", "write its canonical JSON as a string")
    return LogPage(start=_count(found, "start"), size=_count(found, "size"), leaves=tuple(leaves))


def _consistency(found: Fields) -> ConsistencyDoc:
    hashes = [base64text.decode(text) for text in found.texts("path", most=128, each_most=64)]
    if any(one is None or len(one) != HASH_BYTES for one in hashes):
        found.faults.add("form", found.path("path"), "are not all hashes", "write each as base64 of 32 bytes")
    return ConsistencyDoc(begin=_count(found, "from"), end=_count(found, "to"), hashes=tuple(one for one in hashes if one is not None))


def _advisory(found: Fields) -> AdvisoryDoc:
    return AdvisoryDoc(
        advisory_id=_words(found, "advisory_id", NAME_MAX), package_id=_package_id(found),
        versions=found.texts("versions", most=1000, each_most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        severity=found.one_of("severity", SEVERITIES), title=_words(found, "title", LINE_MAX), text=_text(found, "text", ADVISORY_CHARS_MAX),
        sha256=_hash(found, "sha256"), published_at=_count(found, "published_at", default=0),
    )  # fmt: skip


def _token(found: Fields) -> TokenDoc:
    return TokenDoc(
        token=found.text("token", most=8 * KIB, pattern=_WORDS, form=_PLAIN),
        expires_at=_count(found, "expires_at"),
        publisher_id=_hash(found, "publisher_id"),
    )


def _problem(found: Fields) -> Problem:
    return Problem(
        status=found.number("status", least=400, most=599), code=found.text("code", most=NAME_MAX, pattern=_CODE, form=_CODE_FORM),
        title=_words(found, "title", PROBLEM_CHARS_MAX), detail=_words(found, "detail", PROBLEM_CHARS_MAX), hint=_words(found, "hint", PROBLEM_CHARS_MAX),
        where=_words(found, "where", PROBLEM_CHARS_MAX), request_id=_words(found, "request_id", NAME_MAX),
    )  # fmt: skip
