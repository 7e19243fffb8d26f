"""Bundles: what proves without a network that a registry published a file, and what it says of it. Pure.

Spec: registry section 5.
"""

from __future__ import annotations

from collections.abc import Sequence

from mpp.crypto import base64text
from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import Refused
from mpp.ledger import keymap
from mpp.ledger.keymap import PROOF_BYTES_MAX, MapProof
from mpp.ledger.notes import NOTE_BYTES_MAX, NoteKey
from mpp.ledger.tree import HASH_BYTES, is_included, leaf_hash
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read_canonical
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.model.value import value
from mpp.protocol.registry.checkpoint import RegistryCheckpoint, check_age, read_signed, witnessed_by
from mpp.protocol.registry.events import Leaf, Status, VersionPublished, read_leaf
from mpp.protocol.registry.limits import (
    BUNDLE_BYTES_MAX,
    LEAF_BYTES_MAX,
    PATH_HASHES_MAX,
    ROOTS_BYTES_MAX,
    VALUE_BYTES_MAX,
    VERSIONS_MAX,
)
from mpp.protocol.registry.state import LineProof, MapValue, PackageStatus, VersionState, map_key, read_line, read_value

_AGAIN = "get it again from the registry"


@value
class Bundle:
    """Read and not judged."""

    roots: bytes
    """The registry's root document."""
    checkpoint: bytes
    """The signed note."""
    leaf: bytes
    """``version.published``."""
    inclusion: tuple[bytes, ...]
    value: bytes
    """What the map says of the package."""
    map_proof: MapProof
    line: LineProof


@value
class Absence:
    """Read and not judged: a registry says that it has no such package."""

    roots: bytes
    checkpoint: bytes
    package_id: str
    map_proof: MapProof


@value
class Proven:
    """What a registry has signed. What to do about it is the reader's."""

    registry_id: str
    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    status: Status
    """Of this version."""
    latest: str
    package_status: PackageStatus
    index: int
    """The place of its publication in the log."""
    published_at: int
    size: int
    """How many leaves the log had."""
    at: int
    """When all of this was so."""
    witnesses: tuple[str, ...]
    chain: RootChain
    """The longest root document of the registry that is known now."""


@value
class ProvenAbsent:
    registry_id: str
    package_id: str
    size: int
    at: int
    witnesses: tuple[str, ...]
    chain: RootChain


def write_bundle(bundle: Bundle) -> bytes:
    """The bytes of a sidecar file."""
    return _bounded(canonical({
        "mpp_bundle": 1, "roots": base64text.encode(bundle.roots), "checkpoint": base64text.encode(bundle.checkpoint),
        "leaf": base64text.encode(bundle.leaf), "inclusion": _hashes(bundle.inclusion),
        "value": base64text.encode(bundle.value), "map_proof": base64text.encode(keymap.write_proof(bundle.map_proof)),
        "line": base64text.encode(bundle.line.line), "line_index": bundle.line.index, "line_path": _hashes(bundle.line.path),
    }), "bundle")  # fmt: skip


def write_absence(absence: Absence) -> bytes:
    return _bounded(canonical({
        "mpp_absence": 1, "roots": base64text.encode(absence.roots), "checkpoint": base64text.encode(absence.checkpoint),
        "package_id": absence.package_id, "map_proof": base64text.encode(keymap.write_proof(absence.map_proof)),
    }), "absence")  # fmt: skip


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > BUNDLE_BYTES_MAX:
        raise Refused("registry.length", f"it has more than {BUNDLE_BYTES_MAX} bytes", where=where, hint="ask for fewer cosignatures")
    return data


def _hashes(path: Sequence[bytes]) -> list[Json]:
    return [base64text.encode(one) for one in path]


def read_bundle(data: bytes, *, where: str = "bundle") -> Bundle:
    faults = Faults("registry")
    fields = Fields(read_canonical(_bounded(data, where), family="registry", where=where), where, faults)
    fields.number("mpp_bundle", least=1, most=1)
    roots, checkpoint, proof = _common(fields)
    line = LineProof(
        line=base64text.read_field(fields, "line", 1, VALUE_BYTES_MAX),
        index=fields.number("line_index", least=0, most=VERSIONS_MAX),
        path=_read_path(fields, "line_path"),
    )
    leaf, item = base64text.read_field(fields, "leaf", 1, LEAF_BYTES_MAX), base64text.read_field(fields, "value", 1, VALUE_BYTES_MAX)
    path = _read_path(fields, "inclusion")
    fields.end()
    faults.stop()
    map_proof = keymap.read_proof(proof, where=f"{where}/map_proof")
    return Bundle(roots=roots, checkpoint=checkpoint, leaf=leaf, inclusion=path, value=item, map_proof=map_proof, line=line)


def read_absence(data: bytes, *, where: str = "absence") -> Absence:
    faults = Faults("registry")
    fields = Fields(read_canonical(_bounded(data, where), family="registry", where=where), where, faults)
    fields.number("mpp_absence", least=1, most=1)
    roots, checkpoint, proof = _common(fields)
    package_id = fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM)
    fields.end()
    faults.stop()
    return Absence(roots=roots, checkpoint=checkpoint, package_id=package_id, map_proof=keymap.read_proof(proof, where=f"{where}/map_proof"))


def _common(fields: Fields) -> tuple[bytes, bytes, bytes]:
    return (
        base64text.read_field(fields, "roots", 1, ROOTS_BYTES_MAX),
        base64text.read_field(fields, "checkpoint", 1, NOTE_BYTES_MAX),
        base64text.read_field(fields, "map_proof", 1, PROOF_BYTES_MAX),
    )


def _read_path(fields: Fields, key: str) -> tuple[bytes, ...]:
    most = (HASH_BYTES + 2) // 3 * 4
    found: list[bytes] = []
    for i, item in enumerate(fields.items(key, most=PATH_HASHES_MAX, required=True)):
        data = base64text.decode(item) if isinstance(item, str) and len(item) == most else None
        if data is None or len(data) != HASH_BYTES:
            fields.faults.add("base64", f"{fields.path(key)}/{i}", "must be a hash in base64", _AGAIN)
        found.append(data or b"")
    return tuple(found)


def registry_chain(roots: bytes, registry_id: str, known: RootChain | None, *, where: str) -> RootChain:
    """The root document that decides: the longer one of that which came along and that which is known, of which one begins with the other."""
    try:
        chain = read_chain(roots, where=f"{where}/roots")
    except Refused as fault:
        raise Refused("registry.roots", f"the registry's root document does not hold: {fault.message}", where=fault.where, hint=_AGAIN) from None
    # Attack: a whole and soundly signed bundle of a registry that anybody can open.
    if chain.publisher_id != registry_id or (known is not None and known.publisher_id != registry_id):
        raise Refused("registry.identity", "this is of another registry", where=where, hint="name the registry that you mean by its full id")
    if known is None or chain.begins_with(known):
        return chain
    if known.begins_with(chain):
        return known
    raise Refused("registry.fork", "the registry has two root documents of one version", where=where, hint="ask its operator which one holds; report it")


def proven(
    bundle: Bundle, registry_id: str, *, now: int, max_age: int | None = None, known: RootChain | None = None, witnesses: Sequence[NoteKey] = ()
) -> Proven:
    """Judge a bundle, in the order of the specification: whose it is, who signed, how old, then each proof, then that all parts are about one thing.

    ``known``: the root document of the registry that this host keeps, so that keys which were taken out since hold no more.
    """
    where = "bundle"
    chain = registry_chain(bundle.roots, registry_id, known, where=where)
    checkpoint = read_signed(bundle.checkpoint, chain, where=f"{where}/checkpoint")
    check_age(checkpoint, now=now, max_age=max_age, where=f"{where}/checkpoint")
    leaf, change = _published(bundle, checkpoint)
    item = _mapped(bundle.value, bundle.map_proof, checkpoint)
    line = _lined(bundle.line, item)
    _one_thing(leaf, change, item, line, checkpoint)
    return Proven(
        registry_id=registry_id,
        package_id=item.package_id,
        version=line.version,
        publisher_id=line.publisher_id,
        content_hash=line.content_hash,
        file_hash=line.file_hash,
        status=line.status,
        latest=item.latest,
        package_status=item.status,
        index=leaf.index,
        published_at=leaf.at,
        size=checkpoint.size,
        at=checkpoint.at,
        witnesses=tuple(name for name, _ in witnessed_by(checkpoint, witnesses)),
        chain=chain,
    )


def _no_proof(what: str, where: str) -> Refused:
    return Refused("registry.proof", f"the checkpoint does not vouch for {what}", where=where, hint=_AGAIN)


def _published(bundle: Bundle, checkpoint: RegistryCheckpoint) -> tuple[Leaf, VersionPublished]:
    leaf = read_leaf(bundle.leaf, where="bundle/leaf")
    if not is_included(leaf_hash(bundle.leaf), leaf.index, checkpoint.size, bundle.inclusion, checkpoint.root):
        raise _no_proof("this leaf of the log", "bundle/inclusion")
    if not isinstance(leaf.change, VersionPublished):
        raise Refused("registry.contradiction", "the leaf is not about the publication of a version", where="bundle/leaf", hint=_AGAIN)
    return leaf, leaf.change


def _mapped(data: bytes, proof: MapProof, checkpoint: RegistryCheckpoint) -> MapValue:
    item = read_value(data, where="bundle/value")
    if not keymap.proves(checkpoint.map_root, map_key(item.package_id), data, proof):
        raise _no_proof("what is said of the package", "bundle/map_proof")
    return item


def _lined(line: LineProof, item: MapValue) -> VersionState:
    if not is_included(leaf_hash(line.line), line.index, item.count, line.path, item.versions):
        raise _no_proof("what is said of the version", "bundle/line_path")
    return read_line(line.line, where="bundle/line")


def _one_thing(leaf: Leaf, change: VersionPublished, item: MapValue, line: VersionState, checkpoint: RegistryCheckpoint) -> None:
    """Attack: sound proofs of two things, put together so that the good name of one covers the other."""
    said = (change.package_id, change.version, change.publisher_id, change.content_hash, change.file_hash)
    if said != (item.package_id, line.version, line.publisher_id, line.content_hash, line.file_hash):
        raise Refused("registry.contradiction", "the parts of the bundle are about different versions", where="bundle", hint=_AGAIN)
    if not leaf.index <= item.index < checkpoint.size or leaf.at > checkpoint.at:
        raise Refused("registry.contradiction", "the parts of the bundle are of different times", where="bundle", hint=_AGAIN)


def proven_absent(
    absence: Absence,
    registry_id: str,
    package_id: str,
    *,
    now: int,
    max_age: int | None = None,
    known: RootChain | None = None,
    witnesses: Sequence[NoteKey] = (),
) -> ProvenAbsent:
    """Judge a proof that a registry has no package of this id."""
    # Attack: the absence of another name, which is as true.
    if absence.package_id != package_id:
        raise Refused("registry.contradiction", "this is about the absence of another package", where="absence/package_id", hint=_AGAIN)
    chain = registry_chain(absence.roots, registry_id, known, where="absence")
    checkpoint = read_signed(absence.checkpoint, chain, where="absence/checkpoint")
    check_age(checkpoint, now=now, max_age=max_age, where="absence/checkpoint")
    if not keymap.proves(checkpoint.map_root, map_key(absence.package_id), None, absence.map_proof):
        raise Refused("registry.proof", "the checkpoint does not say that the package is absent", where="absence/map_proof", hint=_AGAIN)
    names = tuple(name for name, _ in witnessed_by(checkpoint, witnesses))
    return ProvenAbsent(registry_id=registry_id, package_id=absence.package_id, size=checkpoint.size, at=checkpoint.at, witnesses=names, chain=chain)
