"""Numbers that are known by the word beside them: one set of probes finds the words of many kinds, the look reads the value after each.

A right checksum lets a value stand a little away from its word; a wrong one is forgiven only close to a word that means nothing else,
because people mistype and services store test data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy.arena import Arena, Spots
from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place, SURE, WEAK
from mpp.stages.privacy.detectors import columns, probing, tables
from mpp.stages.privacy.later import Later
from mpp.stages.privacy.placeholders import PLACEHOLDER
from mpp.stages.privacy.later import on_use

REACH = 48
"""Characters after a word in which a value may begin. Reason: "number of the applicant, as printed on the card:" fits."""

FORM_CHARS_MAX = 64
"""Characters of one value. Reason: an address of Monero has 95 and is looked for by itself; no other labelled value has more than 40."""

SERIES_MAX = 16
"""Values after one word, as in a list. Reason: bounds the look; more stand under a key or in a column."""

NAME_CHARS_MAX = 12
"""Characters beside a word in a text that names what a field next to it holds. Reason: "Passport number (primary)" is nearly nothing but its word."""

_EDGE_LEFT, _EDGE_RIGHT = r"(?<![0-9A-Za-z])(?<!\d[./\-])(?:", r")(?![0-9A-Za-z]|[./\-]\d)"
_GAP = on_use(r"[^\d;!?\n,]{0,32}(?:[,\n][^\w;!?]{0,4})?")
_SHORT_GAP = on_use(r"(?:[a-z]{0,8}[^\w;!?,]{1,3}){0,2}[^\w;!?,]{0,3}", re.IGNORECASE)
_SERIES = on_use(r"[\s\"'\]\[)(]{0,3}(?:[,;/&|+]|\b(?:and|or|und|oder|et|ou|y|e|o|en|og|och|i)\b)[\s\"'\]\[)(]{0,3}")
_BACK_GAP = on_use(r"[^\w\n;!?]{0,3}(?:(?:is|as|was|my|the|her|his|ist|est|es|er)\s){0,3}[^\w\n;!?]{0,2}", re.IGNORECASE)
_NO_SIGN = on_use(r"[^0-9A-Za-z<]")
_OTHER_THING = on_use(
    r"(?<![a-z])(?:order|sku|part|serial|batch|lot|invoice|build|ticket|tracking|product|article|catalog|commit|trace|patent|hash|digest|isbn|asin|mpn)"
    r"s?[ _-]?(?:id|no|nr|num|number|code|ref|key)?(?![a-z])"
)
_VALUE_STEPS = frozenset(("value", "number", "num", "no", "id", "nr", "code", "val", "answer"))


@value
class Kind:
    """One kind of number, as a row of a table."""

    type: str
    form: str
    """The value as an expression, read without regard to case; its edges are added."""
    where: str = ""
    """The country."""
    labels: tuple[str, ...] = ()
    """Words that mean this and nothing else. The form beside one counts even where the checksum is wrong."""
    faint: tuple[str, ...] = ()
    """Words that mean other things too: only a right checksum counts, or a value right beside where there is none to check."""
    check: Callable[[str], bool] | None = None
    alone: str = ""
    """The value where it needs no word, because it is unlike anything else; capitals as written."""
    probes: tuple[str, ...] = ()
    """Where ``alone`` may begin."""
    size: int = 0
    """Digits of a number whose leading noughts a JSON number loses."""


def squeezed(text: str) -> str:
    """Letters and digits alone, as a check takes them; a passport's machine-readable lines have a sign of their own."""
    return _NO_SIGN.sub("", text).upper()


def edged(form: str) -> str:
    """The form with edges: it is no part of a longer word or number."""
    return f"{_EDGE_LEFT}{form}{_EDGE_RIGHT}"


class Beside:
    """A kind as one of its words calls for it."""

    __slots__ = ("_form", "check", "firm", "size", "type")

    def __init__(self, kind: Kind, *, firm: bool) -> None:
        self.type, self.check, self.size, self.firm = kind.type, kind.check, kind.size, firm
        self._form = Later(edged(kind.form), re.IGNORECASE)

    @property
    def form(self) -> re.Pattern[str]:
        return self._form.form

    def rate(self, found: re.Match[str], gap: str) -> int:
        """How sure a value is at this distance from its word; nought where it is none."""
        near = _GAP.fullmatch(gap) is not None
        if self.check is not None and (near or self.firm) and self.check(squeezed(found[0])):
            return SURE
        if self.firm:
            return WEAK if near else 0
        return WEAK if self.check is None and _SHORT_GAP.fullmatch(gap) else 0

    def after(self, text: str, low: int, high: int) -> Iterator[Hit]:
        """The value after its word, and those that follow it in a series."""
        at = low
        for _ in range(SERIES_MAX):
            found = self.form.search(text, at, min(high, at + REACH + FORM_CHARS_MAX))
            if found is None or found.start() > at + REACH:
                return
            gap = text[at : found.start()]
            sure = self.rate(found, gap) if at == low else self.rate(found, "") if _SERIES.fullmatch(gap) else 0
            if not sure:
                return
            yield Hit(self.type, found.start(), found.end(), sure)
            at = found.end()

    def ahead(self, text: str, low: int, at: int) -> Iterator[Hit]:
        """The value just before its word, as in ``123456782 (BSN)``: only with a right checksum."""
        if self.check is None or not self.firm:
            return
        start = max(low, at - FORM_CHARS_MAX)
        for found in self.form.finditer(text, start, at):
            if self.check(squeezed(found[0])) and _BACK_GAP.fullmatch(text, found.end(), at):
                yield Hit(self.type, found.start(), found.end(), SURE)

    def short_number(self, arena: Arena, leaf: int) -> Iterator[Hit]:
        """A JSON number has lost its leading noughts."""
        text, spot = arena.texts[leaf], arena.spots[leaf]
        if self.check is None or not 0 <= self.size - len(text) <= 2 or isinstance(spot.item, str):
            return
        if text.isdigit() and self.check(text.zfill(self.size)):
            yield Hit(self.type, arena.starts[leaf], arena.end_of(leaf), SURE)


class Labels:
    """All kinds of a table, by their words."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._by_word: dict[str, list[Beside]] = {}
        phrases: dict[str, None] = {}
        for kind in kinds:
            for firm, words in ((True, kind.labels), (False, kind.faint)):
                beside = Beside(kind, firm=firm)
                for phrase in words:
                    phrases[phrase] = None
                    beside_word = self._by_word.setdefault(probing.word_of(phrase), [])
                    if beside not in beside_word:
                        beside_word.append(beside)
        self.probes = probing.probes_of(phrases)
        self._cells: tuple[list[int], int] = ([], 0)
        self._readers = probing.readers_of(phrases)

    def look(self, place: Place) -> Iterator[Hit]:
        """The probe of a short word begins one character before it, which may be the end of the leaf before."""
        arena, text, at = place.arena, place.text, place.at
        found = self._read(text, at) or self._read(text, at + 1)
        if found is None:
            return
        leaf = arena.leaf_at(found.start())
        kinds = self._by_word.get(probing.word_of(found[0]), ())
        if arena.spots[leaf].is_key:
            yield from self._under(place, leaf, kinds)
            return
        low, high = arena.starts[leaf], arena.end_of(leaf)
        is_ending = text[found.start() - 1] == "."
        for kind in kinds:
            if kind.firm or not is_ending:
                yield from kind.after(text, found.end(), high)
                yield from kind.ahead(text, low, found.start())
        yield from self._below(place, columns.cells(text, low, high, found.start()), kinds)
        if high - low <= len(found[0]) + NAME_CHARS_MAX and not PLACEHOLDER.fullmatch(text, low, high):
            yield from self._named(arena, leaf, kinds)
            for cell, _ in tables.below(arena, leaf):
                place.watch()
                yield from _whole(arena, cell, kinds)

    def _below(self, place: Place, cells: Iterable[tuple[int, int]], kinds: Iterable[Beside]) -> Iterator[Hit]:
        """Attack: the same heading over every column of many tables. So cells are counted; the list of starts tells one message from another."""
        arena, (starts, count) = place.arena, self._cells
        count = count if starts is arena.starts else 0
        for start, end in cells:
            place.watch()
            count += 1
            if count > columns.CELLS_MAX:
                raise Refused(
                    "privacy.limit", f"the message has more than {columns.CELLS_MAX} cells to read", where="message", hint="answer with less at a time"
                )
            for kind in kinds if start < end else ():
                yield from kind.after(arena.text, start, end)
        self._cells = (arena.starts, count)

    def _read(self, text: str, at: int) -> re.Match[str] | None:
        reader = self._readers.get(text[at : at + 1].lower())
        return reader.match(text, at) if reader else None

    def _under(self, place: Place, leaf: int, kinds: Iterable[Beside]) -> Iterator[Hit]:
        """The value of a key is the next leaf, or what a list or an object there holds."""
        arena = place.arena
        spot, spots = arena.spots[leaf], arena.spots
        inside = spot.item
        if isinstance(inside, dict | list):
            yield from _within(place, inside, kinds)
        elif leaf + 1 < len(spots):
            after = spots[leaf + 1]
            # Other readings of a key may stand side by side: the next leaf counts only where it is the value.
            if after.holder is spot.holder and after.step == spot.step and not after.is_key:
                yield from _whole(arena, leaf + 1, kinds)

    def _named(self, arena: Arena, leaf: int, kinds: Iterable[Beside]) -> Iterator[Hit]:
        """``{"type": "passport", "value": "..."}``: the word is a value, and a key beside it holds the number."""
        holder = arena.spots[leaf].holder
        if not isinstance(holder, dict):
            return
        for near in range(leaf + 1, min(leaf + 9, len(arena.spots))):
            other = arena.spots[near]
            if other.holder is not holder:
                return
            if not other.is_key and str(other.step).lower() in _VALUE_STEPS:
                yield from _whole(arena, near, kinds)


def _steps_of(inside: dict[str, Json] | list[Json]) -> Iterable[str | int]:
    """Every item of a list; of an object the keys that say no more than that they hold the value."""
    return range(len(inside)) if isinstance(inside, list) else [step for step in inside if step.lower() in _VALUE_STEPS]


def _within(place: Place, inside: dict[str, Json] | list[Json], kinds: Iterable[Beside]) -> Iterator[Hit]:
    """Other readings of single leaves have no walk; the message itself has been searched before."""
    arena, spots = place.arena, place.arena.spots
    if isinstance(spots, Spots):
        for leaf in (spots.leaf_of(inside, step) for step in _steps_of(inside)):
            if leaf >= 0:
                place.watch()
                yield from _whole(arena, leaf, kinds)


def _whole(arena: Arena, leaf: int, kinds: Iterable[Beside]) -> Iterator[Hit]:
    low, high = arena.starts[leaf], arena.end_of(leaf)
    for kind in kinds:
        before = None
        for before in kind.after(arena.text, low, high):
            yield before
        if before is None:
            yield from kind.short_number(arena, leaf)


def alone(kind: Kind) -> Detector:
    """The detector of a form that needs no word."""
    later, check, sure = Later(edged(kind.alone)), kind.check, SURE if kind.check else LIKELY

    def look(place: Place) -> Iterator[Hit]:
        text, at, form = place.text, place.at, later.form
        found = form.match(text, at) or form.match(text, at + 1)
        if found is None or (check is not None and not check(squeezed(found[0]))):
            return
        at = found.start()
        leaf = place.arena.leaf_at(at)
        said = place.arena.names[leaf] + " " + text[max(place.arena.starts[leaf], at - 16) : at]
        if not _OTHER_THING.search(said.lower()):
            yield Hit(kind.type, at, found.end(), sure)

    return Detector(name=f"{kind.type}_alone", types=(kind.type,), probes=kind.probes, look=look)


def detectors_of(name: str, kinds: tuple[Kind, ...]) -> tuple[Detector, ...]:
    """One detector for all words of a table, and one for each form that needs none."""
    labels = Labels(kinds)
    types = tuple(dict.fromkeys(kind.type for kind in kinds if kind.labels or kind.faint))
    return (Detector(name=name, types=types, probes=labels.probes, look=labels.look), *(alone(kind) for kind in kinds if kind.probes))
