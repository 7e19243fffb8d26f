"""One scan of all texts of a message, then a look at each place; then the same for the readings of those texts that hide something.

Spec: 6-privacy, section on searching.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, MARK, plain_texts, Spot, Spots
from mpp.stages.privacy.detector import Detector, Hit, Place
from mpp.stages.privacy.limits import CHECK_EVERY, DULL_KEY_CHARS, DULL_KEYS_MAX, NAME_CHARS_MAX, PLACES_MAX, SMALL_CHARS_MAX
from mpp.stages.privacy.later import on_use
from mpp.stages.privacy.ports import Scanner
from mpp.stages.privacy.views import block_end, CONFIRMING, further, joined, normal_places, normalise, PART_KEYS, PROBES, readings, Spent, View

AS_WRITTEN, NORMALISED, DECODED, JOINED = "as written", "normalised", "decoded", "joined"

_NEAR = 16
"""Leaves that are searched first for the next place. Reason: one in five or ten has a place."""

Watch = Callable[[], None]
"""Raises Refused when the time for a message is over."""


class Span(NamedTuple):
    """Something found in a leaf, by the positions of the leaf's own text."""

    leaf: int
    start: int
    end: int
    type: str
    sure: int
    view: str
    detector: str
    text: str
    """The value as it was read, which is not always as it was written."""
    item: Spot | None = None
    """A short number that is no leaf, and part of a value that several items spell; it goes as a whole."""


class Rules:
    """All detectors of one package and host, with their probes in one scanner. Built once, used by many calls."""

    def __init__(self, detectors: Sequence[Detector], build: Callable[[tuple[str, ...]], Scanner]) -> None:
        self.detectors = tuple(detectors)
        self.owners = [detector for detector in self.detectors for _ in detector.probes]
        expressions = tuple(probe for detector in self.detectors for probe in detector.probes) + PROBES
        self.scanner = build(expressions)
        self.types = frozenset(kind for detector in self.detectors for kind in detector.types)
        told = "\n".join((self.scanner.name, *expressions, *sorted(self.types)))
        self.digest = hashlib.sha256(told.encode("utf-8")).hexdigest()
        self.dull: frozenset[str] = frozenset()
        """Keys in which no probe began, so that they need no second look. Most messages have the same few keys a thousand times."""

    def learn(self, arena: Arena, touched: set[int]) -> None:
        """Note the keys of a scan in which nothing began. Attack: ever new keys, until the memory is full; so there is room for some only."""
        spots = arena.spots
        if not isinstance(spots, Spots) or len(self.dull) >= DULL_KEYS_MAX:
            return
        found = {arena.texts[leaf] for leaf in spots.key_leaves - touched}
        new = [key for key in found if len(key) <= DULL_KEY_CHARS and key.isascii() and key not in PART_KEYS]
        if new:
            # Another thread may put its own in the place of these; then they are learned again.
            self.dull = self.dull.union(new[: DULL_KEYS_MAX - len(self.dull)])


class Glance(NamedTuple):
    """A small message in one text, and where a scan of it told that something begins."""

    text: str
    places: list[tuple[int, int]]


def glance(message: Json, rules: Rules) -> Glance | None:
    """A scan of a small message that needs no walk; None where it has to be walked in full.

    Where no place is told there is nothing in it, in any reading: no expression begins anywhere, those that ask for another reading among them;
    a text of ASCII has no normalised one; and nothing stands in a row. A test holds this and ``search`` together.
    Most calls are of this kind, and the walk, the places and the readings of nothing cost ten times the scan.
    """
    texts = plain_texts(message, rules.dull)
    if texts is None:
        return None
    text = MARK.join(("", *texts, ""))
    if len(text) > SMALL_CHARS_MAX or not text.isascii():
        return None
    return Glance(text, rules.scanner.scan(text.encode("ascii"), PLACES_MAX))


def finds_nothing(message: Json, rules: Rules) -> bool:
    """Is a small message without anything? True only where ``search`` finds no span in it; False says nothing."""
    seen = glance(message, rules)
    return seen is not None and not seen.places


class _Read(NamedTuple):
    """A view of a leaf, and which reading that is."""

    leaf: int
    view: View
    reading: str
    is_final: bool = True
    """No other reading is made of it: it was decoded as deep as anything is, or the text below it will be."""


class _Found(NamedTuple):
    hit: Hit
    leaf: int
    detector: str


def search(arena: Arena, rules: Rules, watch: Watch, seen: Glance | None = None) -> list[Span]:
    """Everything that is found, in any reading, as spans of the leaves as they are written. ``seen``: a scan that may have been of this very text."""
    touched: set[int] = set()
    found, triggers = _scan(arena, rules, watch, touched, seen)
    if isinstance(arena.spots, Spots) and arena.spots.key_leaves:
        rules.learn(arena, touched)
    spans = [_as_written(arena, one) for one in found]
    spent = Spent(watch)
    spans += _in_views(arena, _views(arena, triggers, spent), rules, spent)
    return spans + _in_joined(arena, spans, rules, watch)


def _as_written(arena: Arena, one: _Found) -> Span:
    hit, low = one.hit, arena.starts[one.leaf]
    return Span(one.leaf, hit.start - low, hit.end - low, hit.type, hit.sure, AS_WRITTEN, one.detector, arena.text[hit.start : hit.end])


def _scan(arena: Arena, rules: Rules, watch: Watch, touched: set[int] | None = None, seen: Glance | None = None) -> tuple[list[_Found], list[tuple[int, int]]]:
    """Hits, and the places (leaf, offset) that ask for another reading."""
    places = seen.places if seen is not None and seen.text == arena.text else _places(arena.text, rules.scanner)
    owners, place, starts = rules.owners, Place(arena, watch), arena.starts
    found: list[_Found] = []
    triggers: list[tuple[int, int]] = []
    touched = set() if touched is None else touched
    texts = arena.texts
    leaf, known, step = 0, len(owners), len(MARK)
    low = high = last = 0
    before: Detector | None = None
    for count, (at, number) in enumerate(places):
        if not count % CHECK_EVERY:
            watch()
        # A probe may begin with the mark before its leaf.
        if at >= high:
            leaf = _leaf_at(starts, at + step, leaf)
            touched.add(leaf)
            low = starts[leaf]
            high = low + len(texts[leaf])
            place.leaf, place.low, place.high = leaf, low, high
        if number >= known:
            triggers += _trigger(arena.text, at, number - known, leaf, low)
            continue
        detector = owners[number]
        # Several probes of one detector may begin at one place.
        if at != last or detector is not before:
            place.at = last = at
            before = detector
            for hit in detector.look(place):
                if low <= hit.start < hit.end <= high:
                    found.append(_Found(hit, leaf, detector.name))
                else:
                    _keep(arena, hit, detector, found)
    return found, triggers


def _trigger(text: str, at: int, number: int, leaf: int, low: int) -> tuple[()] | tuple[tuple[int, int]]:
    """The place where a probe of the readings begins, unless more must stand there than the probe says."""
    whole = CONFIRMING.get(number)
    return () if whole is not None and whole.match(text, at) is None else ((leaf, max(at - low, 0)),)


def _places(text: str, scanner: Scanner) -> list[tuple[int, int]]:
    data = _encoded(text)
    places = scanner.scan(data, PLACES_MAX)
    return places if len(data) == len(text) else _characters(data, places)


def _leaf_at(starts: list[int], at: int, leaf: int) -> int:
    """The leaf that holds ``at``, which is ``leaf`` or a later one, and most often one of the next. Reason: a search of the whole list reads all over the memory."""
    near = leaf + _NEAR
    if near < len(starts) and starts[near] <= at:
        return bisect_right(starts, at, near) - 1
    return bisect_right(starts, at, leaf, min(near, len(starts))) - 1


def _keep(arena: Arena, hit: Hit, detector: Detector, found: list[_Found]) -> None:
    """A label in a key speaks of the value after it, so a hit may lie in another leaf than its probe."""
    leaf = arena.leaf_at(hit.start)
    if arena.starts[leaf] <= hit.start < hit.end <= arena.end_of(leaf):
        found.append(_Found(hit, leaf, detector.name))


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("privacy.text", "a text holds half of a character", where="message", hint="write whole characters") from None


def _characters(data: bytes, places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Byte offsets as character offsets. The text between two places is decoded once, so the work is linear."""
    out: list[tuple[int, int]] = []
    before = at = 0
    for byte, number in places:
        if byte != before:
            # A character is counted by its first byte; a probe may begin in the middle of one.
            at += sum(1 for one in data[before:byte] if one & 0xC0 != 0x80) if byte - before < 64 else _count(data[before:byte])
            before = byte
        out.append((at if byte >= len(data) or data[byte] & 0xC0 != 0x80 else at - 1, number))
    return out


_CONTINUED = bytes(range(0x80, 0xC0))


def _count(data: bytes) -> int:
    return len(data.translate(None, _CONTINUED))


def _views(arena: Arena, triggers: list[tuple[int, int]], spent: Spent) -> list[_Read]:
    """Other readings. Spec: 6-privacy F-10."""
    out = [_Read(leaf, view, DECODED) for leaf, places in _by_leaf(triggers) for view in readings(arena.texts[leaf], places, spent)]
    return out if arena.text.isascii() else out + _normalised(arena, {(leaf, block_end(arena.texts[leaf], at)) for leaf, at in triggers}, spent)


def _by_leaf(triggers: list[tuple[int, int]]) -> Iterable[tuple[int, list[int]]]:
    seen: dict[int, list[int]] = {}
    for leaf, at in triggers:
        seen.setdefault(leaf, []).append(at)
    return seen.items()


def _normalised(arena: Arena, decoded: set[tuple[int, int]], spent: Spent) -> list[_Read]:
    """``decoded``: the blocks that were decoded; what was done to them includes this reading."""
    out = []
    reached = -1
    for at in normal_places(arena.text, spent.watch):
        if at >= reached:
            leaf = arena.leaf_at(at)
            text, low = arena.texts[leaf], arena.starts[leaf]
            view, end = normalise(text, at - low), block_end(text, at - low)
            spent.add(view.text)
            out.append(_Read(leaf, view, NORMALISED, (leaf, end) in decoded))
            reached = low + end
    return out


def _in_views(arena: Arena, views: list[_Read], rules: Rules, spent: Spent) -> list[Span]:
    if not views:
        return []
    other = Arena([one.view.text for one in views], [arena.spots[one.leaf] for one in views], [arena.names[one.leaf] for one in views])
    touched: set[int] = set()
    found, triggers = _scan(other, rules, spent.watch, touched)
    out = []
    for hit, number, detector in found:
        low = other.starts[number]
        out.append(_seen(views[number], hit._replace(start=hit.start - low, end=hit.end - low), detector))
    out += _under_plain_names(arena, [views[number] for number in sorted(touched)], rules, spent.watch)
    # What was written in other letters may hold a code, such as base64 in wide ones.
    below = [(views[number], places) for number, places in _by_leaf(triggers) if not views[number].is_final]
    return out + _in_views(arena, [_Read(one.leaf, view, DECODED) for one, places in below for view in further(one.view, places, spent)], rules, spent)


def _seen(read: _Read, hit: Hit, detector: str) -> Span:
    """A hit in a view, where the characters stand from which it was read."""
    view = read.view
    return Span(read.leaf, view.starts[hit.start], view.ends[hit.end - 1], hit.type, hit.sure, read.reading, detector, view.text[hit.start : hit.end])


_NAME_LIKE = on_use(r"[A-Za-z][\w .-]{2,95}", re.ASCII)


def _under_plain_names(arena: Arena, views: list[_Read], rules: Rules, watch: Watch) -> list[Span]:
    """The message once more with the names that were written in another way put plainly. ``views``: those in which a word of a detector begins.

    Attack: a key ``password`` with one letter of another script, or in wide letters; what stands under it is written as always.
    """
    spots = arena.spots
    if not isinstance(spots, Spots):
        return []
    plain = {
        one.leaf: one for one in views if len(arena.texts[one.leaf]) <= NAME_CHARS_MAX and (spots.is_key(one.leaf) or _NAME_LIKE.fullmatch(one.view.text))
    }  # fmt: skip
    if not plain:
        return []
    texts, renamed = [*arena.texts], {arena.texts[leaf]: one.view.text for leaf, one in plain.items() if spots.is_key(leaf)}
    for leaf, one in plain.items():
        texts[leaf] = one.view.text
    other = Arena(texts, spots, [renamed.get(name, name) for name in arena.names])
    out = []
    for hit, leaf, detector in _scan(other, rules, watch)[0]:
        low = other.starts[leaf]
        here = hit._replace(start=hit.start - low, end=hit.end - low)
        if leaf in plain:
            out.append(_seen(plain[leaf], here, detector))
        else:
            out.append(Span(leaf, here.start, here.end, hit.type, hit.sure, NORMALISED, detector, texts[leaf][here.start : here.end]))
    return out


def _in_joined(arena: Arena, spans: list[Span], rules: Rules, watch: Watch) -> list[Span]:
    """Values that several leaves spell together. A hit counts where it crosses a border and lies on nothing that is found already."""
    views = joined(arena, watch)
    if not views:
        return []
    taken: dict[int, list[tuple[int, int]]] = {}
    for one in spans:
        taken.setdefault(one.leaf, []).append((one.start, one.end))
    other = Arena([view.text for view in views], [Spot([], 0)] * len(views), [view.name for view in views])
    found, _ = _scan(other, rules, watch)
    out = []
    for hit, number, detector in found:
        view, low = views[number], other.starts[number]
        start, end = hit.start - low, hit.end - low
        if view.crosses(start, end):
            parts = view.spans(start, end)
            if not any(_touch(taken.get(leaf, []), first, last) for leaf, first, last in parts):
                text = other.text[hit.start : hit.end]
                out += [Span(leaf, first, last, hit.type, hit.sure, JOINED, detector, text) for leaf, first, last in parts]
                out += [Span(-1, 0, 0, hit.type, hit.sure, JOINED, detector, text, item) for item in view.missing(start, end)]
    return out


def _touch(taken: list[tuple[int, int]], first: int, last: int) -> bool:
    return any(start < last and first < end for start, end in taken)


def runs(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans of one leaf that overlap, together and in order, so that no end of any of them stays. Spec: 6-privacy F-13."""
    out: list[list[Span]] = []
    reached = -1
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if span.start < reached:
            out[-1].append(span)
        else:
            out.append([span])
        reached = max(reached, span.end)
    return out


def matches_whole(text: str, rules: Rules, watch: Watch) -> bool:
    """Does a detector find something of which it is sure in this text alone?"""
    arena = Arena([text], [Spot([text], 0)], [""])
    return any(one.hit.sure > 2 for one in _scan(arena, rules, watch)[0])


__all__ = [
    "AS_WRITTEN", "DECODED", "JOINED", "NORMALISED", "Glance", "Rules", "Scanner", "Span", "Watch", "finds_nothing", "glance", "matches_whole", "runs", "search",
]  # fmt: skip
