"""No nesting, escape, encoding or split carries a planted value through the filter."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mpp.model.jsontext import Json
from mpp.stages.privacy.views.limits import BLOCK_CHARS, EDGE_CHARS
from tests.privacies import PLANTED, filter_of, shown

pytestmark = pytest.mark.property


def zipped(text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", text)
    return out.getvalue()


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
    "base32": lambda text: base64.b32encode(f"a text: {text}".encode()).decode(),
    "ascii85": lambda text: base64.a85encode(text.encode(), adobe=True).decode(),
    "gzip": lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
    "bzip2": lambda text: base64.b64encode(bz2.compress(text.encode())).decode(),
    "xz": lambda text: base64.b64encode(lzma.compress(text.encode())).decode(),
    "zip": lambda text: base64.b64encode(zipped(text)).decode(),
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
    # Signs of ascii85 are marks of Markdown to whatever undoes single escapes around it.
    assume(("ascii85", True) not in zip(coats, [coat in {"json", "html", "percent"} for coat in coats[1:]], strict=False))
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


@given(VALUES, st.sampled_from(sorted(set(COATS) - {"json", "html"})), st.sampled_from(("wide", "joiners")), WHERE)
def test_no_letters_of_a_coat_hide_a_value(value: str, coat: str, mask: str, place: str) -> None:
    written = MASKS[mask](COATS[coat](f"see {value} there"))
    assume(len(written) <= LONGEST)
    hides(PLACES[place](written), value, written)


SECRET = "hunter" + "2-Zq81"
NAMES = st.sampled_from(("password", "DB_PASSWORD", "adminPassword", "p\u0430ssword", "db_passw\u043erd", "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44"))
UNDER: dict[str, Callable[[str, str], Json]] = {
    "value": lambda name, text: {name: text},
    "list": lambda name, text: {name: ["x", text]},
    "object": lambda name, text: {name: {"type": "string", "value": text}},
    "list of objects": lambda name, text: {name: [{"value": text}]},
    "pair": lambda name, text: [{"name": name, "value": text}, {"name": "mode", "value": "fast"}],
    "pair turned": lambda name, text: {"value": text, "key": name},
    "columns": lambda name, text: {"columns": ["id", name], "rows": [["1", "x"], ["2", text]]},
    "first row": lambda name, text: [["id", name], ["1", "x"], ["2", text]],
    "csv": lambda name, text: {"t": f"id,{name}\n1,x\n2,{text}\n"},
    "markdown": lambda name, text: {"t": f"Users:\n\n| id | {name} |\n|---|---|\n| 2 | {text} |\n"},
    "yaml": lambda name, text: {"t": f"a: 1\n{name}: |\n  {text}\nb: 2\n"},
    "yaml list": lambda name, text: {"t": f"{name}:\n  - {text}\n"},
    "yaml pair": lambda name, text: {"t": f"env:\n  - name: {name}\n    value: {text}\n"},
}
IN_TEXT = ("value", "object", "list of objects", "pair", "columns", "first row")


@given(NAMES, st.sampled_from(sorted(UNDER)), WHERE)
def test_no_place_below_its_name_hides_a_secret(name: str, form: str, place: str) -> None:
    hides({"a": [UNDER[form](name, SECRET)]}, SECRET)
    if form in IN_TEXT:
        hides(PLACES[place](json.dumps(UNDER[form](name, SECRET), indent=len(place) % 3 or None, ensure_ascii=False)), SECRET)


@given(st.integers(16, 34), st.sampled_from(("\n", "\r\n", "\\\n", "=\n", "\n    ", "\n> ", '" +\n  "')), AROUND, WHERE)
def test_no_end_of_a_line_hides_a_token(at: int, end: str, around: tuple[str, str], place: str) -> None:
    token = PLANTED["github_token"]
    hides(PLACES[place](f"{around[0]}{token[:at]}{end}{token[at:]}{around[1]}"), token[at:] if len(token) - at > 5 else token[:at])


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
