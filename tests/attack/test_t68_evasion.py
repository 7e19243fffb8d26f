"""T68: a value that tries to get past the filter, and a message that tries to be skipped, to take long, or to become a value by what is taken out of it.

Every value wears every coat, and every pair of coats. What comes back never has the value, in none of the readings that the coat undoes.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from mpp.errors import Refused, ToolFailed
from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.privacy import Filter, Filtered, Pseudonyms, Rules, built_in, choose, clean_run, read_message, write_message

SECONDS_MAX = 60.0
"""Time for one hostile message. Reason: the deadline of five seconds, the places between two looks at the clock, and a busy machine; what is quadratic takes minutes."""

VALUES = {
    "email": "john.smith@example.com",
    "credit_card": "4111111111111111",
    "iban": "DE89370400440532013000",
    "github_token": "ghp" + "_" + "x1Y2" * 9,
    "url_credentials": "postgres://app:" + "S3cr3tPw9" + "@db.example.net/x",
}
CORES = {"email": "john.smith", "credit_card": "41111111", "iban": "3704004405", "github_token": "x1Y2x1Y2", "url_credentials": "S3cr3tPw9"}
"""The part of each that nobody may see."""

Coat = Callable[[str], str]

ENCODINGS: dict[str, Coat] = {
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent of signs": lambda text: "".join(one if one.isalnum() else f"%{ord(one):02X}" for one in text),
    "base64": lambda text: base64.b64encode(f"value {text} end".encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(f"value?? {text} ~~".encode()).decode().rstrip("="),
    "hex": lambda text: f"a value: {text}".encode().hex(),
    "references": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "references in hex": lambda text: "".join(f"&#x{ord(one):x};" for one in text),
    "escapes": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "json": lambda text: json.dumps({"inner": text}),
    "codes": lambda text: json.dumps({"type": "Buffer", "data": list(text.encode())}),
    "codes in lines": lambda text: json.dumps(list(text.encode()), indent=8),
}
BYTES: dict[str, Coat] = {
    "two bytes a letter": lambda text: "".join(f"{one}\0" for one in text),
    "base64 of two bytes a letter": lambda text: base64.b64encode(f"a {text} b".encode("utf-16")).decode(),
    "base64 of two bytes a letter, high first": lambda text: base64.b64encode(b"\xfe\xff" + f"a {text} b".encode("utf-16-be")).decode(),
    "a file of other bytes": lambda text: base64.b64encode(bytes(range(256)) * 9 + f" {text} ".encode() + bytes(range(255, 0, -1))).decode(),
    "colours": lambda text: f"{text[:7]}\x1b[01;31m\x1b[K{text[7:]}\x1b[m\x1b[K",
}
LETTERS: dict[str, Coat] = {
    "wide": lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    "zero-width": "\u200b".join,
    "joiners": "\u2060".join,
    "tags between": "\U000e0041".join,
    "soft hyphens": "\u00ad".join,
}


@pytest.fixture(scope="module")
def through() -> Filter:
    rules = Rules(built_in(), lambda expressions: choose(expressions, None))
    return Filter(rules, CallPrivacy(rules=PrivacyRules()), Pseudonyms(b"k" * 32), time.thread_time)


def filtered(message: Json, by: Filter) -> Filtered:
    """From bytes to bytes, as an answer goes."""
    return by(read_message(json.dumps(message).encode()))


def holds(found: Filtered, piece: str) -> bool:
    return piece in write_message(found.message).decode()


@pytest.mark.parametrize("coat", [*ENCODINGS, *BYTES])
@pytest.mark.parametrize("kind", VALUES)
def test_an_encoded_value_is_found(kind: str, coat: str, through: Filter) -> None:
    worn = {**ENCODINGS, **BYTES}[coat](VALUES[kind])
    found = filtered({"note": f"see {worn} there"}, through)
    assert found.report.counts, f"{kind} in {coat} was not found"
    assert not holds(found, worn)
    assert not holds(found, CORES[kind])


PAIRS = [*product(ENCODINGS, ("percent", "base64", "hex", "references", "json"))]


@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_a_value_in_two_coats_is_found(inner: str, outer: str, through: Filter) -> None:
    for kind in ("email", "github_token"):
        worn = ENCODINGS[outer](ENCODINGS[inner](VALUES[kind]))
        found = filtered({"note": worn}, through)
        assert found.report.counts, f"{kind} in {inner} in {outer} was not found"
        assert not holds(found, worn)


@pytest.mark.parametrize("coat", LETTERS)
@pytest.mark.parametrize("kind", VALUES)
def test_a_value_in_other_letters_is_found(kind: str, coat: str, through: Filter) -> None:
    worn = LETTERS[coat](VALUES[kind])
    found = filtered({"note": f"see {worn} there"}, through)
    assert found.report.counts, f"{kind} in {coat} was not found"
    assert not holds(found, worn)
    assert not holds(found, LETTERS[coat](CORES[kind]))


SHAPES: dict[str, Callable[[str], Json]] = {
    "key": lambda text: {text: 1},
    "key far down": lambda text: {"a": [{"b": {text: None}}]},
    "top": lambda text: text,
    "behind much": lambda text: {"a": "lorem ipsum " * 20_000 + text},
    "among many": lambda text: [*(f"row {i}" for i in range(20_000)), text],
    "beside its placeholder": lambda text: {"a": f"[EMAIL-bcdfghjk]{text}[EMAIL]"},
    "within brackets of a placeholder": lambda text: {"a": f"[EMAIL {text}]"},
    "twice with one letter between": lambda text: {"a": f"{text} {text}"},
    "three blocks": lambda text: {"content": [{"type": "text", "text": piece} for piece in (text[:12], text[12:19], text[19:])]},
    "two blocks": lambda text: {"content": [{"type": "text", "text": text[:12]}, {"type": "text", "text": text[12:]}]},
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["email", "github_token"])
def test_a_value_is_found_wherever_it_stands(kind: str, shape: str, through: Filter) -> None:
    found = filtered(SHAPES[shape](VALUES[kind]), through)
    assert found.report.counts
    assert not holds(found, CORES[kind])


CLEAN: tuple[Json, ...] = (
    {"series": "65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78"},
    {"log": "\x1b[32mPASS\x1b[0m src/a.ts \x1b[1m3 tests\x1b[22m"},
    {"code": "x**2 + y**2 and pow(a**b**c)"},
    ["sk-learn", "numpy2", "pandas", "scipy", "tensorflow2", "torch2"],
    {"blob": base64.b64encode(bytes(range(256)) * 40).decode()},
    {"record": "a\0b\0c\0\0"},
)


@pytest.mark.parametrize("message", CLEAN, ids=range(len(CLEAN)))
def test_what_only_looks_encoded_stays(message: Json, through: Filter) -> None:
    assert filtered(message, through).message == message


def test_what_is_said_beside_the_answer_is_searched(through: Filter) -> None:
    """An error message and standard error are ways out, too."""
    mail = VALUES["email"]
    fault = ToolFailed("tool.said_no", f"no account for {mail}", where=f"/accounts/{mail}", hint=f"ask {mail}")
    clean = clean_run(None, fault, f"DEBUG user={mail}\n".encode(), through)
    assert clean.fault is not None
    assert CORES["email"] not in f"{clean.stderr} {clean.fault} {clean.fault.faults}"
    assert dict(clean.report.counts) == {"email": 4}


def test_what_is_taken_out_leaves_nothing_new(through: Filter) -> None:
    """Attack: a value around a value, so that what is left of the outer one is a value again."""
    mail = VALUES["email"]
    for message in (f"john.sm{mail}ith@example.com", f"4111 1111 {mail} 1111 1111", f"{mail[:6]}{mail}{mail[6:]}"):
        found = filtered({"note": message}, through)
        assert found.is_withheld or (not holds(found, "smith@example") and not holds(found, "john.sm"))
        if not found.is_withheld:
            again = filtered(json.loads(write_message(found.message)), through)
            assert again.message == found.message, "filtering twice changes nothing"


def flood(seed: int) -> dict[str, Json]:
    draw = random.Random(seed)
    letters = "abcdefgh@.-_%&#;=\\x0123456789"
    return {
        "beginnings": "ghp_ AKIA eyJ sk_live_ " * 40_000,
        "at signs": "a@" * 500_000,
        "digits": "1" * 2_000_000,
        "digits with gaps": "1 " * 1_000_000,
        "percent signs": "%41" * 500_000,
        "percent of percent": "%25" * 500_000,
        "base64": base64.b64encode(draw.randbytes(1_500_000)).decode(),
        "base64 of base64": base64.b64encode(base64.b64encode(base64.b64encode(b"john.smith " * 60_000))).decode(),
        "references": "&#64;" * 300_000,
        "zero-width": "a\u200b" * 500_000,
        "by chance": "".join(draw.choices(letters, k=1_500_000)),
        "words of labels": "passport bsn card iban password: " * 40_000,
        "keys": {f"john{i}@example.com": i for i in range(40_000)},
        "single letters": [*("john.smith@example.com" * 8_000)],
        "short numbers": [4111, 1111] * 60_000,
    }


FLOODS = flood(68)


@pytest.mark.parametrize("name", FLOODS)
def test_a_hostile_message_is_searched_or_withheld_in_time(name: str, through: Filter) -> None:
    data = json.dumps({"a": FLOODS[name], "b": "ada@example.com"}).encode()
    begun = time.process_time()
    found = through(read_message(data))
    assert time.process_time() - begun < SECONDS_MAX
    assert found.report.withheld in {"", "privacy.limit", "privacy.deadline", "privacy.again"}
    assert found.is_withheld or not holds(found, "ada@example.com")


ODD: dict[str, Any] = {
    "half a character": b'{"a": "\\ud800", "b": "ada@example.com"}',
    "no end": b'{"a": "ada@example.com"',
    "a key twice": b'{"a": "ada@example.com", "a": 1}',
    "two hundred and one levels": b"[" * 201 + b'"ada@example.com"' + b"]" * 201,
    "not a number": b'{"a": NaN, "b": "ada@example.com"}',
    "no UTF-8": b'{"a": "ada@example.com\xff"}',
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_message_is_not_passed_over(name: str, through: Filter) -> None:
    """What cannot be read is refused, what cannot be searched is withheld; nothing of it is shown."""

    try:
        found = through(read_message(ODD[name]))
    except Refused as fault:
        assert fault.stage == "privacy"
        assert "ada@" not in str(fault)
        return
    assert found.is_withheld or not holds(found, "ada@example.com")
