"""A tree of RFC 6962 that only grows, as the roots of its whole subtrees: at most one for each bit of its size. Pure."""

from __future__ import annotations

from mpp.ledger.tree import EMPTY_ROOT, HASH_BYTES, node_hash
from mpp.model.value import value


@value
class Growing:
    size: int = 0
    peaks: tuple[bytes, ...] = ()
    """From the largest subtree to the smallest."""

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    @property
    def data(self) -> bytes:
        return b"".join(self.peaks)


def grown(tree: Growing, hashes: list[bytes]) -> Growing:
    """The tree with these leaf hashes at its end."""
    peaks, size = list(tree.peaks), tree.size
    for leaf in hashes:
        peaks.append(leaf)
        # Each trailing one of the old size is a subtree that the new leaf makes whole.
        rest = size
        while rest & 1:
            right = peaks.pop()
            peaks[-1] = node_hash(peaks[-1], right)
            rest >>= 1
        size += 1
    return Growing(size=size, peaks=tuple(peaks))


def read_growing(size: int, data: bytes) -> Growing | None:
    """As it was kept; None where the number of subtrees does not fit the size."""
    peaks = tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))
    return Growing(size=size, peaks=peaks) if len(data) == size.bit_count() * HASH_BYTES else None
