"""One text made of all texts, keys and longer numbers of a message, with the way back from a position to its leaf.

One scan of one text costs a tenth of a scan of each leaf. Leaves are parted by a mark that no expression matches across.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set as AbstractSet
from itertools import accumulate, repeat
from operator import add
from typing import NamedTuple, TypeAlias

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.privacy.limits import DEPTH_MAX, LEAVES_MAX, LONG_NUMBER, NAME_CHARS_MAX, NUMBER_BITS_MAX, SMALL_HOLDERS_MAX

MARK = "\n\x00\n"
"""Between two leaves."""
_STEP = len(MARK)

Holder: TypeAlias = "dict[str, Json] | list[Json]"
_HOLDERS = (dict, list)
_PLAIN_INT = 1 << 63
"""Integers below it are written down without a look at how long they are."""


class Spot(NamedTuple):
    """Where a leaf stands in the message."""

    holder: Holder
    step: str | int
    is_key: bool = False

    @property
    def item(self) -> Json:
        """The value there."""
        return self.holder[self.step]  # type: ignore[index]

    def put(self, item: Json) -> None:
        """Put another value there."""
        self.holder[self.step] = item  # type: ignore[index]


class Spots:
    """The spots of all leaves of a walk. Only where each object or list begins is noted; the rest is worked out for those that are asked for.

    Reason: most of some ten thousand leaves never are, and the walk is a good part of the work.
    """

    __slots__ = ("_dull", "_inner", "_known", "_parents", "_places", "_size", "firsts", "holders", "key_leaves", "names")

    def __init__(self, root: list[Json], dull: AbstractSet[str]) -> None:
        self._dull = dull
        self.key_leaves: set[int] = set()
        self.firsts: list[int] = []
        self.holders: list[Holder] = [root]
        self.names: list[str] = [""]
        """Of each object or list: where its leaves begin, itself, and the key above it."""
        self._known: dict[int, list[tuple[str | int, bool]]] = {}
        self._inner: dict[int, dict[str | int, int]] = {}
        self._places: dict[int, int] = {}
        self._parents: dict[int, Holder] = {}
        self._size = 0

    def is_key(self, leaf: int) -> bool:
        return leaf in self.key_leaves

    def end(self, size: int) -> None:
        """There are no more."""
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, leaf: int) -> Spot:
        if not 0 <= leaf < self._size:
            raise IndexError(leaf)
        number, (step, is_key) = self._at(leaf)
        return Spot(self.holders[number], step, is_key)

    def _at(self, leaf: int) -> tuple[int, tuple[str | int, bool]]:
        # Of several that begin at one place the last is not empty.
        number = bisect_right(self.firsts, leaf) - 1
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = list(_steps(self.holders[number], self._dull))
        return number, known[leaf - self.firsts[number]]

    def objects(self) -> Iterator[dict[str, Json]]:
        """All objects of the message."""
        return (holder for holder in self.holders if isinstance(holder, dict))

    def leaf_of(self, holder: Holder, step: str | int) -> int:
        """The leaf of a value of ``holder``, or -1 if it is none."""
        number = self._numbers().get(id(holder))
        if number is None:
            return -1
        if number not in self._inner:
            self._inner[number] = {at: place for place, (at, is_key) in enumerate(_steps(holder, self._dull)) if not is_key}
        place = self._inner[number].get(step, -1)
        return place if place < 0 else self.firsts[number] + place

    def above(self, holder: Holder) -> str:
        """The key above ``holder``; empty where there is none."""
        number = self._numbers().get(id(holder))
        return "" if number is None else self.names[number]

    def parent(self, holder: Holder) -> Holder | None:
        """What holds ``holder``. Asked for seldom, so all are noted at once and only then."""
        if not self._parents:
            self._parents = {
                id(item): outer for outer in self.holders for item in (outer.values() if isinstance(outer, dict) else outer) if type(item) in _HOLDERS
            }
        return self._parents.get(id(holder))

    def _numbers(self) -> dict[int, int]:
        if not self._places:
            self._places = dict(zip(map(id, self.holders), range(len(self.holders)), strict=True))
        return self._places


def _steps(holder: Holder, dull: AbstractSet[str]) -> Iterator[tuple[str | int, bool]]:
    """What the walk makes of one object or list, in its order."""
    if isinstance(holder, dict):
        for key, item in holder.items():
            if key not in dull:
                yield key, True
            if type(item) is str or _number(item) is not None:
                yield key, False
    else:
        for place, item in enumerate(holder):
            if type(item) is str or _number(item) is not None:
                yield place, False


class Arena:
    """The leaves of a message. ``names`` has the key above each leaf, ``starts`` where it begins in ``text``."""

    __slots__ = ("keys", "lists", "names", "spots", "starts", "text", "texts")

    def __init__(
        self, texts: list[str], spots: Spots | Sequence[Spot], names: Sequence[str], lists: Sequence[list[Json]] = (), keys: AbstractSet[str] = frozenset()
    ) -> None:  # fmt: skip
        self.texts, self.spots, self.names = texts, spots, names
        self.lists, self.keys = lists, keys
        """The lists of the message that have more than one item, and all its keys that are not dull."""
        self.text = MARK.join(("", *texts, ""))
        # In one go, because there may be tens of thousands: the length of each leaf, and of the mark after it.
        self.starts: list[int] = list(accumulate(map(add, map(len, texts), repeat(_STEP)), initial=_STEP))
        self.starts.pop()

    def leaf_at(self, at: int) -> int:
        """The number of the leaf that holds position ``at``."""
        return bisect_right(self.starts, at) - 1

    def end_of(self, leaf: int) -> int:
        return self.starts[leaf] + len(self.texts[leaf])


class _Walk:
    """What has been met on the way through a message."""

    def __init__(self, root: list[Json], dull: AbstractSet[str]) -> None:
        self.texts: list[str] = []
        self.names: list[str] = []
        self.spots = Spots(root, dull)
        self.lists: list[list[Json]] = []
        self.keys: set[str] = set()
        # Those that are still to be walked stand behind those that have been: no tuples, each of which would bring the next round of
        # garbage collection nearer.
        self.holders, self.above = self.spots.holders, self.spots.names
        self._dull = dull

    def object(self, holder: dict[str, Json], name: str) -> None:
        """Each key and value of a message passes here, so the loop does as little as it can; ``_steps`` says the same in other words."""
        dull = self._dull
        put, put_name = self.texts.append, self.names.append
        for key, item in holder.items():
            said = key
            if key not in dull:
                # One of the first messages, or a key that says something. Dull ones are short.
                self.spots.key_leaves.add(len(self.texts))
                self.keys.add(key)
                said = key[:NAME_CHARS_MAX]
                put(key)
                put_name(name)
            kind = type(item)
            if kind is str:
                put(item)  # type: ignore[arg-type]
                put_name(said)
            elif kind is dict or kind is list:
                self.holders.append(item)  # type: ignore[arg-type]
                self.above.append(said)
            elif kind is int:
                if not -LONG_NUMBER < item < LONG_NUMBER:  # type: ignore[operator]
                    put(str(item) if -_PLAIN_INT < item < _PLAIN_INT else _digits(item))  # type: ignore[operator, arg-type]
                    put_name(said)
            elif kind is float and not -LONG_NUMBER < item < LONG_NUMBER and (written := _number(item)) is not None:  # type: ignore[operator]
                put(written)
                put_name(said)

    def list(self, holder: list[Json], name: str) -> None:
        if len(holder) > 1:
            self.lists.append(holder)
        put = self.texts.append
        for item in holder:
            kind = type(item)
            if kind is str:
                put(item)  # type: ignore[arg-type]
            elif kind is dict or kind is list:
                self.holders.append(item)  # type: ignore[arg-type]
                self.above.append(name)
            elif (kind is int or kind is float) and not -LONG_NUMBER < item < LONG_NUMBER and (written := _number(item)) is not None:  # type: ignore[operator]
                put(written)
        self.names.extend([name] * (len(self.texts) - len(self.names)))


def gather(message: Json, root: list[Json] | None = None, dull: AbstractSet[str] = frozenset()) -> Arena:
    """Walk the whole message, which is the one item of ``root`` where that is given. Keys in ``dull`` are known to hold nothing, and are no leaves.

    A value of an object follows its key, so what one says of the other stands side by side. Level by level: what an object or list
    holds that is one too comes after all of its level.
    Raises Refused ``privacy.limit`` for what is too large; the filter withholds it.
    """
    walk = _Walk([message] if root is None else root, dull)
    texts, above, begin, walk_object, walk_list = walk.texts, walk.above, walk.spots.firsts.append, walk.object, walk.list
    depth, level = 0, 1
    # The list grows while it is walked.
    for number, holder in enumerate(walk.holders):
        if number == level:
            depth, level = depth + 1, len(walk.holders)
        begin(len(texts))
        if type(holder) is dict:
            walk_object(holder, above[number])
        else:
            walk_list(holder, above[number])  # type: ignore[arg-type]
        if depth > DEPTH_MAX or len(texts) > LEAVES_MAX:
            raise _too_large(depth)
    walk.spots.end(len(texts))
    return Arena(texts, walk.spots, walk.names, walk.lists, walk.keys)


def plain_texts(message: Json, dull: AbstractSet[str]) -> list[str] | None:
    """The texts of a small message in the order of ``gather``, where nothing but its texts has to be looked at; None where it has to be walked in full.

    It has no key that is not dull, no number that is read as a text, and no list whose items could spell something together.
    """
    texts: list[str] = []
    holders: list[Holder] = []
    inner: Iterable[Json] = (message,)
    for _ in range(SMALL_HOLDERS_MAX):
        for item in inner:
            kind = type(item)
            if kind is str:
                texts.append(item)  # type: ignore[arg-type]
            elif kind is dict or kind is list:
                holders.append(item)  # type: ignore[arg-type]
            elif (kind is int or kind is float) and not -LONG_NUMBER < item < LONG_NUMBER:  # type: ignore[operator]
                return None
        if not holders:
            return texts
        holder = holders.pop()
        if type(holder) is dict:
            if not holder.keys() <= dull:
                return None
            inner = holder.values()
        elif len(holder) > 1:
            return None
        else:
            inner = holder
    return None


def _number(item: Json) -> str | None:
    """A number as digits, where it is long enough to stand for somebody."""
    if type(item) is int:
        return _digits(item) if item >= LONG_NUMBER or item <= -LONG_NUMBER else None
    if type(item) is float and item.is_integer() and abs(item) >= LONG_NUMBER:
        return str(int(item))
    return None


def _digits(item: int) -> str:
    if item.bit_length() > NUMBER_BITS_MAX:
        raise _limit(f"a number of more than {NUMBER_BITS_MAX} bits")
    return str(item)


def _too_large(depth: int) -> Refused:
    return _limit(f"more than {DEPTH_MAX} levels" if depth > DEPTH_MAX else f"more than {LEAVES_MAX} texts")


def _limit(what: str) -> Refused:
    return Refused("privacy.limit", f"the message has {what}", where="message", hint="answer with less at a time")
