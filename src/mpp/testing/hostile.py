"""Messages that are made to keep the privacy filter busy: each is nothing but beginnings of what some part of it looks for, or a form that some loop walks.

Spec: 6-privacy F-14. The tests of attacks and a benchmark run them all.
"""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Callable

from mpp.model.jsontext import Json

UNITS: dict[str, str] = {
    "at signs": "@", "halves of addresses": "a@", "addresses": "ada@example.com ", "addresses in a row": "x@x.co,", "dotted": "a.b@", "digits": "4111111111",
    "single digits": "1 ", "plus ones": "+1", "dashed ones": "1-", "phones": "+1 415 555 2671 ", "area codes": "(415) ", "groups of cards": "4111 ", "cards": "4111 1111 1111 1111 ",
    "cards in a row": "4111111111111111,", "percent codes": "%40", "percent codes of percent codes": "%2540", "references": "&#64;", "references of references": "&amp;amp;#64;",
    "base64": "QUJDREVGR0hJSktM", "tokens of base64": "YWRhQGV4YW1wbGUuY29t ", "hex": "6164614065", "pairs of hex": "61 ", "bytes of hex": "0x61, ", "password=": "password=",
    "password": "password ", "passwords": "password: hunter2xx\n", "token in quotes": 'token: "', "sk-": "sk-", "ghp_": "ghp_", "AKIA": "AKIA", "dots": ".", "quotes": '"',
    "backslashes": "\\", "escapes": "\\u0040", "escaped line ends": "\\n1", "zero width": "a\u200b", "only zero width": "\u200b", "marks": "e\u0301", "only marks": "\u0301", "wide": "\uff11",
    "Cyrillic among Latin": "a\u0430", "headings": "ssn,", "heading and row": "ssn,1\n", "lines of headings": "email,phone,ssn,passport,iban\n", "BEGIN": "-----BEGIN ",
    "keys without an end": "-----BEGIN PRIVATE " + "KEY-----\n", "eyJ": "eyJ", "headers of tokens": "eyJhbGciOiJIUzI1NiJ9.", "halves of accounts": "DE89 3704 ", "accounts": "DE89370400440532013000 ",
    "blanks": " ", "line ends": "\n", "tags": "a<b>", "comments": "a<!--", "at in brackets": " [at] ", "dot in words": " dot ", "spelled addresses": "a at b dot c ", "schemes": "://a:",
    "names in URLs": "http://a:b@", "cookies": "cookie: a=b; ", "bearers": "bearer ", "codes of a mail": "=3D", "soft line ends": "a=\n", "letters apart": "a b c d ", "passports": "passport number 123456789 ",
    "numbers of states": "nhs number ", "births": "born ", "post codes": "zip 90210 ", "addresses of machines": "1.1.1.1", "dates": "1999-01-01 ", "key files": 'mpp_key "seed ', "lines of a login": "curl -u a",
    "placeholders": "[EMAIL]", "Chinese passwords": "\u5bc6\u7801\u662f",
}  # fmt: skip
"""What a text is made of, over and over."""


def text_of(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def _deep(levels: int) -> Json:
    found: Json = "ada@example.com"
    for _ in range(levels - 1):
        found = [found]
    return found


def _table(size: int) -> str:
    return ",".join(["ssn", "passport", "iban", "cpf", "nino", "bsn"] * 12) + "\n" + text_of("1," * 71 + "1\n", size)


def _coded(size: int, times: int) -> str:
    raw = text_of("ada@example.com and 4111 1111 1111 1111 and so on, ", size // 2).encode()
    for _ in range(times):
        raw = base64.b64encode(raw)
    return raw.decode()


def _zipped(size: int) -> Json:
    return [base64.b64encode(zlib.compress(text_of("ada@example.com ", size).encode())).decode()] * 40


FORMS: dict[str, Callable[[int], Json]] = {
    "a table of headings": _table,
    "a table of one heading": lambda size: ",".join(["ssn"] * 250) + "\n" + text_of("1\n", size),
    "many small tables": lambda size: [",".join(["ssn"] * 200) + "\n" + "1\n" * 100 for _ in range(size // 1000)],
    "a list of single characters": lambda size: [*text_of("4", size // 4)],
    "pairs of single characters": lambda size: [["4", "1"] for _ in range(size // 10)],
    "items of a card": lambda _: ["4111"] * 30_000,
    "halves of addresses in a list": lambda size: [f"user{at}@" if at % 2 else "example.com" for at in range(size // 15)],
    "blocks of text": lambda size: [{"type": "text", "text": "a@"} for _ in range(size // 30)],
    "codes of letters": lambda size: [65] * (size // 4),
    "many leaves": lambda _: [str(at) for at in range(400_000)],
    "one leaf too many": lambda _: [str(at) for at in range(400_001)],
    "200 levels": lambda _: _deep(200),
    "201 levels": lambda _: _deep(201),
    "long integers": lambda size: [int("4" * 30) + at for at in range(size // 32)],
    "an integer of a megabyte": lambda _: 1 << 3_300_000,
    "parts of one value": lambda size: {f"part{at}": "1" for at in range(size // 15)},
    "keys that say something": lambda size: {f"ssn{at}": "1" for at in range(size // 15)},
    "keys that are addresses, beside their placeholders": lambda size: {
        **{f"[EMAIL]~{at}": 1 for at in range(size // 50, size // 25)},
        **{f"a{at}@example.com": 1 for at in range(size // 50)},
    },
    "a key of a megabyte": lambda size: {text_of("x", size // 2): text_of("a@bcd ", size // 2)},
    "a key of many words": lambda size: {text_of("ssn ", size // 8): ["1"] * (size // 100)},
    "one bracket and many values": lambda size: "[EMAIL] " + text_of("ada@example.com ", size),
    "a key over many items": lambda size: ["-----BEGIN PRIVATE " + "KEY-----", *("QUJD" * 8 for _ in range(size // 34))],
    "keys over many items": lambda size: ["-----BEGIN PRIVATE " + "KEY-----", "QUJD" * 8] * (size // 60),
    "key files in a key file": lambda size: {"mpp_key": [{"mpp_key": 1, "seed": "x"} for _ in range(size // 30)]},
    "access keys in an object": lambda size: {f"k{at}": "AKIA" + "IOSFODNN7EXAMPLE" for at in range(size // 30)},
    "base64 of base64 of base64": lambda size: _coded(size, 3),
    "JSON in JSON in JSON": lambda size: json.dumps(json.dumps(json.dumps([{"email": "ada@example.com", "n": "caf\xe9"}] * (size // 100)))),
    "tokens that unpack": _zipped,
    "markup": lambda size: text_of("<p>&nbsp;<b>a</b>&#64;<i>b</i>.com &amp;lt; caf&eacute; " + html.escape("<a href='x'>") + "</p>\n", size),
    "ten times as much prose": lambda size: text_of("The quick brown fox jumps over the lazy dog, and nobody cared. ", 10 * size),
    "prose with accents": lambda size: text_of("Gr\xf6\xdfe und \xd6l \xfcber \xe4rger, caf\xe9 cr\xe8me l\xe0-bas. ", size),
}
"""What is hostile by its form."""


def messages(size: int) -> dict[str, Callable[[], Json]]:
    """Each message under its name, made when it is asked for; of about ``size`` characters where it is not named for another one."""
    units: dict[str, Callable[[], Json]] = {f"nothing but {name}": lambda unit=unit: {"a": text_of(unit, size)} for name, unit in UNITS.items()}  # type: ignore[misc]
    return units | {name: lambda form=form: {"a": form(size)} for name, form in FORMS.items()}
