"""Names that a person would take for another, found by a few keys of each name instead of by a look at all of them.

Two names that differ by one edit agree in their first or in their last half; so each name is kept under its halves, with its length,
under its skeleton (which letters look alike is the gatekeeper's table) and under its labels in order.
"""

from __future__ import annotations

from mpp.model.value import value
from mpp.stages.gatekeeper import skeleton
from mpp_registry.publishing.limits import ALIKE_EDITS_MAX, ALIKE_KEPT_MAX, ALIKE_SHOWN_MAX
from mpp_registry.store.ports import Rows


@value
class Alike:
    """Names of others, by how near they are."""

    refused: tuple[str, ...]
    """One edit, the same letters at a glance, or the same labels in another order."""
    noted: tuple[str, ...]
    """The same name under another top: often the same people, so it is said and not refused."""


def keep_package(rows: Rows, package_id: str) -> None:
    _keep(rows, _keys(package_id), package_id)


def keep_namespace(rows: Rows, namespace: str) -> None:
    _keep(rows, ["n" + key for key in _keys(namespace)], namespace + ".")


def keep_publisher(rows: Rows, publisher_id: str, name: str) -> None:
    _keep(rows, [_name_key(name)], publisher_id)


def like_package(rows: Rows, package_id: str) -> Alike:
    """Package ids that ``package_id`` could be taken for, whoever has them."""
    refused = _alike(rows, package_id, "") - {package_id}
    noted = _named(rows, f"t:{_tail(package_id)}") - refused - {package_id} if _tail(package_id) else set()
    return Alike(refused=tuple(sorted(refused)), noted=tuple(sorted(noted)[:ALIKE_SHOWN_MAX]))


def like_namespace(rows: Rows, namespace: str) -> tuple[str, ...]:
    """Proven name spaces that ``namespace`` could be taken for, without the dot at their end."""
    return tuple(sorted({one.removesuffix(".") for one in _alike(rows, namespace, "n")} - {namespace}))


def like_publisher(rows: Rows, publisher_id: str, name: str) -> tuple[str, ...]:
    """Other publishers whose names read as this one's. A name is no proof of anything, so it is only said."""
    return tuple(sorted(_named(rows, _name_key(name)) - {publisher_id}))[:ALIKE_SHOWN_MAX]


def _alike(rows: Rows, name: str, kind: str) -> set[str]:
    """Those with the same skeleton or the same labels, and of those that share a half, those that are one edit away."""
    found: set[str] = set()
    for key in _keys(name):
        if key[0] in "ko":
            found |= _named(rows, kind + key)
    for length in range(len(name) - ALIKE_EDITS_MAX, len(name) + ALIKE_EDITS_MAX + 1):
        half = _half(length)
        for key in (f"b:{length}:{name[:half]}", f"e:{length}:{name[-half:]}"):
            found.update(one for one in _named(rows, kind + key) if _one_edit(name, one.removesuffix(".")))
    return found


def _one_edit(one: str, other: str) -> bool:
    """Are the two the same but for one character more, less or other, or two neighbours swapped? Names share long beginnings, so it looks from both ends."""
    begin = _shared(one, other)
    left, right = one[begin:], other[begin:]
    end = _shared(left[::-1], right[::-1])
    left, right = left[: len(left) - end], right[: len(right) - end]
    return len(left) <= 1 >= len(right) or (len(left) == len(right) == 2 and left == right[::-1])


def _shared(one: str, other: str) -> int:
    """Characters that both begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _tail(name: str) -> str:
    """What stands below the top; of two labels one alone says too little."""
    labels = name.split(".")
    return ".".join(labels[1:]) if len(labels) > 2 else ""


def _half(length: int) -> int:
    return max(1, (length - 2) // 2)


def _keys(name: str) -> list[str]:
    half = _half(len(name))
    keys = [f"k:{skeleton(name)}", f"o:{'.'.join(sorted(name.split('.')))}", f"b:{len(name)}:{name[:half]}", f"e:{len(name)}:{name[-half:]}"]
    return [*keys, f"t:{_tail(name)}"] if _tail(name) else keys


def _name_key(name: str) -> str:
    return "p:" + skeleton(name.casefold().replace(" ", ""))


def _named(rows: Rows, key: str) -> set[str]:
    return {str(row[0]) for row in rows.all("SELECT named FROM shapes WHERE shape = ? ORDER BY named LIMIT ?", key, ALIKE_KEPT_MAX)}


def _keep(rows: Rows, keys: list[str], named: str) -> None:
    for key in keys:
        rows.run("INSERT INTO shapes (shape, named) VALUES (?, ?) ON CONFLICT DO NOTHING", key, named)
