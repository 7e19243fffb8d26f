"""The log and its heads, as the pages of the explorer read them."""

from __future__ import annotations

from mpp.model.value import value
from mpp_registry.store.ports import Row, Rows
from mpp_registry.web.reading import number, octets, text

COSIGNATURES_LOOKED_AT = 256
"""Cosignatures that a page looks through. Reason: the last hundred heads of a log with a few witnesses."""

LEAVES_LOOKED_AT = 500
"""Entries among which a page looks for those that may be shown. Reason: it shows a dozen, and most may be."""


@value
class LeafLine:
    index: int
    leaf: bytes
    kind: str
    package_id: str
    publisher_id: str
    at: int


@value
class Head:
    """A checkpoint of this log."""

    size: int
    root: bytes
    map_root: bytes
    at: int
    note: bytes


@value
class Cosigned:
    size: int
    witness: str


_LEAF = "SELECT idx, leaf, kind, package_id, publisher_id, at FROM log_leaves "
_HEAD = "SELECT size, root, map_root, at, note FROM checkpoints "


def leaf_line(row: Row) -> LeafLine:
    return LeafLine(index=number(row[0]), leaf=octets(row[1]), kind=text(row[2]), package_id=text(row[3]), publisher_id=text(row[4]), at=number(row[5]))


def _head(row: Row) -> Head:
    return Head(size=number(row[0]), root=octets(row[1]), map_root=octets(row[2]), at=number(row[3]), note=octets(row[4]))


def leaf(rows: Rows, index: int) -> LeafLine | None:
    row = rows.one(_LEAF + "WHERE idx = ?", index)
    return None if row is None else leaf_line(row)


def leaves(rows: Rows, before: int, most: int) -> list[LeafLine]:
    """Those below ``before``, the newest first."""
    return [*map(leaf_line, rows.all(_LEAF + "WHERE idx < ? ORDER BY idx DESC LIMIT ?", before, most))]


def leaves_about(rows: Rows, package_id: str, most: int) -> list[LeafLine]:
    return [*map(leaf_line, rows.all(_LEAF + "WHERE package_id = ? ORDER BY idx DESC LIMIT ?", package_id, most))]


def leaves_of(rows: Rows, publisher_id: str, most: int) -> list[LeafLine]:
    """Without those about packages that are not for everybody. The log itself names them; a page need not lead there."""
    # A stretch of bounded length, however much of it is left out.
    sql = (
        "SELECT idx, leaf, kind, package_id, publisher_id, at "
        "FROM (SELECT idx, leaf, kind, package_id, publisher_id, at FROM log_leaves WHERE publisher_id = ? ORDER BY idx DESC LIMIT ?) newest "
        "WHERE (package_id = '' OR EXISTS (SELECT 1 FROM packages p WHERE p.package_id = newest.package_id AND p.visibility = 'public')) "
        "ORDER BY idx DESC LIMIT ?"
    )
    return [*map(leaf_line, rows.all(sql, publisher_id, LEAVES_LOOKED_AT, most))]


def head(rows: Rows) -> Head | None:
    row = rows.one(_HEAD + "ORDER BY size DESC LIMIT 1")
    return None if row is None else _head(row)


def head_at(rows: Rows, size: int) -> Head | None:
    row = rows.one(_HEAD + "WHERE size = ?", size)
    return None if row is None else _head(row)


def heads(rows: Rows, below: int, most: int) -> list[Head]:
    return [*map(_head, rows.all(_HEAD + "WHERE size < ? ORDER BY size DESC LIMIT ?", below, most))]


def cosigned_above(rows: Rows, index: int) -> list[Cosigned]:
    """The newest cosignature of each witness over a head that holds the entry ``index``.

    Only the newest ones are looked through: over the years each witness leaves one for every head.
    """
    found = rows.all("SELECT size, witness FROM cosignatures WHERE size > ? ORDER BY size DESC, witness LIMIT ?", index, COSIGNATURES_LOOKED_AT)
    newest: dict[str, int] = {}
    for size, witness in found:
        newest.setdefault(text(witness), number(size))
    return [Cosigned(size=newest[name], witness=name) for name in sorted(newest)]
