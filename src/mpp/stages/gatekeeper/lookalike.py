"""Ids that a person would take for another. Spec: spec/2-gatekeeper.md section 4. Warns, never decides."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.crypto.roots import RootChain
from mpp.stages.gatekeeper.limits import LOOKALIKE_DISTANCE_MAX, LOOKALIKES_SHOWN_MAX
from mpp.stages.gatekeeper.trust import TrustState

# Pairs of ASCII shapes that look alike in common fonts; each is folded to the second. Single letters come
# first: only then does ``c1ock`` fold as ``clock`` does.
_CONFUSABLE = (("1", "l"), ("i", "l"), ("0", "o"), ("5", "s"), ("8", "b"), ("2", "z"), ("rn", "m"), ("vv", "w"), ("cl", "d"), ("-", ""), ("_", ""))


def skeleton(package_id: str) -> str:
    """Two ids with one skeleton look the same at a glance."""
    text = package_id.lower()
    for shape, plain in _CONFUSABLE:
        text = text.replace(shape, plain)
    return text


def lookalikes(package_id: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known ids, and prefixes (with '.' at their end), that ``package_id`` could be mistaken for or taken to belong to."""
    found: list[str] = []
    labels = package_id.split(".")
    for other in sorted(set(known) - {package_id}):
        theirs = other.removesuffix(".").split(".")
        # A prefix is compared with as many labels as it has; one label alone says too little.
        mine = labels[: len(theirs)] if other.endswith(".") else labels
        if mine != theirs and (len(theirs) > 1 or not other.endswith(".")) and _alike(mine, theirs):
            found.append(other)
            if len(found) == LOOKALIKES_SHOWN_MAX:
                break
    return tuple(found)


def _alike(mine: list[str], theirs: list[str]) -> bool:
    left, right = ".".join(mine), ".".join(theirs)
    if sorted(mine) == sorted(theirs) or skeleton(left) == skeleton(right) or distance(left, right, LOOKALIKE_DISTANCE_MAX) <= LOOKALIKE_DISTANCE_MAX:
        return True
    if len(mine) != len(theirs) or len(mine) < 2:
        return False
    # com.example.hello-official, com.example-hello.hello: a known id with words put to it. net.example.hello: under another top.
    return mine[1:] == theirs[1:] or all(_begins_or_ends(a, b) for a, b in zip(mine, theirs, strict=True))


def _begins_or_ends(label: str, known: str) -> bool:
    """Is ``label`` the known one, alone or as the first or last of words joined by '-' or '_'?"""
    words, joined = label.replace("_", "-"), known.replace("_", "-")
    return words == joined or words.startswith(joined + "-") or words.endswith("-" + joined)


def known_lookalikes(package_id: str, publisher_id: str, trust: TrustState) -> tuple[tuple[str, str], ...]:
    """Ids and prefixes bound to other publishers that ``package_id`` looks like, each with its owner."""
    owners = {name: owner for name, owner in (*trust.prefixes.items(), *trust.pins.items()) if owner != publisher_id}
    return tuple((name, owners[name]) for name in lookalikes(package_id, owners))


def same_name(chain: RootChain, trust: TrustState) -> tuple[str, ...]:
    """Other trusted publishers whose names look like this one's."""
    shape = _name_shape(chain)
    return tuple(sorted(one for one, known in trust.publishers.items() if one != chain.publisher_id and _name_shape(known.chain) == shape))[
        :LOOKALIKES_SHOWN_MAX
    ]


def _name_shape(chain: RootChain) -> str:
    return skeleton(chain.newest.name.casefold().replace(" ", ""))


def distance(left: str, right: str, most: int) -> int:
    """Edits (insert, delete, replace, swap of neighbours) between two words; ``most`` + 1 stands for more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    last: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, last, row = last, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(last) > most:
            return most + 1
    return row[-1]
