"""A map from keys to values with one root: it proves what a key has, and that it has nothing. Pure.

A compressed sparse Merkle tree: bit by bit the key leads from the root down, and a subtree with one entry is that entry's leaf. Whoever knows the
root can be shown the one thing that a key leads to, and nothing else. Nothing is ever taken out.

Spec: registry section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

from mpp.errors import Refused
from mpp.model.value import value

HASH_BYTES = 32
KEY_BITS = 256
EMPTY = bytes(HASH_BYTES)
"""The hash of a subtree without entries. Nobody finds a leaf or node with it."""

PROOF_BYTES_MAX = 3 + KEY_BITS // 8 + KEY_BITS * HASH_BYTES + 2 * HASH_BYTES
"""Bytes of one proof. Reason: a hash for each bit of a key; one of ten million entries has about 850."""

READ_AHEAD = 32
"""Depths that are asked of the store at once. Reason: ten million entries lie about 25 deep, so one question finds nearly every leaf."""

_LEAF, _NODE = b"\x02", b"\x03"
_PRESENT, _NOTHING, _OTHER = 0, 1, 2
_HEAD_BYTES = 3


class MapNodes(Protocol):
    """The nodes of a map that are kept somewhere, by their paths."""

    def read(self, paths: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The nodes that stand at these paths; a path without a node is left out."""
        ...


class MapChange(NamedTuple):
    """What an update makes of a map."""

    root: bytes
    nodes: dict[bytes, bytes]
    """By path: the nodes that are new or other than before. None is taken away."""


@value
class MapProof:
    siblings: tuple[bytes, ...]
    """What stands beside the way of the key, from the root down; ``EMPTY`` for nothing."""
    other: tuple[bytes, bytes] | None = None
    """For a key that is not there: key and hash of the value of the entry that stands where its way ends."""
    is_empty: bool = False
    """For a key that is not there: its way ends at nothing."""


def leaf_of(key: bytes, value_hash: bytes) -> bytes:
    """A leaf as it is kept. Its hash is the SHA-256 of this, as that of a node."""
    return _LEAF + key + value_hash


def path_of(key: bytes, depth: int) -> bytes:
    """The place of the node to which the first ``depth`` bits of ``key`` lead: the depth in two bytes, and these bits."""
    whole, bits = divmod(depth, 8)
    rest = bytes([key[whole] & (0xFF00 >> bits & 0xFF)]) if bits else b""
    return depth.to_bytes(2, "big") + key[:whole] + rest


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


def _hash(node: bytes) -> bytes:
    return sha256(node).digest()


def _joined(bit: int, on_way: bytes, beside: bytes) -> bytes:
    """A node, from the hash on the way of a key with this bit and the one beside it."""
    return _NODE + (beside + on_way if bit else on_way + beside)


def root_of_map(entries: Mapping[bytes, bytes]) -> bytes:
    """The root over entries that are all at hand: the definition, which everything else must equal."""
    return _subtree([(key, _hash(leaf_of(key, _hash(entries[key])))) for key in sorted(entries)], 0, 0, len(entries))


def _subtree(leaves: list[tuple[bytes, bytes]], depth: int, begin: int, end: int) -> bytes:
    if end - begin <= 1:
        return leaves[begin][1] if end > begin else EMPTY
    middle = _split(leaves, depth, begin, end)
    return _hash(_NODE + _subtree(leaves, depth + 1, begin, middle) + _subtree(leaves, depth + 1, middle, end))


def _split(leaves: list[tuple[bytes, bytes]], depth: int, begin: int, end: int) -> int:
    """The first of the sorted leaves whose bit at ``depth`` is set."""
    while begin < end:
        middle = (begin + end) // 2
        if _bit(leaves[middle][0], depth):
            end = middle
        else:
            begin = middle + 1
    return begin


def nodes_of(entries: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """All nodes of a map that is made at once, each with its path; the root's is the last. ``entries`` maps keys to hashes of values."""
    leaves = [(key, leaf_of(key, entries[key])) for key in sorted(entries)]
    if leaves:
        yield from _nodes_below(leaves, 0, 0, len(leaves))


def _nodes_below(leaves: list[tuple[bytes, bytes]], depth: int, begin: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    key, node = leaves[begin]
    if end - begin > 1:
        middle, hashes = _split(leaves, depth, begin, end), [EMPTY, EMPTY]
        for side, first, last in ((0, begin, middle), (1, middle, end)):
            below = b""
            for found in _nodes_below(leaves, depth + 1, first, last) if last > first else ():
                yield found
                below = found[1]
            hashes[side] = _hash(below) if below else EMPTY
        node = _NODE + hashes[0] + hashes[1]
    yield path_of(key, depth), node


def _way(nodes: MapNodes, key: bytes) -> tuple[list[bytes], bytes | None]:
    """The hashes beside the way of a key, and the leaf at its end: None where there is nothing."""
    if len(key) != HASH_BYTES:
        raise Refused("registry.map", "a key of the map has not 32 bytes", hint="take the SHA-256 of the name")
    beside, on_way = list[bytes](), b""
    found: Mapping[bytes, bytes] = {}
    while True:
        depth = len(beside)
        if depth % READ_AHEAD == 0:
            found = nodes.read([path_of(key, at) for at in range(depth, min(depth + READ_AHEAD, KEY_BITS + 1))])
        node = found.get(path_of(key, depth))
        if node is None and not depth:
            return beside, None
        # Attack: a node that was exchanged where it is kept, under which the next root would be signed. Whoever knows the root compares it.
        if node is None or (depth and _hash(node) != on_way):
            break
        if node[:1] == _LEAF:
            return beside, node
        if depth == KEY_BITS:
            break
        left, right = node[1 : 1 + HASH_BYTES], node[1 + HASH_BYTES :]
        on_way, other = (right, left) if _bit(key, depth) else (left, right)
        beside.append(other)
        if on_way == EMPTY:
            return beside, None
    raise Refused("registry.map", "a node of the map is missing or not the one that belongs there", hint="make the map again from the leaves of the log")


def prove(nodes: MapNodes, key: bytes) -> MapProof:
    """What a key leads to."""
    beside, leaf = _way(nodes, key)
    if leaf is None:
        return MapProof(siblings=tuple(beside), is_empty=True)
    other = leaf[1 : 1 + HASH_BYTES]
    return MapProof(siblings=tuple(beside), other=None if other == key else (other, leaf[1 + HASH_BYTES :]))


def value_hash(nodes: MapNodes, key: bytes) -> bytes | None:
    """The SHA-256 of what a key has; None where it has nothing."""
    _, leaf = _way(nodes, key)
    return leaf[1 + HASH_BYTES :] if leaf is not None and leaf[1 : 1 + HASH_BYTES] == key else None


def root_in(nodes: MapNodes) -> bytes:
    """The root of the map that is kept."""
    path = path_of(b"", 0)
    node = nodes.read([path]).get(path)
    return EMPTY if node is None else _hash(node)


def update(nodes: MapNodes, key: bytes, value: bytes) -> MapChange:
    """The map in which ``key`` has ``value``. Reads and writes what lies on one way from the root down."""
    beside, old = _way(nodes, key)
    leaf, changed = leaf_of(key, _hash(value)), dict[bytes, bytes]()
    depth, other = len(beside), old[1 : 1 + HASH_BYTES] if old is not None else key
    if old is not None and other != key:
        # Two entries now share the way so far: each goes down until a bit tells them apart.
        apart = next(at for at in range(depth, KEY_BITS) if _bit(key, at) != _bit(other, at))
        changed[path_of(other, apart + 1)] = old
        beside = [*beside, *[EMPTY] * (apart - depth), _hash(old)]
        depth = apart + 1
    changed[path_of(key, depth)] = leaf
    below = _hash(leaf)
    for at in range(depth - 1, -1, -1):
        node = _joined(_bit(key, at), below, beside[at])
        changed[path_of(key, at)], below = node, _hash(node)
    return MapChange(below, changed)


class _Changed:
    """Nodes of which some are not kept yet."""

    def __init__(self, nodes: MapNodes) -> None:
        self.nodes, self.changed = nodes, dict[bytes, bytes]()

    def read(self, paths: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {**self.nodes.read([path for path in paths if path not in self.changed]), **{path: self.changed[path] for path in paths if path in self.changed}}


def update_all(nodes: MapNodes, entries: Mapping[bytes, bytes]) -> MapChange:
    """As ``update``, for several keys."""
    over = _Changed(nodes)
    for key in entries:
        over.changed.update(update(over, key, entries[key]).nodes)
    return MapChange(root_in(over), over.changed)


def proves(root: bytes, key: bytes, value: bytes | None, proof: MapProof) -> bool:
    """Does the map with this root have this value at ``key``, or with None nothing?"""
    end = _end_of(key, value, proof)
    if end is None or len(key) != HASH_BYTES or len(proof.siblings) > KEY_BITS:
        return False
    # Attack: a second form of the same map, in which an entry stands deeper than it must.
    if proof.siblings and proof.siblings[-1] == EMPTY:
        return False
    for at in range(len(proof.siblings) - 1, -1, -1):
        end = _hash(_joined(_bit(key, at), end, proof.siblings[at]))
    return end == root


def _end_of(key: bytes, value: bytes | None, proof: MapProof) -> bytes | None:
    """The hash at the end of the way, as the proof claims it; None where it cannot be about this."""
    if value is not None:
        return None if proof.is_empty or proof.other is not None else _hash(leaf_of(key, _hash(value)))
    if proof.other is None:
        return EMPTY if proof.is_empty else None
    other, depth = proof.other[0], len(proof.siblings)
    # Attack: the leaf of the key itself, or one from elsewhere in the map, as what stands in its place.
    is_there = not proof.is_empty and other != key and depth <= KEY_BITS and path_of(other, depth) == path_of(key, depth)
    return _hash(leaf_of(*proof.other)) if is_there else None


def write_proof(proof: MapProof) -> bytes:
    kind = _OTHER if proof.other is not None else _NOTHING if proof.is_empty else _PRESENT
    depth, bits = len(proof.siblings), 0
    for sibling in proof.siblings:
        bits = bits << 1 | (sibling != EMPTY)
    width = (depth + 7) // 8
    bitmap = (bits << (width * 8 - depth)).to_bytes(width, "big")
    return bytes([kind]) + depth.to_bytes(2, "big") + bitmap + b"".join(one for one in proof.siblings if one != EMPTY) + b"".join(proof.other or ())


def read_proof(data: bytes, *, where: str) -> MapProof:
    """A proof from anywhere. It has one form."""
    depth = int.from_bytes(data[1:_HEAD_BYTES], "big")
    width = (depth + 7) // 8
    bits = int.from_bytes(data[_HEAD_BYTES : _HEAD_BYTES + width], "big") >> (width * 8 - depth)
    hashes = data[_HEAD_BYTES + width :]
    kind, given = data[0] if data else _OTHER + 1, bits.bit_count()
    ends = (_HEAD_BYTES + width + HASH_BYTES * (given + (2 if kind == _OTHER else 0))) == len(data)
    if kind > _OTHER or depth > KEY_BITS or not ends:
        raise _no_proof(where)
    rest = iter([hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(given)])
    marks = [bits >> (depth - 1 - at) & 1 for at in range(depth)]
    other = (hashes[-2 * HASH_BYTES : -HASH_BYTES], hashes[-HASH_BYTES:]) if kind == _OTHER else None
    proof = MapProof(siblings=tuple(next(rest) if mark else EMPTY for mark in marks), other=other, is_empty=kind == _NOTHING)
    # Attack: one proof in two forms: an empty neighbour written out, or a spare bit set.
    if write_proof(proof) != data:
        raise _no_proof(where)
    return proof


def _no_proof(where: str) -> Refused:
    return Refused("registry.proof_form", "this is no proof of a map", where=where, hint="get it again from the registry")
