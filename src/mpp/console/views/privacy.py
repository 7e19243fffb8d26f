"""What the privacy bench shows: a text that somebody pasted, what is found in it, and what an agent would get of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mpp.host.privacy_trial import masked, Searched, WHY
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy import Filtered, Found, words_for

TEXT_BYTES_MAX = 256 * 1024
"""Bytes of the text on the bench. Reason: a long answer of a tool; it is sent, searched and shown again with each try. `mpp privacy test` takes files of any size."""

ROWS_SHOWN_MAX = 200
"""Findings that are listed. Reason: what a person reads; `mpp privacy explain --json` has all."""

READINGS: Mapping[str, str] = {
    "as written": "it stands there",
    "normalised": "letters or digits that only look alike, or hidden characters between them",
    "decoded": "out of base64, hex, percent signs, references, escapes or markup",
    "joined": "out of pieces: items of a list, blocks in a row",
}


@value
class Row:
    """One finding."""

    type: str
    what: str
    where: str
    text: str
    reading: str
    reading_words: str
    detector: str
    because: str
    action: str


@value
class Bench:
    """One try. It is made for one answer of the console and kept nowhere."""

    text: str
    """As it was pasted, to go back into its field."""
    whole: bool
    """Are the values shown in full?"""
    is_json: bool
    engine: str
    rows: tuple[Row, ...]
    more: int
    counts: tuple[tuple[str, int], ...]
    let_through: tuple[tuple[str, int], ...]
    stripped: int
    withheld: str
    data: str
    """What an agent gets as data; empty: the text was no JSON, or nothing is given out."""
    words: str
    """What it gets as text."""
    milliseconds: float
    size: int


@value
class Refusal:
    """A text that was not tried, or that the filter would withhold before anything is listed."""

    text: str
    whole: bool
    code: str
    message: str
    hint: str


@value
class Group:
    """What is searched for, by group."""

    name: str
    words: str
    rows: tuple[Searched, ...]


def bench_of(text: str, message: Json, found: Sequence[Found], filtered: Filtered, *, engine: str, whole: bool, seconds: float) -> Bench:
    report = filtered.report
    is_json = not isinstance(message, str) or text.lstrip()[:1] == '"'
    given = not report.withheld
    return Bench(
        text=text,
        whole=whole,
        is_json=is_json,
        engine=engine,
        rows=tuple(_row(one, whole=whole) for one in found[:ROWS_SHOWN_MAX]),
        more=max(0, len(found) - ROWS_SHOWN_MAX),
        counts=report.counts,
        let_through=report.let_through,
        stripped=report.stripped,
        withheld=report.withheld,
        data=json.dumps(filtered.message, indent=2, ensure_ascii=False) if given and is_json else "",
        words=_words(filtered.message) if given else "",
        milliseconds=round(seconds * 1000, 1),
        size=len(text.encode("utf-8", "replace")),
    )


def _row(one: Found, *, whole: bool) -> Row:
    return Row(
        type=one.type,
        what=words_for(one.type),
        where=one.where or "/",
        text=masked(one.text, show=whole),
        reading=one.view,
        reading_words=READINGS.get(one.view, ""),
        detector=one.detector,
        because=WHY[one.sure],
        action=one.action,
    )


def _words(message: Json) -> str:
    """An answer goes to an agent as data and as text; as text it is the same on one line."""
    return message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)


def groups_of(searched: Sequence[Searched], names: Mapping[str, str]) -> tuple[Group, ...]:
    """``names``: the groups that the filter has, with what they are."""
    found: dict[str, list[Searched]] = {}
    for one in searched:
        found.setdefault(one.group, []).append(one)
    return tuple(Group(name=name, words=names.get(name, ""), rows=tuple(rows)) for name, rows in sorted(found.items()))
