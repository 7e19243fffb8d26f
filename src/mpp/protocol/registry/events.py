"""The leaves of a registry's log: each change of its state is one. Pure.

Spec: registry section 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields as rows_of
from typing import Literal, TypeAlias, cast

from mpp.crypto.roots import NAME_MAX, is_plain_line
from mpp.errors import Refused
from mpp.limits import JSON_INT_MAX, ROOT_VERSIONS_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.limits import PACKAGE_ID_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM
from mpp.model.value import value
from mpp.protocol.registry.limits import (
    ADVISORY_ID_MAX,
    ADVISORY_VERSIONS_MAX,
    FLEET_NAME_MAX,
    LEAF_BYTES_MAX,
    OWNERS_MAX,
    REASON_MAX,
    TIME_MAX,
)

ADMIN = "admin"
"""Who did it, where it was the operator of the registry."""

PublisherStatus = Literal["active", "suspended", "revoked"]
RecoveryState = Literal["asked", "vetoed", "done"]
ProofMethod = Literal["dns", "well-known", "admin"]
Role = Literal["owner", "maintainer"]
Status = Literal["active", "deprecated", "yanked", "quarantined", "revoked"]
Severity = Literal["low", "medium", "high", "critical"]

PUBLISHER_STATUSES: tuple[PublisherStatus, ...] = ("active", "suspended", "revoked")
RECOVERY_STATES: tuple[RecoveryState, ...] = ("asked", "vetoed", "done")
PROOF_METHODS: tuple[ProofMethod, ...] = ("dns", "well-known", "admin")
ROLES: tuple[Role, ...] = ("owner", "maintainer")
STATUSES: tuple[Status, ...] = ("active", "deprecated", "yanked", "quarantined", "revoked")
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")

_BY = re.compile(rf"{ADMIN}|{SHA256_HEX.pattern}")
_ADVISORY_ID = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_FLEET_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@value
class RegistryOpened:
    registry_id: str
    name: str


@value
class PublisherRegistered:
    publisher_id: str
    name: str
    root_version: int
    root_sha256: str


@value
class PublisherRoot:
    """The publisher's root document has one version more, or several."""

    publisher_id: str
    name: str
    root_version: int
    root_sha256: str


@value
class PublisherStatusChanged:
    publisher_id: str
    status: PublisherStatus
    reason: str


@value
class PublisherRecovery:
    publisher_id: str
    successor: str
    state: RecoveryState
    due: int
    reason: str


@value
class NamespaceProven:
    namespace: str
    publisher_id: str
    method: ProofMethod


@value
class NamespaceLapsed:
    namespace: str
    publisher_id: str
    method: ProofMethod


@value
class Owner:
    publisher_id: str
    role: Role


@value
class PackageOwners:
    """A package comes into being, or others own it from now on."""

    package_id: str
    owners: tuple[Owner, ...]
    by: str


@value
class VersionStaged:
    package_id: str
    version: str
    publisher_id: str
    content_hash: str


@value
class VersionPublished:
    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    size: int


@value
class VersionStatusChanged:
    package_id: str
    version: str
    status: Status
    reason: str
    by: str


@value
class AdvisoryPublished:
    advisory_id: str
    package_id: str
    versions: tuple[str, ...]
    severity: Severity
    sha256: str


@value
class PeersChanged:
    sha256: str


@value
class FleetChanged:
    name: str
    sha256: str


PublisherChange: TypeAlias = "PublisherRegistered | PublisherRoot | PublisherStatusChanged | PublisherRecovery"
NamespaceChange: TypeAlias = "NamespaceProven | NamespaceLapsed"
PackageChange: TypeAlias = "PackageOwners | VersionStaged | VersionPublished | VersionStatusChanged | AdvisoryPublished"
Change: TypeAlias = "RegistryOpened | PublisherChange | NamespaceChange | PackageChange | PeersChanged | FleetChanged"


@value
class Leaf:
    index: int
    at: int
    change: Change


def _digest(fields: Fields, key: str) -> str:
    return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)


def _by(fields: Fields) -> str:
    return fields.text("by", most=64, pattern=_BY, form=f"a publisher id, or {ADMIN!r}")


def _package(fields: Fields, key: str = "package_id") -> str:
    return fields.text(key, most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM)


def _version(fields: Fields) -> str:
    return fields.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM)


def _line(fields: Fields, key: str, most: int, least: int = 0) -> str:
    """Attack: a reason that steers a terminal, or reads as another text than it is. Spec: keys K-81."""
    text = fields.text(key, most=most, least=least)
    if not is_plain_line(text):
        fields.faults.add("form", fields.path(key), "must be one line without hidden characters and odd spaces", "write plain words, one space between them")
    return text


def _root_version(fields: Fields) -> int:
    return fields.number("root_version", least=1, most=ROOT_VERSIONS_MAX)


def _read_opened(fields: Fields) -> Change:
    return RegistryOpened(registry_id=_digest(fields, "registry_id"), name=_line(fields, "name", NAME_MAX, 1))


def _read_registered(fields: Fields) -> Change:
    name = _line(fields, "name", NAME_MAX, 1)
    return PublisherRegistered(
        publisher_id=_digest(fields, "publisher_id"), name=name, root_version=_root_version(fields), root_sha256=_digest(fields, "root_sha256")
    )


def _read_root(fields: Fields) -> Change:
    name = _line(fields, "name", NAME_MAX, 1)
    return PublisherRoot(
        publisher_id=_digest(fields, "publisher_id"), name=name, root_version=_root_version(fields), root_sha256=_digest(fields, "root_sha256")
    )


def _read_publisher_status(fields: Fields) -> Change:
    status = cast("PublisherStatus", fields.one_of("status", PUBLISHER_STATUSES))
    return PublisherStatusChanged(publisher_id=_digest(fields, "publisher_id"), status=status, reason=_line(fields, "reason", REASON_MAX))


def _read_recovery(fields: Fields) -> Change:
    return PublisherRecovery(
        publisher_id=_digest(fields, "publisher_id"),
        successor=_digest(fields, "successor"),
        state=cast("RecoveryState", fields.one_of("state", RECOVERY_STATES)),
        due=fields.number("due", least=0, most=TIME_MAX),
        reason=_line(fields, "reason", REASON_MAX),
    )


def _read_proven(fields: Fields) -> Change:
    method = cast("ProofMethod", fields.one_of("method", PROOF_METHODS))
    return NamespaceProven(namespace=_package(fields, "namespace"), publisher_id=_digest(fields, "publisher_id"), method=method)


def _read_lapsed(fields: Fields) -> Change:
    method = cast("ProofMethod", fields.one_of("method", PROOF_METHODS))
    return NamespaceLapsed(namespace=_package(fields, "namespace"), publisher_id=_digest(fields, "publisher_id"), method=method)


def read_owner(fields: Fields) -> Owner:
    owner = Owner(publisher_id=_digest(fields, "publisher_id"), role=cast("Role", fields.one_of("role", ROLES)))
    fields.end()
    return owner


def read_owners(fields: Fields) -> tuple[Owner, ...]:
    """Ascending by publisher id, each once: one set of owners has one form."""
    owners = fields.each("owners", lambda item, where: read_owner(Fields(item, where, fields.faults)), most=OWNERS_MAX, required=True, least=1)
    ids = [owner.publisher_id for owner in owners]
    if ids != sorted(set(ids)):
        fields.faults.add("duplicate", fields.path("owners"), "owners do not ascend by publisher id, each once", "sort them")
    return owners


def _read_owners(fields: Fields) -> Change:
    return PackageOwners(package_id=_package(fields), owners=read_owners(fields), by=_by(fields))


def _read_staged(fields: Fields) -> Change:
    return VersionStaged(
        package_id=_package(fields), version=_version(fields), publisher_id=_digest(fields, "publisher_id"), content_hash=_digest(fields, "content_hash")
    )


def _read_published(fields: Fields) -> Change:
    return VersionPublished(
        package_id=_package(fields),
        version=_version(fields),
        publisher_id=_digest(fields, "publisher_id"),
        content_hash=_digest(fields, "content_hash"),
        file_hash=_digest(fields, "file_hash"),
        size=fields.number("size", least=1, most=JSON_INT_MAX),
    )


def _read_status(fields: Fields) -> Change:
    status = cast("Status", fields.one_of("status", STATUSES))
    return VersionStatusChanged(
        package_id=_package(fields), version=_version(fields), status=status, reason=_line(fields, "reason", REASON_MAX), by=_by(fields)
    )


def _read_advisory(fields: Fields) -> Change:
    return AdvisoryPublished(
        advisory_id=fields.text("advisory_id", most=ADVISORY_ID_MAX, pattern=_ADVISORY_ID, form="an id such as CVE-2026-1234"),
        package_id=_package(fields),
        versions=fields.texts("versions", most=ADVISORY_VERSIONS_MAX, each_most=VERSION_MAX, required=True, least=1, pattern=VERSION, form=VERSION_FORM),
        severity=cast("Severity", fields.one_of("severity", SEVERITIES)),
        sha256=_digest(fields, "sha256"),
    )


def _read_peers(fields: Fields) -> Change:
    return PeersChanged(sha256=_digest(fields, "sha256"))


def _read_fleet(fields: Fields) -> Change:
    name = fields.text("name", most=FLEET_NAME_MAX, pattern=_FLEET_NAME, form="lower case, digits, single dashes")
    return FleetChanged(name=name, sha256=_digest(fields, "sha256"))


_TOLD: dict[str, dict[str, tuple[type, Callable[[Fields], Change]]]] = {
    "registry": {"opened": (RegistryOpened, _read_opened)},
    "publisher": {
        "registered": (PublisherRegistered, _read_registered),
        "root": (PublisherRoot, _read_root),
        "status": (PublisherStatusChanged, _read_publisher_status),
        "recovery": (PublisherRecovery, _read_recovery),
    },
    "namespace": {"proven": (NamespaceProven, _read_proven), "lapsed": (NamespaceLapsed, _read_lapsed)},
    "package": {"owners": (PackageOwners, _read_owners)},
    "version": {
        "staged": (VersionStaged, _read_staged),
        "published": (VersionPublished, _read_published),
        "status": (VersionStatusChanged, _read_status),
    },
    "advisory": {"published": (AdvisoryPublished, _read_advisory)},
    "peers": {"changed": (PeersChanged, _read_peers)},
    "fleet": {"changed": (FleetChanged, _read_fleet)},
}
"""By what it is about and what happened: the two words of a kind."""

_KINDS = {f"{about}.{what}": row for about, rows in _TOLD.items() for what, row in rows.items()}
_NAMES = {made: name for name, (made, _) in _KINDS.items()}
KINDS = tuple(_KINDS)


def kind_of(change: Change) -> str:
    return _NAMES[type(change)]


def _json(item: object) -> Json:
    if isinstance(item, tuple):
        return [_json(one) for one in item]
    if isinstance(item, Owner):
        return {"publisher_id": item.publisher_id, "role": item.role}
    return item  # type: ignore[return-value] # all else in a change is text or number


def write_leaf(leaf: Leaf) -> bytes:
    """The canonical bytes. What no reader would take is refused here, before it stands in a log for ever."""
    body: dict[str, Json] = {row.name: _json(getattr(leaf.change, row.name)) for row in rows_of(leaf.change)}
    try:
        data = canonical({"mpp_registry_event": 1, "index": leaf.index, "at": leaf.at, "kind": kind_of(leaf.change), **body})
    except ValueError:
        raise Refused("registry.range", "a number of a leaf is too large, or a text is none", where="leaf", hint="take numbers below 2^53") from None
    if read_leaf(data, where="leaf") != leaf:
        raise Refused("registry.form", "the leaf would be read as another one", where="leaf", hint="give lists in the order that the format asks for")
    return data


def read_leaf(data: bytes, *, where: str) -> Leaf:
    """One leaf from anywhere. A kind of a later version is refused: whoever does not know it cannot follow the log."""
    if len(data) > LEAF_BYTES_MAX:
        raise Refused("registry.length", f"a leaf has more than {LEAF_BYTES_MAX} bytes", where=where, hint="get it again from the registry")
    faults = Faults("registry")
    fields = Fields(read_canonical(data, family="registry", where=where), where, faults)
    fields.number("mpp_registry_event", least=1, most=1)
    index, at = fields.number("index", least=0, most=JSON_INT_MAX), fields.number("at", least=0, most=TIME_MAX)
    kind = fields.one_of("kind", KINDS)
    faults.stop()
    change = _KINDS[kind][1](fields)
    fields.end()
    faults.stop()
    return Leaf(index=index, at=at, change=change)


def package_of(change: Change) -> str | None:
    """The package whose state it changes."""
    return change.package_id if isinstance(change, PackageOwners | VersionStaged | VersionPublished | VersionStatusChanged | AdvisoryPublished) else None


def publisher_of(change: Change) -> str | None:
    """The publisher whom it is about, or who did it."""
    match change:
        case PackageOwners() | VersionStatusChanged():
            return None if change.by == ADMIN else change.by
        case RegistryOpened() | AdvisoryPublished() | PeersChanged() | FleetChanged():
            return None
        case _:
            return change.publisher_id
