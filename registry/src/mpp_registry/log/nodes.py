"""The nodes of the log's tree in the database: added with each leaf, read in one question for each proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from mpp.ledger.tree import HASH_BYTES, Hashes, leaf_hash, node_hash, range_root
from mpp_registry.log.limits import NODES_ASKED_MAX
from mpp_registry.store.failures import database_failed
from mpp_registry.store.ports import Cell, Rows

T = TypeVar("T")
Place = tuple[int, int]
"""Level and index of a full subtree."""


class _Wanted:
    """Notes which nodes are asked for, and answers with anything."""

    def __init__(self) -> None:
        self.places: dict[Place, None] = {}

    def subtree(self, level: int, index: int) -> bytes:
        self.places[level, index] = None
        return bytes(HASH_BYTES)


class _Known:
    def __init__(self, nodes: Mapping[Place, bytes]) -> None:
        self._nodes = nodes

    def subtree(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]


def computed(rows: Rows, work: Callable[[Hashes], T], new: Mapping[Place, bytes] | None = None) -> T:
    """What ``work`` makes of the nodes of the tree. Which ones it asks for must not depend on what they hold.

    It runs twice: to learn what it wants, which is read in one question, and to be answered.
    """
    wanted = _Wanted()
    work(wanted)
    known = dict(new or {})
    known.update(read_nodes(rows, [place for place in wanted.places if place not in known]))
    return work(_Known(known))


def read_nodes(rows: Rows, places: Sequence[Place]) -> dict[Place, bytes]:
    found: dict[Place, bytes] = {}
    for begin in range(0, len(places), NODES_ASKED_MAX):
        asked = places[begin : begin + NODES_ASKED_MAX]
        values = ",".join(["(?,?)"] * len(asked))
        flat: list[Cell] = [number for place in asked for number in place]
        # The text holds question marks alone.
        sql = f"SELECT level, idx, hash FROM log_nodes WHERE (level, idx) IN (VALUES {values})"  # noqa: S608
        for level, index, data in cast("list[tuple[int, int, bytes]]", rows.all(sql, *flat)):
            found[level, index] = bytes(data)
    if len(found) != len(places):
        raise database_failed("nodes of the log are missing", "log_nodes", "restore the database from a copy")
    return found


def add_leaves(rows: Rows, size: int, leaves: Sequence[bytes]) -> bytes:
    """Add entries to a tree of ``size``; the new root."""
    new: dict[Place, bytes] = {}
    first = _completing(size, len(leaves))
    known = read_nodes(rows, first)
    for offset, leaf in enumerate(leaves):
        level, index, current = 0, size + offset, leaf_hash(leaf)
        new[level, index] = current
        while index & 1:
            left = new.get((level, index - 1)) or known[level, index - 1]
            level, index, current = level + 1, index >> 1, node_hash(left, current)
            new[level, index] = current
    rows.many("INSERT INTO log_nodes (level, idx, hash) VALUES (?, ?, ?)", [(level, index, data) for (level, index), data in new.items()])
    whole = size + len(leaves)
    return computed(rows, lambda hashes: range_root(hashes, 0, whole), {**known, **new})


def _completing(size: int, more: int) -> list[Place]:
    """The nodes of a tree of ``size`` that become the left half of a larger one when ``more`` entries come."""
    levels = (level for level in range(size.bit_length()) if size >> level & 1)
    return [(level, (size >> level) - 1) for level in levels if ((size + more) >> (level + 1)) > (size >> (level + 1))]
