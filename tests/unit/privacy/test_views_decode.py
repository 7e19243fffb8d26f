"""Encodings undone, one in another, with the way back."""

from __future__ import annotations

import base64
import gzip
import re
import zlib

import pytest

from mpp.errors import Refused
from mpp.stages.privacy.views import block_end, derive, PROBES, readings, Spent, View, view as views_view
from mpp.stages.privacy.views import astext, codes, decode, limits

MAIL = "john.smith@example.com"
LONG = "this is a long text in which there is " + MAIL


def base(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def percent(text: str) -> str:
    return "".join(f"%{one:02x}" for one in text.encode())


# What is written, and the part of it that stands for the address.
WAYS = {
    "percent": ("q=john.smith%40example.com&x", "john.smith%40example.com"),
    "percent, all": ("q=" + percent(MAIL), percent(MAIL)),
    "percent twice": ("john.smith%2540example.com", "john.smith%2540example.com"),
    "percent of wide letters": ("a john.smith%EF%BC%A0example.com", "john.smith%EF%BC%A0example.com"),
    "percent u": ("a john.smith%u0040example.com", "john.smith%u0040example.com"),
    "decimal": ("a john.smith&#64;example.com", "john.smith&#64;example.com"),
    "hex entity": ("a john.smith&#x40;example&#x2e;com", "john.smith&#x40;example&#x2e;com"),
    "named": ("john.smith&commat;example&period;com &nix;", "john.smith&commat;example&period;com"),
    "escape": ("a john.smith\\u0040example.com", "john.smith\\u0040example.com"),
    "escape, all": ("".join(f"\\u{ord(one):04x}" for one in MAIL), "".join(f"\\u{ord(one):04x}" for one in MAIL)),
    "escape in json in json": ("john.smith\\\\u0040example.com", "john.smith\\\\u0040example.com"),
    "braces": ("john.smith\\u{40}example\\U0000002ecom \\u{d800}", "john.smith\\u{40}example\\U0000002ecom"),
    "hex escape": ("".join(f"\\x{ord(one):02x}" for one in MAIL), "".join(f"\\x{ord(one):02x}" for one in MAIL)),
    "hex escape twice": ("john.smith\\\\x40example.com", "john.smith\\\\x40example.com"),
    "octal": ("john.smith\\100example.com", "john.smith\\100example.com"),
    "markdown": ("john.smith\\@example\\.com", "john.smith\\@example\\.com"),
    "line end": ("x: john.smith@\\nexample.com", None),
    "tag": ("john.smith<b>@</b>example.com", "john.smith<b>@</b>example.com"),
    "comment": ("john.smith<!-- x -->@example.com", "john.smith<!-- x -->@example.com"),
    "emphasis": ("john.smith**@**example.com", "john.smith**@**example.com"),
    "brackets": ("to john.smith [at] example [dot] com", "john.smith [at] example [dot] com"),
    "words": ("to john.smith at example dot com", "john.smith at example dot com"),
    "mail": ("a john.smith=40example.com", "john.smith=40example.com"),
    "mail, soft end": ("john.smi=\nth@example.com", "john.smi=\nth@example.com"),
    "base64": (f"blob {base(MAIL)} x", base(MAIL)),
    "base64 without end": (f"blob {base(MAIL).rstrip('=')} x", base(MAIL).rstrip("=")),
    "base64 three times": (base(base(base(LONG))), base(base(base(LONG)))),
    "base64url": (
        base64.urlsafe_b64encode(f'{{"e":"{MAIL}","a":"???>>>"}}'.encode()).decode(),
        base64.urlsafe_b64encode(f'{{"e":"{MAIL}","a":"???>>>"}}'.encode()).decode(),
    ),
    "base64 behind other letters": ("x " + base("日本語のテキスト、これはテスト: " + LONG), None),
    "base64 in lines": (
        base64.encodebytes(("some text " * 10 + MAIL).encode()).decode(),
        base64.encodebytes(("some text " * 10 + MAIL).encode()).decode()[:-1],
    ),
    "utf-16": (base64.b64encode(LONG.encode("utf-16-le")).decode(), None),
    "gzip": (base(gzip.compress(LONG.encode())), base(gzip.compress(LONG.encode()))),
    "zlib": (base(zlib.compress(LONG.encode())), base(zlib.compress(LONG.encode()))),
    "gzip in hex": ("x " + gzip.compress(LONG.encode(), mtime=0).hex(), gzip.compress(LONG.encode(), mtime=0).hex()),
    "hex": (f"x {MAIL.encode().hex()} y", MAIL.encode().hex()),
    "hex pairs": (f"x {MAIL.encode().hex(' ')} y", MAIL.encode().hex(" ")),
    "hex list": (", ".join(hex(one) for one in MAIL.encode()), ", ".join(hex(one) for one in MAIL.encode())),
    "broken line": ("write to john.smith@\nexample.com", "john.smith@\nexample.com"),
    "broken before": ("write to john.smith\n> @example.com", "john.smith\n> @example.com"),
    "broken name": ("write to john.smith@exam\nple.com", "john.smith@exam\nple.com"),
    "blanks": ("to " + " ".join(MAIL), " ".join(MAIL)),
    "blanks around": ("to john.smith @ example . com", "john.smith @ example . com"),
}


def begins(text: str) -> list[int]:
    """Where the probes begin, as the offsets that a scan gives."""
    data = b"\n\x00\n" + text.encode() + b"\n\x00\n"
    return sorted({max(len(data[: found.start()].decode(errors="ignore")) - 3, 0) for probe in PROBES for found in re.finditer(probe.encode(), data)})


def with_value(made: list[View], value: str = MAIL) -> View:
    return next(one for one in made if value in one.text)


@pytest.mark.parametrize("name", WAYS)
def test_a_hidden_address_is_read_and_found_again(name: str) -> None:
    text, part = WAYS[name]
    places = begins(text)
    assert places, "no probe begins there"
    view = with_value(readings(text, places, Spent()), "john.smith@\nexample.com" if name == "line end" else MAIL)
    if part is not None:
        at = view.text.index(MAIL)
        assert text[view.starts[at] : view.ends[at + len(MAIL) - 1]] == part


@pytest.mark.parametrize(
    "text",
    [
        "Plain words, 12 of them.",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 by 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "status=404 took=12ms order 1234567890123456",
        "    @property\n    @abc.abstractmethod\n    def x",
    ],
)
def test_usual_texts_have_no_places(text: str) -> None:
    assert begins(text) == []


def test_a_number_over_a_line_end_is_one_and_a_column_is_not() -> None:
    text = "card 4111 1111\n1111 1111 ok"
    view = with_value(derive(text, 0), "4111 1111 1111 1111")
    assert (view.starts[5], view.ends[23]) == (5, 24)
    assert derive("1234 5678\n2345 6789\n3456 7890", 0) == []
    assert derive("7\n1234 5678\n2345 6789 x", 0) == []


def test_bytes_that_are_no_text_give_nothing() -> None:
    assert astext.as_text(b"short") is None
    assert astext.as_text(bytes(range(128, 256))) is None
    assert astext.as_text(b"a good beginning" + bytes(range(128, 200))) == "a good beginning"
    assert astext.as_text("grün genug".encode()) == "grün genug"
    assert derive("x " + base(b"Plain\x80\x81\x82\x83\x84\x85\x86"), 0) == []
    assert derive("x " + base(b"\x1f\x8b\x08 no gzip"), 0) == []


@pytest.mark.parametrize("before", [b"", *(bytes(range(200, 200 + size)) for size in (3, 4, 5)), bytes(range(256)) * 3])
def test_each_text_in_a_file_of_other_bytes_is_read(before: bytes) -> None:
    """Attack: bytes that begin a text by chance, at another place of the four letters than the text behind them."""
    view, *_ = derive("x " + base(before + b"the first text\x80\x81\x82\x83\x84\x85\x86\x00and the second\xff\xfe" + bytes(range(128, 256))), 0)
    assert "the first text" in view.text
    assert "and the second" in view.text


def test_latin_bytes_are_read_too() -> None:
    assert derive("caf%E9 x", 0)[0].text == "caf\xe9 x"
    assert derive("\\xc3\\xa9 \\ud83d\\ude00 a\\td", 0)[0].text == "\xe9 \U0001f600 a\td"


def test_a_small_token_with_a_large_text_is_withheld() -> None:
    with pytest.raises(Refused) as caught:
        derive("x " + base(gzip.compress(b"a text " * limits.INFLATED_BYTES_MAX)), 0)
    assert caught.value.code == "privacy.limit"


def test_too_long_a_token_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "TOKEN_CHARS_MAX", 100)
    with pytest.raises(Refused):
        derive(base(LONG * 10), 0)


def test_too_many_readings_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "REGION_VIEWS_MAX", 1)
    with pytest.raises(Refused):
        derive(f"a%2540 {base(LONG)}", 0)
    monkeypatch.setattr(views_view, "VIEWS_MAX", 1)
    spent = Spent()
    derive("a%40b", 0, spent)
    with pytest.raises(Refused):
        derive("a%40c", 0, spent)


def test_each_block_of_a_long_text_is_read_once_and_no_value_is_lost_at_an_edge() -> None:
    unit = "some words in between john.smith%40example.com and more. "
    text = unit * 400
    made = readings(text, begins(text), Spent())
    assert len(made) == len(text) // limits.BLOCK_CHARS + 1
    found = set()
    for view in made:
        for one in re.finditer(re.escape(MAIL), view.text):
            start, end = view.starts[one.start()], view.ends[one.end() - 1]
            assert text[start:end] == "john.smith%40example.com"
            found.add(start)
    assert len(found) == 400
    assert block_end(text, 0) == limits.BLOCK_CHARS
    assert block_end("short", 2) == 5


def test_a_long_token_is_read_once() -> None:
    text = "see " + base(LONG * 2000)
    made = readings(text, range(4, len(text), 50), Spent())
    assert len(made) == 1
    assert made[0].text.count(MAIL) == 2000
    assert readings("x" * 20_000, [0, 10], Spent()) == []


def test_a_private_key_in_one_long_line_is_read_to_its_end() -> None:
    lines = "\\n".join("A1b2" * 16 for _ in range(60))
    key = "-----BEGIN RSA PRIVATE " + f"KEY-----\\n{lines}\\n-----END RSA PRIVATE " + "KEY-----"
    text = "word " * 400 + key + " word" * 2000
    assert any("KEY-----\nA1b2" in one.text and "-----END" in one.text for one in derive(text, 2010))
    assert derive("word " * 400 + "-----BEGIN x\\n" + "word " * 2000, 2010)


def test_offsets_are_those_of_a_list() -> None:
    view = derive("a%40b", 0)[0]
    assert (view.text, list(view.starts), list(view.ends), len(view.starts)) == ("a@b", [0, 1, 4], [1, 4, 5], 3)
    assert view.ends[-1] == 5
    with pytest.raises(IndexError):
        view.starts[3]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (" 9,9,9,9,9,9,9,9", True),
        ("[72,101,108,108,111,32,119,111]", True),
        ("=104,\\n  101,\\n  108,\\n  108,\\n  111,\\n  32,\\n  119,\\n  111", True),
        # A code that is no character is among the first eight.
        (" 99,114,108,23,53,28,75,85,56", False),
        (" 45,345,678,901,234,567", False),
    ],
)
def test_a_list_of_codes_counts_where_eight_stand(text: str, counts: bool) -> None:
    (begin,) = codes.CONFIRMED
    number = PROBES.index(begin)
    assert re.search(begin, text)
    assert (decode.CONFIRMING[number].search(text) is not None) == counts
