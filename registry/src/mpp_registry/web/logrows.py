"""The log and its heads, as the pages of the explorer read them."""

from __future__ import annotations

from mpp.model.value import value
from mpp_registry.store.ports import Row, Rows
from mpp_registry.web.reading import number, octets, text


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
    line: str


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
    sql = (
        "WHERE publisher_id = ? AND (package_id = '' OR EXISTS (SELECT 1 FROM packages p WHERE p.package_id = log_leaves.package_id AND p.visibility = 'public')) "
        "ORDER BY idx DESC LIMIT ?"
    )
    return [*map(leaf_line, rows.all(_LEAF + sql, publisher_id, most))]


def head(rows: Rows) -> Head | None:
    row = rows.one(_HEAD + "ORDER BY size DESC LIMIT 1")
    return None if row is None else _head(row)


def head_at(rows: Rows, size: int) -> Head | None:
    row = rows.one(_HEAD + "WHERE size = ?", size)
    return None if row is None else _head(row)


def heads(rows: Rows, below: int, most: int) -> list[Head]:
    return [*map(_head, rows.all(_HEAD + "WHERE size < ? ORDER BY size DESC LIMIT ?", below, most))]


def cosignatures(rows: Rows, size: int) -> list[Cosigned]:
    found = rows.all("SELECT size, witness, line FROM cosignatures WHERE size = ? ORDER BY witness LIMIT 64", size)
    return [Cosigned(size=number(row[0]), witness=text(row[1]), line=text(row[2])) for row in found]


def cosigned_above(rows: Rows, index: int) -> list[Cosigned]:
    """The newest cosignature of each witness over a head that holds the entry ``index``."""
    found = rows.all("SELECT MAX(size), witness FROM cosignatures WHERE size > ? GROUP BY witness ORDER BY witness LIMIT 64", index)
    return [Cosigned(size=number(row[0]), witness=text(row[1]), line="") for row in found]
