"""The Merkle tree of RFC 6962: hashes, proofs and their verification. Pure.

Spec: audit L-2, L-12.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Protocol

HASH_BYTES = 32

PROOF_HASHES_MAX = 128
"""Hashes of one proof. Reason: twice the height of a tree of 2^63 entries; a proof from elsewhere has a bound."""

EMPTY_ROOT = sha256(b"").digest()

_new_node = sha256(b"\x01").copy
"""A hash that has its first byte already: a copy of it costs an eighth less than a new one."""


class Hashes(Protocol):
    """The hashes of a tree that is kept somewhere."""

    def subtree(self, level: int, index: int) -> bytes:
        """The root of the full subtree of ``2**level`` entries that begins at entry ``index * 2**level``."""
        ...


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes that are all at hand."""
    if not leaves:
        return EMPTY_ROOT
    level = leaves
    while len(level) > 1:
        joined: list[bytes] = []
        pairs = iter(level)
        for left, right in zip(pairs, pairs, strict=False):
            node = _new_node()
            node.update(left + right)
            joined.append(node.digest())
        # A node without a neighbour goes up as it is: that gives the tree of RFC 6962 for each size.
        level = [*joined, level[-1]] if len(level) % 2 else joined
    return level[0]


def range_root(hashes: Hashes, begin: int, end: int) -> bytes:
    """The hash of the node over the entries ``begin`` to ``end``, where ``begin`` is a place at which a node of that size can stand."""
    if end == begin:
        return EMPTY_ROOT
    found = [hashes.subtree(level, index) for level, index in _whole_subtrees(begin, end)]
    root = found.pop()
    while found:
        root = node_hash(found.pop(), root)
    return root


def _whole_subtrees(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """From left to right, from large to small."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def inclusion_path(hashes: Hashes, seq: int, size: int) -> list[bytes]:
    """RFC 6962 section 2.1.1: the hashes beside the way from an entry up to the root."""
    begin, end, out = 0, size, list[bytes]()
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if seq < middle:
            out.append(range_root(hashes, middle, end))
            end = middle
        else:
            out.append(range_root(hashes, begin, middle))
            begin = middle
    return out[::-1]


def consistency_path(hashes: Hashes, old: int, size: int) -> list[bytes]:
    """RFC 6962 section 2.1.2: what shows that the tree of ``size`` begins with the tree of ``old``."""
    if old in {0, size}:
        return []
    begin, end, out, is_whole = 0, size, list[bytes](), True
    while end - begin != old - begin:
        middle = begin + _split(end - begin)
        if old <= middle:
            out.append(range_root(hashes, middle, end))
            end = middle
        else:
            out.append(range_root(hashes, begin, middle))
            begin, is_whole = middle, False
    if not is_whole:
        out.append(range_root(hashes, begin, end))
    return out[::-1]


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return int(1 << ((count - 1).bit_length() - 1))


def root_from_inclusion(leaf: bytes, seq: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """RFC 9162 section 2.1.3.2. The root that the path leads to; None if the path has not the right length."""
    if not 0 <= seq < size:
        return None
    at, last, root = seq, size - 1, leaf
    for other in path:
        if last == 0:
            return None
        # The hash of a node, without a call for each.
        if at & 1 or at == last:
            root = sha256(b"\x01" + other + root).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + other).digest()
        at >>= 1
        last >>= 1
    return root if last == 0 else None


def is_included(leaf: bytes, seq: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    return root_from_inclusion(leaf, seq, size, path) == root


def is_consistent(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2, and what it leaves to the reader: the empty tree, and the same size."""
    if not 0 <= old <= size:
        return False
    if old in {0, size}:
        # Attack: an empty tree with a root of somebody's choice, from which each later proof would have to begin.
        is_right = old_root == (EMPTY_ROOT if old == 0 else root) and (size > 0 or root == EMPTY_ROOT)
        return is_right and not path
    hashes = [old_root, *path] if old & (old - 1) == 0 else [*path]
    return bool(hashes) and _roots_from(old, size, hashes) == (old_root, root)


def _roots_from(old: int, size: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The roots of both trees that the hashes lead to; None if there are too many or too few."""
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, other)
        at, last = at >> 1, last >> 1
    return (first, second) if last == 0 else None
