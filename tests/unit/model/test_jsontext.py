"""Strict reading, and the canonical form against an independent encoder."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.limits import JSON_DEPTH_MAX, JSON_INT_MAX, JSON_VALUES_MAX
from mpp.model import jsontext


def read(data: bytes) -> jsontext.Json:
    return jsontext.read(data, family="manifest", where="manifest.json")


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


GOOD = [
    (b"{}", {}),
    (b' {"a": [1, -2.5, true, null, "\\u00e9"]}\r\n', {"a": [1, -2.5, True, None, "\xe9"]}),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b"1e308", 1e308),
    (b'{"a": {"b": 1}, "b": {"b": 1}}', {"a": {"b": 1}, "b": {"b": 1}}),
    (nested(JSON_DEPTH_MAX), None),
]

BAD = [
    (b"", "not JSON", "line 1, column 1"),
    (b'{"a": }', "not JSON", "line 1, column 7"),
    (b"{}\n{}", "not JSON", "line 2, column 1"),
    (b"{'a': 1}", "not JSON", "line 1, column 2"),
    (b'"a\nb"', "not JSON", "line 1, column 3"),
    (b'{"a": 1, "b": 2, "a": 3}', "same key twice", "manifest.json: a"),
    (b'[{"\\u0061": 1, "a": 3}]', "same key twice", "manifest.json: a"),
    (b'{"\\u00e9": 1, "\xc3\xa9": 3}', "same key twice", "manifest.json: \\xe9"),
    (b'"\xff"', "not UTF-8", "manifest.json"),
    (b'"\\ud800"', "half of a character", "manifest.json"),
    (b'{"\\udc00": 1}', "half of a character", "manifest.json"),
    ("{}".encode("utf-16"), "not UTF-8", "manifest.json"),
    (b"\xef\xbb\xbf{}", "not JSON", "line 1, column 1"),
    (b"NaN", "number", "manifest.json"),
    (b"[-Infinity]", "number", "manifest.json"),
    (b"1e999", "number", "manifest.json"),
    (b"-1e999", "number", "manifest.json"),
    (b"9" * 5000, "number", "manifest.json"),
    (nested(JSON_DEPTH_MAX + 1), "nested deeper", "manifest.json"),
    (nested(200_000), "nested deeper", "manifest.json"),
    (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper", "manifest.json"),
]


@pytest.mark.parametrize(("data", "found"), GOOD)
def test_good_json_is_read(data: bytes, found: jsontext.Json) -> None:
    assert read(data) == (json.loads(data) if found is None else found)


@pytest.mark.parametrize(("data", "words", "place"), BAD, ids=range(len(BAD)))
def test_bad_json_is_refused_with_words_and_a_place(data: bytes, words: str, place: str) -> None:
    with pytest.raises(Refused) as caught:
        read(data)
    assert caught.value.code == "manifest.json"
    assert words in caught.value.message
    assert caught.value.where.endswith(place)
    assert caught.value.hint


@given(
    st.binary(max_size=60)
    | st.text(alphabet='{}[]":,0123456789.eE+-\\ufalsrntN\u00e9\ud800 ', max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read(data)
    except Refused as refusal:
        assert refusal.code == "manifest.json"
    else:
        assert json.loads(json.dumps(found)) == found


SUBSET = st.recursive(
    st.none() | st.booleans() | st.integers(-JSON_INT_MAX, JSON_INT_MAX) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=5),
    max_leaves=20,
)


@given(SUBSET)
def test_the_canonical_form_is_that_of_rfc_8785(document: jsontext.Json) -> None:
    made = jsontext.canonical(document)
    assert made == rfc8785.dumps(document)
    assert jsontext.read_canonical(made, family="key", where="x") == document


@pytest.mark.parametrize("document", [[1.0], {"a": {"b": 0.5}}, {"\xe9": 1}, {"a": [{"\u4e00": 1}]}, JSON_INT_MAX + 1, [-JSON_INT_MAX - 1]])
def test_what_the_subset_leaves_out_is_not_written(document: jsontext.Json) -> None:
    with pytest.raises(ValueError, match="signed document"):
        jsontext.canonical(document)


def test_a_lone_surrogate_is_not_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        jsontext.canonical("\ud800")


NOT_CANONICAL = [
    b'{"a": 1}',
    b'{"b":1,"a":1}',
    b'{"a":1}\n',
    b'"\\u0061"',
    b'"\\/"',
    b"-0",
    b"1.0",
    b"[9007199254740992]",
    b'{"\xc3\xa9":1}',
    b'"\\u001F"',
    b"1E2",
]


@pytest.mark.parametrize("data", NOT_CANONICAL)
def test_any_other_form_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        jsontext.read_canonical(data, family="signature", where="envelope")
    assert (caught.value.code, caught.value.where) == ("signature.json", "envelope")


SHOWN = [
    ("plain", "plain"),
    ("\x1b[31m", "\\x1b[31m"),
    ("a\nb\x7f", "a\\x0ab\\x7f"),
    ("\u202eevil\xe9\U0001f600", "\\u202eevil\\xe9\\U0001f600"),
    ("\ud800", "\\ud800"),
    ("a" * 80, "a" * 80),
    ("a" * 81, "a" * 77 + "..."),
    ("\x00" * 1000, ("\\x00" * 20)[:77] + "..."),
]


@pytest.mark.parametrize(("text", "found"), SHOWN)
def test_untrusted_text_is_made_safe_to_quote(text: str, found: str) -> None:
    assert jsontext.shown(text) == found


@given(st.text(), st.integers(3, 100))
def test_quoted_text_is_printable_and_bounded(text: str, most: int) -> None:
    found = jsontext.shown(text, most)
    assert len(found) <= most
    assert all(" " <= letter <= "~" for letter in found)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        (r'"\ud83d\ude00"', True),
        (r'"\uD83D\uDE00\ud83d\ude00"', True),
        (r'"\\ud83d"', True),
        (r'"\\\\ud83d"', True),
        (r'"\\\ud83d\ude00"', True),
        (r'"\u0041\n"', True),
        (r'"\ud83d"', False),
        (r'"\ude00"', False),
        (r'"\ude00\ud83d"', False),
        (r'"\ud83d \ude00"', False),
        (r'"\ud83d\n"', False),
        (r'"\ud83d\ud83d\ude00"', False),
        (r'{"\ud83d": 1}', False),
        (r'["\ud83d", "\ude00"]', False),
    ],
)
def test_halves_of_characters_stand_in_pairs(text: str, *, sound: bool) -> None:
    """Held against the standard library: sound is exactly what UTF-8 can write."""
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
        writable = True
    except UnicodeEncodeError:
        writable = False
    assert writable == sound
    if sound:
        jsontext.read(text.encode(), family="manifest", where="x")
    else:
        with pytest.raises(Refused, match=r"manifest\.json: escapes half"):
            jsontext.read(text.encode(), family="manifest", where="x")


def test_the_number_of_values_is_bounded_before_parsing() -> None:
    jsontext.read(b"[" + b"0," * (JSON_VALUES_MAX - 1) + b"0]", family="manifest", where="x")
    with pytest.raises(Refused, match=r"manifest\.json: has more than 300000 values"):
        jsontext.read(b"[" + b"0," * JSON_VALUES_MAX + b"0]", family="manifest", where="x")
