"""What a registry proves of one version, judged against all that was seen of the registry before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from mpp.errors import Refused
from mpp.ledger.notes import NoteKey
from mpp.model.value import value
from mpp.protocol.registry.bundle import proven, Proven, proven_absent, ProvenAbsent, read_absence, read_bundle
from mpp.protocol.registry.documents import VersionDoc
from mpp.protocol.registry.events import Status, VersionPublished, read_leaf
from mpp.protocol.registry.state import order_of, read_value, versions_root, VersionState
from mpp.remote.memory import Consistency, MemoryFile

LIVE = ("active", "deprecated")


@value
class Proof:
    """A bundle that holds, and goes on from what was seen before."""

    bundle: bytes
    proven: Proven
    versions: bytes
    """Root over the lines of all versions of the package."""
    size: int
    """Bytes of the file."""


@value
class Terms:
    """What is asked of a proof."""

    now: int
    max_age: int | None
    """None: a file from elsewhere, whose age is only shown."""
    witnesses: tuple[NoteKey, ...] = ()
    quorum: int = 0
    """How many of the witnesses must have cosigned."""


def judge_bundle(data: bytes, memory: MemoryFile, consistency: Consistency | None, terms: Terms) -> Proof:
    """The bundle in itself, by the root documents that are known; then that its log goes on from the one that was seen. ``consistency`` None: without a network."""
    bundle = read_bundle(data)
    known = memory.known()
    found = proven(bundle, memory.registry_id, now=terms.now, max_age=terms.max_age, known=known.chain, witnesses=terms.witnesses)
    _judge_witnesses(found.witnesses, terms)
    if consistency is None:
        memory.compare(bundle.checkpoint, terms.now)
    else:
        memory.learn(found.chain)
        memory.accept(bundle.checkpoint, consistency, terms.now, terms.max_age)
    leaf, item = read_leaf(bundle.leaf, where="bundle/leaf").change, read_value(bundle.value, where="bundle/value")
    return Proof(bundle=data, proven=found, versions=item.versions, size=leaf.size if isinstance(leaf, VersionPublished) else 0)


def judge_absence(data: bytes, memory: MemoryFile, consistency: Consistency, terms: Terms, package_id: str) -> ProvenAbsent:
    absence = read_absence(data)
    found = proven_absent(absence, memory.registry_id, package_id, now=terms.now, max_age=terms.max_age, known=memory.known().chain, witnesses=terms.witnesses)
    memory.learn(found.chain)
    memory.accept(absence.checkpoint, consistency, terms.now, terms.max_age)
    return found


def _judge_witnesses(names: tuple[str, ...], terms: Terms) -> None:
    """Attack: a registry that shows one history to us and another to everybody else. Witnesses have seen one."""
    if len(set(names)) < terms.quorum:
        message = f"{len(set(names))} of {len(terms.witnesses)} witnesses cosigned the checkpoint, {terms.quorum} are asked for"
        raise Refused("registry.unwitnessed", message, where="checkpoint", hint="try again in a minute; then ask who runs the registry")


def judge_list(proof: Proof, versions: Iterable[VersionDoc]) -> None:
    """Attack: a list from which the newest version was left out, or in which one has another hash: mix and match."""
    states = [
        VersionState(
            version=one.version, content_hash=one.content_hash, file_hash=one.file_hash, publisher_id=one.publisher_id, status=cast("Status", one.status)
        )
        for one in sorted(versions, key=lambda one: order_of(one.version))
    ]
    if versions_root(states) != proof.versions:
        message = "the registry's list of versions is not the one that its log proves"
        raise Refused("registry.incomplete", message, where=proof.proven.package_id, hint="try again; if it stays so, tell who runs the registry")
