"""What the leaves of a log make of a package, by the rules, and what of it stands in the map. Pure.

Server, monitor and whoever doubts them run the same text.

Spec: registry sections 3 and 4.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Literal, cast

from mpp.errors import Refused
from mpp.ledger.tree import inclusion_path, leaf_hash, root_of
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.limits import PACKAGE_ID_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM, VersionKey, version_key
from mpp.model.value import value
from mpp.protocol.registry.events import (
    ADMIN,
    STATUSES,
    Leaf,
    Owner,
    PackageChange,
    PackageOwners,
    Status,
    VersionPublished,
    VersionStaged,
    VersionStatusChanged,
    package_of,
    read_owners,
)
from mpp.protocol.registry.limits import LINES_KNOWN_MAX, STATE_BYTES_MAX, VALUE_BYTES_MAX, VERSIONS_MAX

PackageStatus = Literal["active", "deprecated", "quarantined", "revoked"]
PACKAGE_STATUSES: tuple[PackageStatus, ...] = ("active", "deprecated", "quarantined", "revoked")
_NEVER: VersionKey = (-1, 0, 0, 0, ())


@value
class VersionState:
    version: str
    content_hash: str
    file_hash: str
    publisher_id: str
    status: Status


@value
class PackageState:
    package_id: str
    publisher_id: str
    """Of the version that was published last; empty while there is none."""
    owners: tuple[Owner, ...]
    versions: tuple[VersionState, ...]
    """In the order of versions, from the lowest."""
    index: int
    """Of the last leaf about it."""

    @property
    def latest(self) -> str:
        """The highest version that is no pre-release and may be installed; empty: none."""
        usable = (one.version for one in reversed(self.versions) if one.status in {"active", "deprecated"} and is_stable(one.version))
        return next(usable, "")

    @property
    def status(self) -> PackageStatus:
        """What all its versions are; yanked ones say nothing, and worse ones nothing beside better ones."""
        left = [one.status for one in self.versions if one.status != "yanked"]
        worst_first: tuple[PackageStatus, ...] = ("revoked", "quarantined", "deprecated")
        for word in worst_first:
            if left and all(one == word for one in left):
                return word
            left = [one for one in left if one != word]
        return "active"


@value
class MapValue:
    """What the map says of a package."""

    package_id: str
    publisher_id: str
    latest: str
    status: PackageStatus
    versions: bytes
    """Root of the tree over the version lines."""
    count: int
    index: int


@value
class LineProof:
    """One version line, and its way up to the root in the map's value."""

    line: bytes
    index: int
    path: tuple[bytes, ...]


def order_of(version: str) -> VersionKey:
    """What orders versions. All that come here have been read as versions."""
    return version_key(version) or _NEVER


def is_stable(version: str) -> bool:
    """Is it no pre-release?"""
    return order_of(version)[3] == 1


def map_key(package_id: str) -> bytes:
    return sha256(package_id.encode("ascii")).digest()


def version_line(version: VersionState) -> bytes:
    return canonical(_version_json(version))


def _version_json(version: VersionState) -> Json:
    return {
        "version": version.version, "content_hash": version.content_hash, "file_hash": version.file_hash, "publisher_id": version.publisher_id,
        "status": version.status,
    }  # fmt: skip


def read_line(data: bytes, *, where: str) -> VersionState:
    faults = Faults("registry")
    found = _read_version(Fields(_read_bounded(data, VALUE_BYTES_MAX, where), where, faults))
    faults.stop()
    return found


def _read_bounded(data: bytes, most: int, where: str) -> Json:
    if len(data) > most:
        raise Refused("registry.length", f"it has more than {most} bytes", where=where, hint="get it again from the registry")
    return read_canonical(data, family="registry", where=where)


def _digest(fields: Fields, key: str, *, least: int = 64) -> str:
    # Where it may be empty, an empty one fits no pattern.
    is_there = least > 0 or fields.found.get(key) != ""
    return fields.text(key, most=64, least=least, pattern=SHA256_HEX if is_there else None, form=SHA256_HEX_FORM)


def _read_version(fields: Fields) -> VersionState:
    found = VersionState(
        version=fields.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        content_hash=_digest(fields, "content_hash"),
        file_hash=_digest(fields, "file_hash"),
        publisher_id=_digest(fields, "publisher_id"),
        status=cast("Status", fields.one_of("status", STATUSES)),
    )
    fields.end()
    return found


@lru_cache(LINES_KNOWN_MAX)
def _line_hash(version: VersionState) -> bytes:
    return leaf_hash(version_line(version))


def versions_root(versions: Sequence[VersionState]) -> bytes:
    """The root over the lines of all versions, in their order."""
    return root_of([_line_hash(one) for one in versions])


def map_value(state: PackageState) -> bytes:
    return canonical({
        "package_id": state.package_id, "publisher_id": state.publisher_id, "latest": state.latest, "status": state.status,
        "versions": versions_root(state.versions).hex(), "count": len(state.versions), "index": state.index,
    })  # fmt: skip


def read_value(data: bytes, *, where: str) -> MapValue:
    faults = Faults("registry")
    fields = Fields(_read_bounded(data, VALUE_BYTES_MAX, where), where, faults)
    is_none = fields.found.get("latest") == ""
    root = _digest(fields, "versions")
    found = (
        _package_id(fields),
        _digest(fields, "publisher_id", least=0),
        fields.text("latest", most=VERSION_MAX, least=0, pattern=None if is_none else VERSION, form=VERSION_FORM),
        cast("PackageStatus", fields.one_of("status", PACKAGE_STATUSES)),
        fields.number("count", least=0, most=VERSIONS_MAX),
        fields.number("index", least=0, most=JSON_INT_MAX),
    )
    fields.end()
    faults.stop()
    package_id, publisher_id, latest, status, count, index = found
    return MapValue(package_id=package_id, publisher_id=publisher_id, latest=latest, status=status, versions=bytes.fromhex(root), count=count, index=index)


def _package_id(fields: Fields) -> str:
    return fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM)


class _AtHand:
    """A tree whose leaf hashes are all at hand."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves

    def subtree(self, level: int, index: int) -> bytes:
        return root_of(self.leaves[index << level : (index + 1) << level])


def version_proof(state: PackageState, version: str) -> LineProof:
    index = _place(state.versions, version)
    if not _stands_at(state.versions, index, version):
        raise Refused("registry.no_version", "the package has no such version", where=f"{state.package_id}@{version}", hint="see `mpp registry show`")
    path = inclusion_path(_AtHand([_line_hash(one) for one in state.versions]), index, len(state.versions))
    return LineProof(line=version_line(state.versions[index]), index=index, path=tuple(path))


def _place(versions: Sequence[VersionState], version: str) -> int:
    """Where the version stands, or would."""
    return bisect_left(versions, order_of(version), key=lambda one: order_of(one.version))


def _stands_at(versions: Sequence[VersionState], place: int, version: str) -> bool:
    return place < len(versions) and versions[place].version == version


def applied(state: PackageState | None, leaf: Leaf) -> PackageState | None:
    """The state after a leaf. Refuses what the rules forbid; a leaf about no package changes nothing."""
    package_id = package_of(leaf.change)
    if package_id is None:
        return state
    change = cast("PackageChange", leaf.change)
    if state is None:
        return _created(change, leaf)
    if package_id != state.package_id or leaf.index <= state.index:
        raise _forbidden("the leaf is about another package, or not newer than its state", leaf)
    return _changed(state, change, leaf)


def _forbidden(why: str, leaf: Leaf) -> Refused:
    where = f"leaf {leaf.index}: {package_of(leaf.change)}"
    return Refused("registry.rule", why, where=where, hint="see the rules of section 3 of the specification of registries")


def _created(change: PackageChange, leaf: Leaf) -> PackageState:
    if not isinstance(change, PackageOwners):
        raise _forbidden("the package does not exist", leaf)
    if change.by not in {ADMIN, *_ids(change.owners, only_owners=True)}:
        raise _forbidden("a package is made by one of its owners", leaf)
    _need_an_owner(change.owners, leaf)
    return PackageState(package_id=change.package_id, publisher_id="", owners=change.owners, versions=(), index=leaf.index)


def _ids(owners: Sequence[Owner], *, only_owners: bool = False) -> set[str]:
    return {one.publisher_id for one in owners if one.role == "owner" or not only_owners}


def _need_an_owner(owners: Sequence[Owner], leaf: Leaf) -> None:
    # Attack: a package that only maintainers are left of belongs to nobody, and nobody could say who comes next.
    if not _ids(owners, only_owners=True):
        raise _forbidden("a package needs an owner", leaf)


def _changed(state: PackageState, change: PackageChange, leaf: Leaf) -> PackageState:
    owners, versions, publisher_id = state.owners, state.versions, state.publisher_id
    match change:
        case PackageOwners():
            if change.by not in {ADMIN, *_ids(state.owners, only_owners=True)}:
                raise _forbidden("only an owner says who owns a package", leaf)
            _need_an_owner(change.owners, leaf)
            owners = change.owners
        case VersionStaged():
            _may_add(state, change, leaf)
        case VersionPublished():
            versions, publisher_id = _with_version(state, change, leaf), change.publisher_id
        case VersionStatusChanged():
            versions = _with_status(state, change, leaf)
        case _:
            if not {one.version for one in state.versions}.issuperset(change.versions):
                raise _forbidden("an advisory names a version that does not exist", leaf)
    return PackageState(package_id=state.package_id, publisher_id=publisher_id, owners=owners, versions=versions, index=leaf.index)


def _may_add(state: PackageState, change: VersionStaged | VersionPublished, leaf: Leaf) -> int:
    """The place of a new version."""
    if change.publisher_id not in _ids(state.owners):
        raise _forbidden("the publisher neither owns nor maintains the package", leaf)
    place = _place(state.versions, change.version)
    # Attack: 1.0.0+a beside 1.0.0+b, of which one host takes this and another that.
    if place < len(state.versions) and order_of(state.versions[place].version) == order_of(change.version):
        raise _forbidden("the version exists; none is ever replaced", leaf)
    # Attack: what was revoked comes back under another number.
    if any(one.content_hash == change.content_hash for one in state.versions):
        raise _forbidden("the same content was published as another version", leaf)
    if len(state.versions) >= VERSIONS_MAX:
        raise _forbidden(f"a package has at most {VERSIONS_MAX} versions", leaf)
    return place


def _with_version(state: PackageState, change: VersionPublished, leaf: Leaf) -> tuple[VersionState, ...]:
    place = _may_add(state, change, leaf)
    made = VersionState(version=change.version, content_hash=change.content_hash, file_hash=change.file_hash, publisher_id=change.publisher_id, status="active")
    return (*state.versions[:place], made, *state.versions[place:])


def _with_status(state: PackageState, change: VersionStatusChanged, leaf: Leaf) -> tuple[VersionState, ...]:
    place = _place(state.versions, change.version)
    if not _stands_at(state.versions, place, change.version):
        raise _forbidden("the version does not exist", leaf)
    if change.by not in {ADMIN, *_ids(state.owners)}:
        raise _forbidden("the publisher neither owns nor maintains the package", leaf)
    old = state.versions[place]
    if old.status == "revoked":
        raise _forbidden("what is revoked stays revoked", leaf)
    # Attack: a stolen release key that lifts the quarantine which stopped it. To revoke is stricter and stays free.
    is_quarantine = "quarantined" in {old.status, change.status} and change.status != "revoked"
    if is_quarantine and change.by != ADMIN:
        raise _forbidden("a quarantine is the registry's own", leaf)
    made = VersionState(version=old.version, content_hash=old.content_hash, file_hash=old.file_hash, publisher_id=old.publisher_id, status=change.status)
    return (*state.versions[:place], made, *state.versions[place + 1 :])


def write_state(state: PackageState) -> bytes:
    """A state as it is kept by whoever follows a log."""
    return canonical({
        "package_id": state.package_id, "publisher_id": state.publisher_id, "index": state.index, "versions": [_version_json(one) for one in state.versions],
        "owners": [{"publisher_id": one.publisher_id, "role": one.role} for one in state.owners],
    })  # fmt: skip


def read_state(data: bytes, *, where: str) -> PackageState:
    faults = Faults("registry")
    fields = Fields(_read_bounded(data, STATE_BYTES_MAX, where), where, faults)
    state = PackageState(
        package_id=_package_id(fields),
        publisher_id=_digest(fields, "publisher_id", least=0),
        owners=read_owners(fields),
        versions=fields.each("versions", lambda item, at: _read_version(Fields(item, at, faults)), most=VERSIONS_MAX, required=True),
        index=fields.number("index", least=0, most=JSON_INT_MAX),
    )
    fields.end()
    faults.stop()
    orders = [order_of(one.version) for one in state.versions]
    if any(not before < after for before, after in zip(orders, orders[1:], strict=False)):
        raise Refused("registry.form", "the versions of a state do not ascend", where=where, hint="make the state again from the leaves")
    return state
