"""Long runs of digits, found once and told apart: cards, social security numbers, phones.

A run holds groups of digits that short gaps part. A date before a card, or two numbers side by side, are one run;
so each kind looks at windows of groups, and what one kind has taken the next one leaves alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpp.stages.privacy.detector import Detector, Hit, Place
from mpp.stages.privacy.detectors import cards, phones, ssn
from mpp.stages.privacy.detectors.nearby import CARD, is_word, of_name, PHONE, SSN
from mpp.stages.privacy.detectors.runs import DIGITS_MAX, follows_escape, Run
from mpp.stages.privacy.later import on_use

_NO_MORE = r"(?![ ().\-/]{0,3}[0-9])"
_DULL = (
    r"((?:19|20)[0-9]{2}([-/.])[0-9]{1,2}\3[0-9]{1,2}(?:[-. /][0-9]{1,6})?"  # a date, or a build that is named for one
    r"|[0-9]+\.[0-9]+"  # a fraction
    r"|(?<=[0-9A-Za-z][-./_])[0-9]{7,11})" + _NO_MORE  # the tail of a name
)
"""Four of five runs in the answers of programs."""

_DIGITS_LEAST = 7
"""Digits of the shortest number that is looked for."""
_WHOLE = rf"(?<=\x00\n)(?!00)([0-9]{{{_DIGITS_LEAST},{cards.OFTEN_IDS}}})\Z"
"""A leaf that is one number, seldom a card: its key alone can say what it is."""

_RUN = on_use(rf"{_WHOLE}|{_DULL}|[+(]{{0,2}}[0-9](?:[ ().\-/]{{0,3}}[0-9]){{6,{DIGITS_MAX - 1}}}")
_match = _RUN.match
_TIGHT = on_use(r"[0-9]+(?:[.\-/][0-9]+)*")
_IS_WHOLE = 1
_NAMED = frozenset((CARD, PHONE, SSN))
_HEAD_MAX = 4
"""Characters from the beginning of a probe to the first digit, at most."""


class _Look:
    """Judges each run once.

    The arena is known again by its list of starts, which holds nothing of the message.
    A scan in another thread may make a run be judged twice, which only costs time.
    """

    def __init__(self) -> None:
        self._judged: tuple[list[int], int, int] = ([], 0, 0)

    def look(self, place: Place) -> Iterable[Hit]:
        text, at = place.text, place.at
        arena_starts = place.arena.starts
        starts, first, resume = self._judged
        if first <= at < resume and starts is arena_starts:
            return ()
        low, high = place.low, place.high
        # What ``_WHOLE`` says, of the most frequent run of all: a JSON number that is the id of a record.
        if at < low and _DIGITS_LEAST <= high - low <= cards.OFTEN_IDS:
            written = text[low:high]
            if written.isdigit() and written.isascii() and written[:2] != "00" and of_name(place.arena.names[place.leaf]) not in _NAMED:
                return ()
        # The probe begins with the character before the first digit, or within it where that has several bytes.
        head = at + 1
        if text[at] in "+(":
            head = at - 1 if text[at - 1] in "+(" else at
        found = _match(text, head, high) or _RUN.search(text, head, min(high, at + _HEAD_MAX + DIGITS_MAX))
        if found is None:
            return ()
        begin, end = found.span()
        self._judged = (arena_starts, at, end)
        kind = found.lastindex
        if kind is not None:
            if kind != _IS_WHOLE or of_name(place.key) not in _NAMED:
                return ()
        elif begin > at + _HEAD_MAX or not _may_be_one(place, begin, end):
            return ()
        run = Run(place, begin, end)
        self._judged = (arena_starts, at, run.resume)
        return _judge(run)


def _may_be_one(place: Place, begin: int, end: int) -> bool:
    """A quick look at what most runs are: the id of a record, the tail of a name, a piece of hexadecimal."""
    text, size = place.text, end - begin
    written = text[begin:end]
    if size > cards.DIGITS_MOST or _TIGHT.fullmatch(written) is None:
        return True
    if begin > place.low:
        mark = text[begin - 1]
        if (is_word(mark) and not follows_escape(text, begin)) or (mark in "-./_" and is_word(text[begin - 2])):
            return size >= cards.DIGITS_LEAST
    return end == place.high or not is_word(text[end]) or text[end] in "xXeE"


def _judge(run: Run) -> list[Hit]:
    hits = cards.find(run)
    hits += ssn.find(run)
    hits += phones.find(run)
    return hits


_GAP, _IN = r"[ ().\-/]", r"[0-9 ().\-/]"
_PAIR = "[0-9]{2}"
_NO_YEAR, _YEAR = f"(?:[03-9][0-9]|1[0-8]|2[1-9]){_PAIR}", f"(?:19|20){_PAIR}"
_NO_BUILD = rf"(?:{_GAP}{_IN}{{8}}|[0-9]{_GAP}{_IN}{{7}}|{_PAIR}[ ()\-/]{_IN}{{6}}|{_PAIR}\.{_GAP}{_IN}{{5}}|{_PAIR}\.[0-9]{_GAP}{_IN}{{4}}|{_PAIR}\.{_PAIR}[ ()\-/]{_IN}{{3}})"
_HEADS = (
    ("[0-9]{7}", ""),
    (rf"[0-9]{{6}}{_GAP}{_IN}{{2}}", ""),
    (rf"[0-9]{{5}}{_GAP}{_IN}{{3}}", ""),
    (rf"[0-9]{{4}}{_GAP}", "[0-9]{3}"),
    # Not a date, which is the most frequent run of all, nor a build that is named for one: 2026.01.31.1200.
    (r"[0-9]{4}[ ()\-/]", rf"{_IN}{{9}}", rf"{_PAIR}[ ().]{_PAIR}"),
    (rf"{_NO_YEAR}\.", rf"{_IN}{{9}}", rf"{_PAIR}[ ().]{_PAIR}"),
    (rf"{_YEAR}\.", _NO_BUILD, rf"{_PAIR}[ ()]{_PAIR}", rf"{_PAIR}\.[0-9]{{3}}", rf"{_IN}{{12}}"),
    (rf"[0-9]{{3}}{_GAP}", "[0-9]{4}", rf"{_IN}{{5}}"),
    # Not the seconds of a time with their fraction.
    ("[0-9]{2}", rf"[ ()\-/]{_IN}{{5}}", rf"\.{_IN}{{7}}"),
    (rf"[0-9]{{1}}{_GAP}{_IN}{{6}}", ""),
)
"""How a run of seven digits begins, by the size of its first group, and the ways in which it goes on. Each way has one length,
so that the engine need not keep track of beginnings."""


def _probes() -> Iterator[str]:
    for head, *ways in _HEADS:
        for way in ways:
            yield rf"[^0-9A-Za-z.\-/]{head}{way}"
            yield rf"\\[nrt]{head}{way}"
    # Behind a sign that joins it to something else only a card is looked for.
    yield rf"[.\-/][0-9]{_IN}{{13}}"


DETECTORS: tuple[Detector, ...] = (
    Detector(
        name="numbers",
        types=("credit_card", "phone", "ssn"),
        probes=tuple(_probes()),
        look=_Look().look,
    ),
)
