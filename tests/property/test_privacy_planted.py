"""No nesting, escape, encoding or split carries a planted value through the filter."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mpp.model.jsontext import Json
from mpp.stages.privacy.views.limits import BLOCK_CHARS, EDGE_CHARS
from tests.privacies import PLANTED, filter_of, shown

pytestmark = pytest.mark.property

VALUES = st.sampled_from(sorted(PLANTED.values()))
COATS: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "percent": lambda text: quote(text, safe=""),
    "all percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "entities": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "html": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
}
"""Ways to write a text as another one. Two of them that are worn one over the other are a third; the filter looks through three."""
MASKS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "wide": lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    "zero width": "\u200b".join,
    "joiners": "\u2060".join,
    "no-break spaces": lambda text: text.replace(" ", "\xa0"),
    "dashes": lambda text: text.replace("-", "\u2011"),
}
"""Ways to write the letters themselves."""
AROUND = st.sampled_from((("", ""), ("see ", " for more"), ("(", ")"), ("\n", "\n"), ("x=", "; y=1"), ("\u201e", "\u201c"), ('{"a": "', '"}')))
PLACES: dict[str, Callable[[str], Json]] = {
    "value": lambda text: {"note": text},
    "item": lambda text: ["one", text, "three"],
    "key": lambda text: {text: 1},
    "deep": lambda text: {"a": [{"b": [[{"c": text}]]}]},
    "alone": lambda text: text,
    "beside": lambda text: {"content": [{"type": "text", "text": text}], "isError": False},
}
LONGEST = BLOCK_CHARS + 2 * EDGE_CHARS
WHERE = st.sampled_from(sorted(PLACES))


def hides(message: Json, *written: str) -> None:
    """Nothing of what was written is left, or the answer is withheld."""
    filtered = filter_of()(message)
    told = shown(filtered.message)
    assert filtered.is_withheld or not [one for one in written if one in told or json.dumps(one)[1:-1] in told], told


@given(VALUES, st.lists(st.sampled_from(sorted(COATS)), max_size=3), AROUND, WHERE)
def test_no_coat_hides_a_value(value: str, coats: list[str], around: tuple[str, str], place: str) -> None:
    text = f"{around[0]}{value}{around[1]}"
    for coat in coats:
        text = COATS[coat](text)
    # What is longer is read in pieces that overlap, and a value that is written in a thousand characters may lie across them.
    assume(len(text) <= LONGEST)
    hides(PLACES[place](text), value, text)


@given(VALUES, st.sampled_from(sorted(MASKS)), AROUND, WHERE)
def test_no_letters_hide_a_value(value: str, mask: str, around: tuple[str, str], place: str) -> None:
    written = MASKS[mask](value)
    hides(PLACES[place](f"{around[0]}{written}{around[1]}"), value, written)


@given(VALUES, st.sampled_from(sorted(MASKS)), st.sampled_from(("json", "html")), WHERE)
def test_no_letters_in_a_document_hide_a_value(value: str, mask: str, coat: str, place: str) -> None:
    written = MASKS[mask](value)
    hides(PLACES[place](COATS[coat](json.dumps({"a": written}, ensure_ascii=False))), value, written)


@given(st.data(), st.sampled_from(("email", "credit_card", "github_token")), st.sampled_from(("list", "blocks")))
def test_no_cut_hides_a_value(data: st.DataObject, kind: str, form: str) -> None:
    value = PLANTED[kind]
    if kind == "credit_card":
        pieces = value.split(" ")
    else:
        least = value.find("@") if kind == "email" else 5
        at = data.draw(st.integers(least, len(value) - 8))
        pieces = [value[:at], value[at:]]
    items: list[Json] = [*pieces] if form == "list" else [{"type": "text", "text": one} for one in pieces]
    filtered = filter_of()({"a": items})
    told = shown(filtered.message)
    assert filtered.is_withheld or not [one for one in pieces if len(one) > 3 and f'"{one}"' in told], told


@given(st.sampled_from((4539148803436467, 4111111111111111, 4539148803436467.0)), WHERE)
def test_a_number_is_read_as_digits(number: float, place: str) -> None:
    message: Json = {"card": number, "list": [number, 1], "text": PLACES[place]("x")}
    told = shown(filter_of()(message).message)
    assert str(int(abs(number))) not in told


@given(st.lists(VALUES, min_size=1, max_size=6), st.lists(st.text("abc xyz.,", max_size=12), min_size=7, max_size=7))
def test_counts_add_up(values: list[str], words: list[str]) -> None:
    message: Json = [f"{word} | {value} | " for word, value in zip(words, values, strict=False)]
    filtered = filter_of("redact")(message)
    told = shown(filtered.message)
    assert sum(count for _, count in filtered.report.counts) == sum(told.count(f"[{kind.upper()}]") for kind, _ in filtered.report.counts) >= len(values)
    assert len(filtered.report.digests) <= len(set(values)) + 1
