"""Pins: a digest of every byte that a model reads, and what is different from the version before, word by word. Spec: F-90, F-91."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from mpp.model.value import value
from mpp.model.words import changed_words
from mpp.stages.privacy.guard.limits import CHANGES_LISTED_MAX
from mpp.stages.privacy.guard.texts import Described

ADDED, GONE, CHANGED, OTHERWISE = "added", "gone", "changed", "otherwise"
"""``otherwise``: no text differs, but a number, a flag or the place of a text does."""

_PREFIX = b"mpp-descriptions-1\x00"


@value
class Change:
    """One difference in what a model reads."""

    tool: str
    where: str
    """A pointer into the tool; empty for the tool as a whole."""
    what: str
    was: str = ""
    now: str = ""


def pin_of(found: Sequence[Described]) -> str:
    """Names all that a model reads of a package or a server. The order of the tools does not count."""
    rows = sorted(f"{one.tool.encode('utf-8', 'surrogatepass').hex()} {one.digest}\n" for one in found)
    return hashlib.sha256(_PREFIX + "".join(rows).encode("ascii")).hexdigest()


def changes(old: Sequence[Described], new: Sequence[Described]) -> tuple[Change, ...]:
    """What a model reads in another way than before. Empty if and only if the pins are equal."""
    before, after = {one.tool: one for one in old}, {one.tool: one for one in new}
    found = [Change(tool=name, where="", what=GONE) for name in sorted(before.keys() - after.keys())]
    for name in sorted(after):
        if name not in before:
            found.append(Change(tool=name, where="", what=ADDED))
        elif before[name].digest != after[name].digest:
            found += [*_in_tool(before[name], after[name])] or [Change(tool=name, where="", what=OTHERWISE)]
    # Attack: two tools of one name, of which only the first is compared.
    if not found and pin_of(old) != pin_of(new):
        found.append(Change(tool="", where="", what=OTHERWISE))
    return tuple(found[:CHANGES_LISTED_MAX])


def _in_tool(old: Described, new: Described) -> Iterator[Change]:
    # A name and what stands under it have one place, so a text is found by both.
    before = {(text.where.removeprefix(old.base), text.kind): text.text for text in old.texts}
    after = {(text.where.removeprefix(new.base), text.kind): text.text for text in new.texts}
    for place in sorted(before.keys() | after.keys()):
        was, now = before.get(place), after.get(place)
        if was is None:
            yield Change(tool=new.tool, where=place[0], what=ADDED, now=now or "")
        elif now is None:
            yield Change(tool=new.tool, where=place[0], what=GONE, was=was)
        elif was != now:
            first, second = changed_words(was, now)
            yield Change(tool=new.tool, where=place[0], what=CHANGED, was=first, now=second)
