"""A registry in memory, with fixed keys: the log, map, checkpoints and proofs that a real one has, and nothing around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from mpp.crypto.ed25519 import SeedSigner
from mpp.ledger import keymap
from mpp.ledger.notes import NoteKey, NoteSignature, cosign_text, read_note, write_note
from mpp.ledger.tree import consistency_path, inclusion_path, leaf_hash, root_of
from mpp.protocol.registry.bundle import Absence, Bundle
from mpp.protocol.registry.checkpoint import RegistryCheckpoint, origin_of, sign_checkpoint
from mpp.protocol.registry.events import Change, Leaf, Owner, PackageOwners, RegistryOpened, VersionPublished, package_of, write_leaf
from mpp.protocol.registry.state import PackageState, applied, map_key, map_value, version_proof
from mpp.testing.keys import TestPublisher, fixed_signer, publisher

OPENED_AT = 1_767_225_600


def digest(label: str) -> str:
    return sha256(label.encode("utf-8")).hexdigest()


class LeafHashes:
    """The hashes of a tree that is all at hand."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves

    def subtree(self, level: int, index: int) -> bytes:
        return root_of(self.leaves[index << level : (index + 1) << level])


class MemoryNodes(dict[bytes, bytes]):
    """The nodes of a map."""

    def read(self, paths: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {path: self[path] for path in paths if path in self}


class MemoryRegistry:
    """Each change is a leaf and a second of its own."""

    def __init__(self, name: str = "Example Registry") -> None:
        self.keys: TestPublisher = publisher(name)
        self.id, self.origin = self.keys.id, origin_of(self.keys.id)
        self.leaves: list[bytes] = []
        self.packages: dict[str, PackageState] = {}
        self.nodes = MemoryNodes()
        self.published: dict[tuple[str, str], int] = {}
        self.append(RegistryOpened(registry_id=self.id, name=name))

    @property
    def at(self) -> int:
        return OPENED_AT + len(self.leaves)

    def append(self, change: Change, *, at: int | None = None) -> Leaf:
        leaf = Leaf(index=len(self.leaves), at=self.at + 1 if at is None else at, change=change)
        name = package_of(change)
        state = applied(self.packages.get(name or ""), leaf)
        if state is not None:
            self.packages[state.package_id] = state
            self.nodes.update(keymap.update(self.nodes, map_key(state.package_id), map_value(state)).nodes)
        if isinstance(change, VersionPublished):
            self.published[change.package_id, change.version] = leaf.index
        self.leaves.append(write_leaf(leaf))
        return leaf

    def publish(self, package_id: str, version: str, owner: str = "owner") -> Leaf:
        """A version of a package, which is made if it is not there; its hashes follow from its name."""
        name = f"{package_id}@{version}"
        return self.put(
            VersionPublished(
                package_id=package_id, version=version, publisher_id=digest(owner), content_hash=digest(name), file_hash=digest(name + " file"), size=1000
            )
        )

    def put(self, change: VersionPublished) -> Leaf:
        """A version with hashes of its own."""
        who = change.publisher_id
        if change.package_id not in self.packages:
            self.append(PackageOwners(package_id=change.package_id, owners=(Owner(publisher_id=who, role="owner"),), by=who))
        return self.append(change)

    @property
    def hashes(self) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in self.leaves]

    def checkpoint(self, *, at: int | None = None) -> RegistryCheckpoint:
        signers = self.keys.release
        return sign_checkpoint(self.origin, len(self.leaves), root_of(self.hashes), keymap.root_in(self.nodes), self.at if at is None else at, signers)

    def consistency(self, old: int) -> tuple[bytes, ...]:
        return tuple(consistency_path(LeafHashes(self.hashes), old, len(self.leaves)))

    def bundle(self, package_id: str, version: str, *, checkpoint: RegistryCheckpoint | None = None) -> Bundle:
        state, index = self.packages[package_id], self.published[package_id, version]
        path = inclusion_path(LeafHashes(self.hashes), index, len(self.leaves))
        note = (checkpoint or self.checkpoint()).note
        return Bundle(
            roots=self.keys.chain.data,
            checkpoint=note,
            leaf=self.leaves[index],
            inclusion=tuple(path),
            value=map_value(state),
            map_proof=keymap.prove(self.nodes, map_key(package_id)),
            line=version_proof(state, version),
        )

    def absence(self, package_id: str) -> Absence:
        proof = keymap.prove(self.nodes, map_key(package_id))
        return Absence(roots=self.keys.chain.data, checkpoint=self.checkpoint().note, package_id=package_id, map_proof=proof)


def witness(name: str = "witness.example/one") -> tuple[NoteKey, SeedSigner]:
    signer = fixed_signer(name)
    return NoteKey(name=name, public=signer.public_key, algorithm=4), signer


def cosigned(checkpoint: RegistryCheckpoint, signer: SeedSigner, name: str, at: int) -> RegistryCheckpoint:
    note = read_note(checkpoint.note, where="checkpoint")
    more: list[NoteSignature] = [*note.signatures, cosign_text(note.text, name, signer, at)]
    made = write_note(note.text, more)
    return RegistryCheckpoint(origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root, map_root=checkpoint.map_root, at=checkpoint.at, note=made)
