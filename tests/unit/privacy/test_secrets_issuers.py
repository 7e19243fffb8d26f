"""Secrets with their issuer's mark: every row of the table is found in every surrounding, made up anew."""

from __future__ import annotations

from base64 import b64encode
from random import Random
from zlib import crc32

import pytest

from mpp.stages.privacy.detector import LIKELY, SURE
from mpp.stages.privacy.detectors.secrets import forms
from mpp.stages.privacy.detectors.secrets.looks import MIDDLES, checksum, glued
from mpp.stages.privacy.detectors.secrets.table import FORMS
from tests.unit.privacy.test_secrets_search import found, hits, kinds

ROWS = [(kind, form) for kind, written in FORMS.items() for form in written] + [(row.type, row.example) for row in MIDDLES]
AROUND = ("{}", 'key: "{}"', "see {}, and more", "A={}\nB=1", r"first\n{}\nlast", "|{}|", "https://host/?a={}&b=1", "密钥{}")
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(("kind", "form"), ROWS, ids=lambda row: row[:40])
def test_every_form_is_found_in_every_surrounding(kind: str, form: str) -> None:
    random = Random(form)
    for around in AROUND:
        text = forms.example(form, random)
        assert kinds({"a": f"twilio {around.format(text)}"})[kind] == 1, (around, text)


@pytest.mark.parametrize(("kind", "form"), ROWS, ids=lambda row: row[:40])
def test_every_form_is_found_alone_in_its_leaf(kind: str, form: str) -> None:
    text = forms.example(form, Random(form))
    assert kinds({"twilio": text, "list": ["a", 12]})[kind] == 1, text


def test_the_table_has_many_issuers() -> None:
    assert len({*FORMS, *(row.type for row in MIDDLES)}) >= 80


def test_the_hidden_part_is_what_follows_the_bar() -> None:
    key = "k" * 20 + "Q7" * 33 + "=="
    assert found("DefaultEndpointsProtocol=https;AccountName=a;" + "AccountKey=" + key + ";EndpointSuffix=x") == [key]


def test_a_longer_token_is_hidden_to_its_end() -> None:
    token = "ghp_" + "aB3" * 20
    assert found(f"({token})") == [token]


@pytest.mark.parametrize("text", ["x" + "ghp_" + "a1" * 18, "task-" + "a1" * 20, "di" + "sk-" + "a1" * 20, "AK" + "IA" + "A1" * 7, "AK" + "IA" + "A1" * 9])
def test_a_mark_within_a_word_is_none(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("body", ["x" * 36, "X" * 36, "your-token-goes-here-your-token-goes-here", "..." + "a" * 36])
def test_what_was_filled_up_by_hand_is_no_token(body: str) -> None:
    assert found("gl" + "pat-" + body) == []


def test_the_documented_example_of_an_access_key_is_hidden_like_any_other() -> None:
    """A filter raises no alarm: a hidden example costs nobody anything, and a list of exceptions is one more thing to get wrong."""
    assert found("AKIA" + "IOSFODNN7" + "EXAMPLE") == ["AKIA" + "IOSFODNN7" + "EXAMPLE"]


def base62(number: int) -> str:
    written = ""
    while number:
        number, digit = divmod(number, 62)
        written = BASE62[digit] + written
    return written.rjust(6, "0")


def test_a_checksum_makes_sure() -> None:
    body = "aB3" * 10
    good, bad = "ghp_" + body + base62(crc32(body.encode())), "ghp_" + body + "000000"
    assert (checksum(good), checksum(bad), checksum(good + "x")) == (True, False, None)
    assert [hit.sure for hit, _ in hits(good)] == [SURE]
    assert [hit.sure for hit, _ in hits(bad)] == [LIKELY]


@pytest.mark.parametrize(
    ("text", "is_glued"), [("", False), ("x", True), (" ", False), ("_", False), (r"\n", False), (r"\m", True), ("%3D", False), ("n", True), ("é", False)]
)
def test_a_word_that_goes_on(text: str, is_glued: bool) -> None:
    assert glued(text + "ghp_", len(text)) is is_glued


SECRET = "wJ4lrXUtnF3MI/K7MD3NG+bPxRfiCY" + "zz9ABCDEFG"


def test_a_secret_key_beside_its_id_is_found() -> None:
    key = "AK" + "IA" + "Q3" * 8
    assert found(f"{key}\n{SECRET}") == [key, SECRET]
    assert found(f"{SECRET},{key}") == [SECRET, key]
    assert found({"x": key, "n": 7, "y": SECRET}) == [key, SECRET]
    assert found([{"x": key}, {"y": SECRET}]) == [key]
    assert found({"x": key, "sha": "0123456789abcdef" * 2 + "01234567"}) == [key]
    assert found(f"{key} {SECRET}9") == [key]
    assert found(f"a{key} {SECRET}") == []


def test_marks_in_the_middle_have_ends() -> None:
    telegram = ":AA" + "b3_" * 11
    assert found("1234567890" + telegram) == ["1234567890" + telegram]
    assert found("12345678901" + telegram) == []
    assert found("1234" + telegram) == []
    assert found("AC" + "0a" * 16) == []
    assert found({"twilio_sid": "AC" + "0a" * 16}) == ["AC" + "0a" * 16]
    assert found("x" + "0a" * 16 + "-us12") == ["0a" * 16 + "-us12"]


def test_an_image_has_no_marks() -> None:
    noise = b64encode(Random(3).randbytes(60_000)).decode()
    assert found({"image": "data:image/png;base64," + noise, "lines": [noise[at : at + 76] for at in range(0, 40_000, 76)]}) == []


def test_forms_are_read() -> None:
    assert forms.expression("a{d:2}|b{x:3-4}c") == "a[0-9]{2,2}(b[0-9a-f]{3,4}c)"
    assert forms.expression("a{d:2}") == r"(a[0-9]{2,2})(?![0-9A-Za-z])"
    assert forms.probe("abcde{d:2}") == "abcde"
    assert forms.probe("a.|{d:20}") == r"a\.[0-9]{12}"
    assert forms.probe("ab") == "ab"
    assert len(forms.example("ab|{d:3}{e:0-2}", Random(1))) == 6
