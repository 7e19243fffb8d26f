"""Values that several texts spell together: the items of a list, the blocks of an answer, the parts in an object.

Attack: an address or a number cut in pieces, of which no one is found. But most lists are lists of whole things, and
figures in a row make a valid card number once in fifty. So items are put together only at borders that look like a
cut, and items of digits only where their lengths are those of a card, a telephone number or the like.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, Holder, Spot, Spots
from mpp.stages.privacy.views.borders import borders, ITEM
from mpp.stages.privacy.views.astext import as_text
from mpp.stages.privacy.views.limits import CODES_MIN, DIGIT_ITEMS_MAX, ITEM_CHARS, ROW_CHARS_PLAIN, BLOCK_CHARS_MEAN, BLOCKS_LONG_MAX
from mpp.stages.privacy.views.parts import Parts, parts
from mpp.stages.privacy.views.shapes import DIGIT_TEXTS_MOST, joint, may_be_number
from mpp.stages.privacy.views.view import Spent, unwatched

_At: TypeAlias = "tuple[Holder, str | int]"
TEXT_KEYS = ("text", "content", "chunk", "delta", "part")
"""Keys under which the blocks of an answer have their text."""
_CUT = "\n\x00\n"


class _Piece(NamedTuple):
    """A part of an item: [start, end) of the view, which begins at ``offset`` of the item's text."""

    start: int
    end: int
    offset: int
    spot: Spot
    leaf: int
    is_whole: bool


class JoinedView:
    """A text put together from several leaves."""

    __slots__ = ("_is_number", "_pieces", "_starts", "name", "text")

    def __init__(self, text: str, name: str, pieces: list[_Piece], *, is_number: bool) -> None:
        self.text, self.name = text, name
        """What is read, and the key above it."""
        self._pieces, self._is_number = pieces, is_number
        self._starts = [piece.start for piece in pieces]

    def _covered(self, start: int, end: int) -> list[_Piece]:
        first = max(bisect_right(self._starts, start) - 1, 0)
        return [piece for piece in self._pieces[first : bisect_right(self._starts, end - 1)] if piece.start < end and start < piece.end]

    def crosses(self, start: int, end: int) -> bool:
        """Does [start, end) take more than one item? Of numbers it must take whole items."""
        covered = self._covered(start, end)
        return len(covered) > 1 and covered[0].spot != covered[-1].spot and (not self._is_number or self.whole(start, end))

    def whole(self, start: int, end: int) -> bool:
        """Does [start, end) begin and end where an item does?"""
        covered = self._covered(start, end)
        return bool(covered) and covered[0].start >= start and covered[-1].end <= end and covered[0].is_whole and covered[-1].is_whole

    def spans(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """Leaf, start and end in the leaf's text, of each leaf in [start, end)."""
        return [
            (piece.leaf, piece.offset + max(start - piece.start, 0), piece.offset + min(end, piece.end) - piece.start)
            for piece in self._covered(start, end)
            if piece.leaf >= 0
        ]

    def missing(self, start: int, end: int) -> list[Spot]:
        """Items in [start, end) that are no leaves, because they are short numbers; each is to be replaced as a whole."""
        return [piece.spot for piece in self._covered(start, end) if piece.leaf < 0]


class _Row(NamedTuple):
    """Texts in a row, and where they stand: the items of a list, or what its items have under one key."""

    text: str
    holder: list[Json]
    key: str = ""
    is_numbers: bool = False

    def spots(self, first: int, after: int, blocks: Sequence[Holder]) -> list[_At]:
        """Where the texts from one number to another stand."""
        return [(block, self.key) for block in blocks[first:after]] if self.key else [(self.holder, place) for place in range(first, after)]

    def blocks(self) -> Sequence[Holder]:
        """The items that have such a text."""
        if self.text.count(ITEM) == len(self.holder) - 1:
            return self.holder  # type: ignore[return-value]
        return [block for block in self.holder if isinstance(block, dict) and isinstance(block.get(self.key), str)]


class _Where:
    """The way from a place in the message to its leaf and to its key."""

    def __init__(self, arena: Arena) -> None:
        self._spots = arena.spots

    def leaf(self, holder: Holder, step: str | int) -> int:
        """The leaf of the value, or -1 if it is none."""
        return self._spots.leaf_of(holder, step) if isinstance(self._spots, Spots) else -1

    def name(self, holder: Holder) -> str:
        return self._spots.above(holder) if isinstance(self._spots, Spots) else ""


def joined(arena: Arena, watch: Callable[[], None] = unwatched) -> list[JoinedView]:
    """What the texts of one list or object spell together."""
    texts: list[str] = []
    rows: dict[int, _Row] = {}
    holders: list[list[Json]] = []
    for holder in arena.lists:
        kind = type(holder[0])
        text = _short_row(holder) if kind is str else None
        if text is None:
            row = made(holder) if (made := _KINDS.get(kind)) is not None else None
            if row is None:
                continue
            rows[len(texts)], text = row, row.text
        texts.append(text)
        holders.append(holder)
    cuts = borders(texts)
    grouped = list(parts(arena))
    coded = [row.holder for row in rows.values() if row.is_numbers and _may_be_codes(row.holder)]
    if not (cuts or grouped or coded):
        return []
    where, spent = _Where(arena), Spent(watch)
    found: list[JoinedView] = []
    cut = [(rows.get(number) or _Row(texts[number], holders[number]), places) for number, places in cuts.items()]
    for view in _all(cut, grouped, coded, where):
        spent.add(view.text)
        found.append(view)
    return found


def _all(cut: list[tuple[_Row, dict[int, str]]], grouped: list[Parts], coded: list[list[Json]], where: _Where) -> Iterator[JoinedView]:
    for row, places in cut:
        yield from _chains(row, places, where)
    yield from (view for group in grouped if (view := _of_parts(group, where)) is not None)
    yield from (_of_codes(holder, where) for holder in coded)


def _short_row(holder: list[Json]) -> str | None:
    """Of a short list of short texts, as most lists are, the texts in a row; None where it needs a closer look."""
    if len(holder) > DIGIT_TEXTS_MOST:
        return None
    try:
        row = ITEM.join(holder)  # type: ignore[arg-type]
    except TypeError:
        return None
    return row if len(row) <= ROW_CHARS_PLAIN and row.count(ITEM) < len(holder) else None


def _row_of_texts(holder: list[Json]) -> _Row | None:
    try:
        row = ITEM.join(holder)  # type: ignore[arg-type]
    except TypeError:
        return _row_of_numbers(holder)
    # Attack: a list of hundreds of thousands of numbers as texts, with a border that may be a cut between every two of them.
    if len(holder) > DIGIT_TEXTS_MOST and _are_digits(row):
        return None
    # Most lists are short, and none of their items holds the mark.
    return _Row(row if len(row) <= ROW_CHARS_PLAIN and row.count(ITEM) < len(holder) else _in_a_row(holder), holder)  # type: ignore[arg-type]


def _are_digits(row: str) -> bool:
    """Is each item nothing but digits? Then all are one chain, which ``may_be_number`` refuses for its length."""
    return row.isascii() and row.replace(ITEM, "").isdigit() and ITEM + ITEM not in row and row[0] != ITEM != row[-1]


def _row_of_numbers(holder: list[Json]) -> _Row | None:
    """A longer list of numbers is a series, or the codes of letters, which have no borders."""
    if not {str, int}.issuperset(map(type, holder)):
        return None
    return _Row(_in_a_row([str(item) for item in holder]) if len(holder) <= DIGIT_ITEMS_MAX else "", holder, is_numbers=True)


def _row_of_blocks(holder: list[Json]) -> _Row | None:
    first = holder[0]
    key = next((key for key in TEXT_KEYS if isinstance(first, dict) and isinstance(first.get(key), str)), None)
    if key is None:
        return None
    texts = [text for block in holder if isinstance(block, dict) and isinstance(text := block.get(key), str)]
    # Many long texts are records, not the pieces of one.
    is_pieces = len(texts) <= BLOCKS_LONG_MAX or sum(map(len, texts)) <= BLOCK_CHARS_MEAN * len(texts)
    return _Row(_in_a_row(texts), holder, key) if is_pieces else None


_KINDS: dict[type, Callable[[list[Json]], _Row | None]] = {str: _row_of_texts, int: _row_of_numbers, dict: _row_of_blocks}


def _in_a_row(texts: list[str]) -> str:
    """Of long texts only the ends, because only there can a border cut something."""
    row = ITEM.join(texts)
    if len(row) > ROW_CHARS_PLAIN + len(texts):
        texts = [text if len(text) <= 2 * ITEM_CHARS else f"{text[:ITEM_CHARS]} {text[-ITEM_CHARS:]}" for text in texts]
        row = ITEM.join(texts)
    # Attack: an item that holds the mark would shift all after it. Any other character keeps the lengths.
    return row if row.count(ITEM) < len(texts) else ITEM.join([text.replace(ITEM, " ") for text in texts])


def _chains(row: _Row, places: dict[int, str], where: _Where) -> Iterator[JoinedView]:
    """Items that are linked by borders; ``places`` has the number of the item before each, with what is put between."""
    # Once for the row. Attack: a list with a border between every two of its items.
    blocks = row.blocks()
    first = -1
    for place in sorted(places):
        if first < 0:
            first = place
        if place + 1 not in places:
            view = _chain(row, row.spots(first, place + 2, blocks), [places[one] for one in range(first, place + 1)], where)
            first = -1
            if view is not None:
                yield view


def _chain(row: _Row, spots: list[_At], joints: list[str], where: _Where) -> JoinedView | None:
    texts = [item if isinstance(item := at[0][at[1]], str) else str(item) for at in spots]  # type: ignore[index]
    name = where.name(row.holder)
    is_number = all(text.isdigit() for text in texts)
    if is_number and not may_be_number([len(text) for text in texts], name, is_loose=row.is_numbers):
        return None
    between = joint([len(text) for text in texts], name) if is_number else None
    return _put_together(texts, joints if between is None else [between] * len(joints), spots, name, where, is_number=is_number)


def _put_together(texts: list[str], joints: list[str], spots: list[_At], name: str, where: _Where, *, is_number: bool) -> JoinedView:
    out: list[str] = []
    pieces: list[_Piece] = []
    at = 0
    for number, (text, (holder, step)) in enumerate(zip(texts, spots, strict=True)):
        spot, leaf = Spot(holder, step), where.leaf(holder, step)
        for offset, part in _ends(text, is_first=number == 0, is_last=number == len(texts) - 1):
            if offset and pieces and pieces[-1].spot == spot:
                out.append(_CUT)
                at += len(_CUT)
            pieces.append(_Piece(at, at + len(part), offset, spot, leaf, is_whole=len(part) == len(text)))
            out.append(part)
            at += len(part)
        if number < len(joints):
            out.append(joints[number])
            at += len(joints[number])
    return JoinedView("".join(out), name, pieces, is_number=is_number)


def _ends(text: str, *, is_first: bool, is_last: bool) -> list[tuple[int, str]]:
    """What of an item stands near a border, with its offset."""
    if len(text) <= 2 * ITEM_CHARS:
        return [(0, text)]
    head, tail = (0, text[:ITEM_CHARS]), (len(text) - ITEM_CHARS, text[-ITEM_CHARS:])
    return [tail] if is_first else [head] if is_last else [head, tail]


def _of_parts(group: Parts, where: _Where) -> JoinedView | None:
    texts = [str(group.holder[key]) for key in group.keys]
    is_number = all(text.isdigit() for text in texts)
    if is_number and not may_be_number([len(text) for text in texts], group.name, is_loose=False):
        return None
    return _put_together(texts, [group.between] * (len(texts) - 1), [(group.holder, key) for key in group.keys], group.name, where, is_number=is_number)


def _may_be_codes(holder: list[Json]) -> bool:
    """A list of numbers that are the codes of the letters of a text, as some programs write bytes."""
    if type(holder[0]) is not int or len(holder) < CODES_MIN or not all(type(item) is int and 9 <= item < 127 for item in holder):
        return False
    return as_text(_bytes(holder)) is not None


def _bytes(holder: list[Json]) -> bytes:
    return bytes([item for item in holder if isinstance(item, int)])


def _of_codes(holder: list[Json], where: _Where) -> JoinedView:
    pieces = [_Piece(place, place + 1, 0, Spot(holder, place), -1, is_whole=True) for place in range(len(holder))]
    return JoinedView(_bytes(holder).decode("ascii"), where.name(holder), pieces, is_number=False)
