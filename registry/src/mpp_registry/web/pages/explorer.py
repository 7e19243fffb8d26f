"""The log explorer: entries, one entry with its proof, heads, and that one head continues another."""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.ledger.tree import consistency_path, inclusion_path, is_consistent, is_included, leaf_hash
from mpp.model.value import value
from mpp_registry.log.nodes import computed
from mpp_registry.store.ports import Rows
from mpp_registry.web import logrows
from mpp_registry.web.answers import Answer, Asked
from mpp_registry.web.documents import pretty
from mpp_registry.web.errors import not_found
from mpp_registry.web.limits import LOG_ROWS
from mpp_registry.web.logrows import Head
from mpp_registry.web.sentences import sentence
from mpp_registry.web.site import Site

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


@value
class Proof:
    """A proof as the page shows it. ``holds``: it was checked for this page, as a client would."""

    size: int
    root: str
    path: tuple[str, ...]
    holds: bool


def number_in(text: str, name: str, otherwise: int) -> int:
    """A number of an address. Attack: one of a million digits, or what only looks like a digit."""
    if not text:
        return otherwise
    if _NUMBER.fullmatch(text) is None:
        raise Refused("registry.form", f"{name} is no whole number", where=name, hint="use digits, such as 0 or 1500")
    return int(text)


def log(site: Site, asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        head = logrows.head(rows)
        size = head.size if head else 0
        before = min(number_in(asked.query.get("before", ""), "before", size), size)
        lines = logrows.leaves(rows, before, LOG_ROWS)
    oldest = lines[-1].index if lines else 0
    return site.page(
        "log.html",
        head=head,
        lines=[sentence(one) for one in lines],
        is_first=before == size,
        older=oldest if oldest > 0 else None,
        newer=min(before + LOG_ROWS, size),
    )


def entry(site: Site, asked: Asked) -> Answer:
    index = number_in(asked.places["index"], "index", 0)
    with site.services.database.read() as rows:
        line, head = logrows.leaf(rows, index), logrows.head(rows)
        proof = inclusion(rows, line.leaf, index, head) if line is not None and head is not None and index < head.size else None
        witnesses = logrows.cosigned_above(rows, index)
    if line is None:
        return not_found(site, "The log has no entry of that number yet.")
    return site.page(
        "entry.html", line=line, said=sentence(line), text=pretty(line.leaf), hash=leaf_hash(line.leaf).hex(), head=head, proof=proof, witnesses=witnesses
    )


def inclusion(rows: Rows, leaf: bytes, index: int, head: Head) -> Proof:
    path = computed(rows, lambda hashes: inclusion_path(hashes, index, head.size))
    return Proof(
        size=head.size, root=head.root.hex(), path=tuple(one.hex() for one in path), holds=is_included(leaf_hash(leaf), index, head.size, path, head.root)
    )


def checkpoints(site: Site, asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        newest = logrows.head(rows)
        top = newest.size + 1 if newest else 0
        before = min(number_in(asked.query.get("before", ""), "before", top), top)
        heads = logrows.heads(rows, before, LOG_ROWS)
        witnesses = logrows.cosigned_above(rows, -1)
    more = heads[-1].size if len(heads) == LOG_ROWS else None
    return site.page(
        "checkpoints.html", newest=newest, note=newest.note.decode("utf-8", "replace") if newest else "", heads=heads, more=more, witnesses=witnesses
    )


def consistency(site: Site, asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        newest = logrows.head(rows)
        size = newest.size if newest else 0
        first = number_in(asked.query.get("from", ""), "from", min(1, size))
        second = number_in(asked.query.get("to", ""), "to", size)
        old, new = logrows.head_at(rows, first), logrows.head_at(rows, second)
        proof = _continued(rows, old, new) if old and new and 0 < old.size <= new.size else None
    return site.page("consistency.html", first=first, second=second, old=old, new=new, proof=proof, size=size)


def _continued(rows: Rows, old: Head, new: Head) -> Proof:
    path = computed(rows, lambda hashes: consistency_path(hashes, old.size, new.size))
    return Proof(size=new.size, root=new.root.hex(), path=tuple(one.hex() for one in path), holds=is_consistent(old.size, old.root, new.size, new.root, path))
