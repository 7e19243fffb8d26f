"""Names that a person would take for another, found by a few keys of each name instead of by a look at all of them.

Two names that differ by one edit agree in their first or in their last half; so each name is kept under its halves, with its length,
under its skeleton (which letters look alike is the gatekeeper's table) and under its labels in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from mpp.model.value import value
from mpp.stages.gatekeeper import distance, skeleton
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
    found = _gathered(rows, _asked(package_id)) - {package_id}
    refused = [one for one in sorted(found) if _is_alike(package_id, one)]
    noted = [one for one in sorted(found) if one not in refused and _tail(one) == _tail(package_id) != ""]
    return Alike(refused=tuple(refused), noted=tuple(noted[:ALIKE_SHOWN_MAX]))


def like_namespace(rows: Rows, namespace: str) -> tuple[str, ...]:
    """Proven name spaces that ``namespace`` could be taken for, without the dot at their end."""
    found = _gathered(rows, ["n" + key for key in _asked(namespace)])
    return tuple(one for one in sorted(name.removesuffix(".") for name in found) if one != namespace and _is_alike(namespace, one))


def like_publisher(rows: Rows, publisher_id: str, name: str) -> tuple[str, ...]:
    """Other publishers whose names read as this one's. A name is no proof of anything, so it is only said."""
    return tuple(sorted(_gathered(rows, [_name_key(name)]) - {publisher_id}))[:ALIKE_SHOWN_MAX]


def _is_alike(one: str, other: str) -> bool:
    if skeleton(one) == skeleton(other) or sorted(one.split(".")) == sorted(other.split(".")):
        return True
    return distance(one, other, ALIKE_EDITS_MAX) <= ALIKE_EDITS_MAX


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


def _asked(name: str) -> list[str]:
    keys = [key for key in _keys(name) if key[0] in "kot"]
    for length in range(len(name) - ALIKE_EDITS_MAX, len(name) + ALIKE_EDITS_MAX + 1):
        half = _half(length)
        keys += [f"b:{length}:{name[:half]}", f"e:{length}:{name[-half:]}"]
    return keys


def _name_key(name: str) -> str:
    return "p:" + skeleton(name.casefold().replace(" ", ""))


def _gathered(rows: Rows, keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for key in keys:
        found.update(str(row[0]) for row in rows.all("SELECT named FROM shapes WHERE shape = ? ORDER BY named LIMIT ?", key, ALIKE_KEPT_MAX))
    return found


def _keep(rows: Rows, keys: list[str], named: str) -> None:
    for key in keys:
        rows.run("INSERT INTO shapes (shape, named) VALUES (?, ?) ON CONFLICT DO NOTHING", key, named)
