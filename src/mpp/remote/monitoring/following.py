"""One look at a registry: its newest checkpoint, the leaves up to it, and whether all that it says follows from them.

The order: (1) whose root document it is, (2) who signed the checkpoint, (3) that it is not older than what was seen, (4) the leaves in batches, each
shown to belong to what was signed before any of it is kept, (5) the rules, leaf by leaf, (6) the root of the log and of the map, (7) the cosignature.

Spec: registry section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mpp.crypto.roots import RootChain, read_chain
from mpp.errors import MppError, Refused, RemoteFailed
from mpp.ledger import keymap
from mpp.ledger.keymap import update_all
from mpp.ledger.tree import is_consistent, leaf_hash
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.protocol.registry.bundle import read_bundle, registry_chain
from mpp.protocol.registry.checkpoint import RegistryCheckpoint, check_age, read_signed, read_unsigned
from mpp.protocol.registry.events import Leaf, PublisherRegistered, PublisherRoot, package_of, read_leaf
from mpp.protocol.registry.rules import judge_leaf
from mpp.protocol.registry.state import PackageState, applied, map_key, map_value
from mpp.remote.monitoring.growing import grown
from mpp.remote.monitoring.limits import BATCH_LEAVES, LOOKED_AT_MAX
from mpp.remote.monitoring.reading import Source
from mpp.remote.monitoring.store import Finding, MonitorStore, Progress
from mpp.remote.monitoring.witness import Witness

Told = Callable[[int, int], None]
"""Told how many leaves have been read, and of how many."""


@value
class Wanted:
    """What is asked of a registry."""

    registry_id: str
    """Empty: whichever answers the first time."""
    max_age: int | None
    now: int


@value
class Looked:
    """A registry of which all holds."""

    registry_id: str
    name: str
    size: int
    packages: int
    read: int
    """Leaves that were new."""
    root: bytes
    map_root: bytes
    at: int
    cosigned: str
    """``no``, ``yes``, or why the registry did not take it."""


def look(source: Source, store: MonitorStore, wanted: Wanted, witness: Witness | None, told: Told) -> Looked:
    """Raises Refused for what an honest registry does not do; it is kept, and a final one is raised again at each later look."""
    final = next((one for one in store.findings() if one.is_final), None)
    if final is not None:
        hint = "what a registry has signed stays signed: keep the state as evidence, trust nothing of it, and report it"
        raise Refused(final.code, f"{final.message} (found before)", where=final.place, hint=hint)
    chain = _chain(source, store, wanted)
    before = store.progress()
    checkpoint = _checkpoint(source, store, chain, before, wanted)
    try:
        progress = _read(source, store, before, checkpoint, told)
        _compare(source, store, progress, checkpoint)
    except _FinalError as found:
        _keep(store, found.fault, before.note, checkpoint.note, wanted.now, is_final=True)
        raise found.fault from None
    return _held(source, store, chain, before, progress, checkpoint, witness, wanted.now)


class _FinalError(Exception):
    """What was signed contradicts itself."""

    def __init__(self, fault: Refused) -> None:
        super().__init__(fault.code)
        self.fault = fault


def _keep(store: MonitorStore, fault: MppError, before: bytes, note: bytes, now: int, *, is_final: bool) -> None:
    one = Finding(code=fault.code, message=fault.message, place=fault.where, at=now, is_final=is_final, before=before, note=note)
    with store.step():
        store.keep_finding(one)


def _chain(source: Source, store: MonitorStore, wanted: Wanted) -> RootChain:
    """The registry's root document; the longer of the one that is known and the one that it shows."""
    known = store.roots()
    roots = source.roots()
    if known is not None:
        registry_id, kept = known
        if wanted.registry_id not in {"", registry_id}:
            raise Refused("registry.identity", "the state is of another registry", where=store.path, hint="use another file for each registry: --state")
        chain = registry_chain(roots, registry_id, read_chain(kept, where=store.path), where="registry")
    else:
        chain = read_chain(roots, where="registry/roots")
        if wanted.registry_id not in {"", chain.publisher_id}:
            raise Refused("registry.identity", "another registry answers here", where="registry", hint="check the address and the id")
    with store.step():
        store.keep_roots(chain.publisher_id, chain.data)
    return chain


def _checkpoint(source: Source, store: MonitorStore, chain: RootChain, before: Progress, wanted: Wanted) -> RegistryCheckpoint:
    found = read_signed(source.checkpoint(), chain)
    check_age(found, now=wanted.now, max_age=wanted.max_age)
    seen = read_unsigned(before.note, where=store.path) if before.note else None
    try:
        _not_back(seen, before, found)
    except Refused as fault:
        # Of one size there is one tree: two signed notes are a proof. All else may be a mirror that lags.
        is_final = seen is not None and seen.size == found.size and fault.code == "registry.fork"
        _keep(store, fault, before.note, found.note, wanted.now, is_final=is_final)
        raise
    return found


def _not_back(seen: RegistryCheckpoint | None, before: Progress, found: RegistryCheckpoint) -> None:
    if seen is not None and seen.size == found.size and (seen.root, seen.map_root) != (found.root, found.map_root):
        hint = "the state of the monitor holds both signed notes: show them to others"
        raise Refused("registry.fork", "the registry signed two states of one size", where=f"size {found.size}", hint=hint)
    if found.size < before.tree.size or (seen is not None and found.at < seen.at):
        message = f"the registry shows {found.size} leaves, and had {before.tree.size}"
        raise Refused("registry.rollback", message, where=found.origin, hint="try again; report it if it stays so")


def _read(source: Source, store: MonitorStore, before: Progress, checkpoint: RegistryCheckpoint, told: Told) -> Progress:
    """All leaves up to the checkpoint. What was kept when this ends in the middle is gone on from."""
    progress = before
    while progress.tree.size < checkpoint.size:
        start = progress.tree.size
        leaves = source.leaves(start, min(BATCH_LEAVES, checkpoint.size - start))
        tree = grown(progress.tree, [leaf_hash(leaf) for leaf in leaves])
        path = source.consistency(tree.size, checkpoint.size) if tree.size < checkpoint.size else ()
        # Attack: leaves by somebody in between, which would make a sound registry look false for ever.
        if not is_consistent(tree.size, tree.root, checkpoint.size, checkpoint.root, path):
            hint = "the registry withholds its log, or somebody in between changes it: try another way to it, and report it if it stays so"
            raise Refused("registry.fork", "the leaves do not lead to the signed root of the log", where=f"leaves {start} to {tree.size}", hint=hint)
        progress = _applied(store, replace(progress, tree=tree), start, leaves, checkpoint)
        told(progress.tree.size, checkpoint.size)
    return progress


def _applied(store: MonitorStore, progress: Progress, start: int, leaves: Sequence[bytes], checkpoint: RegistryCheckpoint) -> Progress:
    """The step of one batch. The leaves are those that the registry signed, so whatever is wrong with them is its doing."""
    batch = _Batch(store, progress.leaf_at)
    try:
        for place, data in enumerate(leaves):
            batch.take(read_leaf(data, where=f"leaf {start + place}"), start + place, checkpoint)
    except Refused as fault:
        raise _FinalError(fault) from None
    values = {map_key(name): map_value(state) for name, state in batch.packages.items()}
    with store.step():
        change = update_all(store, values)
        store.keep_nodes(change.nodes)
        store.keep_packages(batch.packages)
        store.keep_publishers(batch.publishers)
        after = replace(progress, map_root=change.root, leaf_at=batch.at)
        store.keep_progress(after)
    return after


class _Batch:
    """What some leaves change, before it is kept."""

    def __init__(self, store: MonitorStore, at: int) -> None:
        self._store, self.at = store, at
        self.packages: dict[str, PackageState] = {}
        self.publishers: dict[str, int] = {}

    def take(self, leaf: Leaf, index: int, checkpoint: RegistryCheckpoint) -> None:
        """Spec: registry Z-10 to Z-18."""
        judge_leaf(leaf, index, at_least=self.at, at_most=checkpoint.at, root_version=self._version)
        self.at = leaf.at
        if isinstance(leaf.change, PublisherRegistered | PublisherRoot):
            self.publishers[leaf.change.publisher_id] = leaf.change.root_version
        name = package_of(leaf.change)
        if name is None:
            return
        state = applied(self.packages.get(name) or self._store.package(name), leaf)
        if state is not None:
            self.packages[name] = state

    def _version(self, publisher_id: str) -> int:
        return self.publishers.get(publisher_id) or self._store.root_version(publisher_id)


def _compare(source: Source, store: MonitorStore, progress: Progress, checkpoint: RegistryCheckpoint) -> None:
    """The heart of it: the map that every client is shown is the one that follows from the log."""
    if progress.tree.root != checkpoint.root:
        raise Refused("registry.fork", "the registry signed another root of the log at this size", where=f"size {checkpoint.size}", hint="keep the state")
    if progress.map_root == checkpoint.map_root:
        return
    where = _other_package(source, store, checkpoint) or f"size {checkpoint.size}"
    message = f"the map says something else than the log: its root is {checkpoint.map_root.hex()[:16]}, and {progress.map_root.hex()[:16]} follows"
    raise _FinalError(Refused("registry.mismatch", message, where=where, hint="trust nothing that this registry proves since, and report it"))


def _other_package(source: Source, store: MonitorStore, checkpoint: RegistryCheckpoint) -> str:
    """A package of which the signed map provably says something else than follows; empty where none is found among those that changed last."""
    for name in store.touched(LOOKED_AT_MAX):
        state = store.package(name)
        if state is None or not state.versions:
            continue
        try:
            bundle = read_bundle(source.bundle(name, state.versions[-1].version))
        except (Refused, RemoteFailed):
            continue
        is_signed = keymap.proves(checkpoint.map_root, map_key(name), bundle.value, bundle.map_proof)
        if is_signed and bundle.value != map_value(state):
            return f"{name}: {shown(bundle.value.decode('utf-8', 'replace'), 400)}"
    return ""


def _held(
    source: Source, store: MonitorStore, chain: RootChain, before: Progress, progress: Progress, checkpoint: RegistryCheckpoint, witness: Witness | None, now: int,
) -> Looked:  # fmt: skip
    progress = replace(progress, note=checkpoint.note)
    with store.step():
        if witness is not None:
            progress = witness.promised(progress, checkpoint)
        store.keep_progress(progress)
        store.forget_touched()
    # Only now, when it is on the disk what is signed.
    cosigned = witness.give(source, checkpoint, now) if witness is not None else "no"
    return Looked(
        registry_id=chain.publisher_id, name=chain.newest.name, size=checkpoint.size, packages=store.package_count(),
        read=checkpoint.size - before.tree.size, root=checkpoint.root, map_root=checkpoint.map_root, at=checkpoint.at, cosigned=cosigned,
    )  # fmt: skip
