"""Texts written so that a person cannot read them and a model can: base64, hex, escapes, letters shifted or turned around. Spec: F-73."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from mpp.stages.privacy.guard.hits import ASKS, ENCODED, Finding
from mpp.stages.privacy.guard.limits import DECODED_LEAST, FOREIGN_WORDS_LEAST

DISTINCT_LEAST = 8
"""Different characters that a decoded text must have. Reason: long rows of digits decode to rows of one letter."""

_RUN = re.compile(rf"[\x20-\x7e\t\r\n]{{{DECODED_LEAST},}}".encode())
_SENTENCE = re.compile(r"[A-Za-z']{2,}[ \t\r\n]+[A-Za-z']{2,}")

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{22,}={0,2}(?:[ \t]?\r?\n[ \t]*[A-Za-z0-9+/_-]{4,}={0,2})*")
# Attack: the same in short pieces. Words of a sentence are such pieces, too, and decode to nothing.
_PIECES = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{4,21}={0,2}\s{1,3}){5,}[A-Za-z0-9+/_-]{2,21}")
_BASE32 = re.compile(r"\b(?:[A-Z2-7]{32,}|[a-z2-7]{32,})={0,6}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ :,]{0,2}){16,}")
_DECIMAL = re.compile(r"(?<![0-9.])(?:(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])[ ,;]{1,2}){15,}(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])(?![0-9.])")
_APART = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][,.;:]?[ ._*|-]{1,3}){12,}[A-Za-z]?")
_BINARY = re.compile(r"(?:[01]{8}[ ,]{0,2}){16,}")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){8,}|(?:[\w.~'-]+%20){3,}[\w.~'-]+")
_ENTITIES = re.compile(r"(?:&#(?:x[0-9A-Fa-f]{1,6}|[0-9]{1,7});){8,}")
_ESCAPES = re.compile(r"(?:\\u\{?[0-9A-Fa-f]{4,6}\}?|\\[0-7]{3}){8,}")
_NOT_HEX = re.compile(r"0x|\\x|[ :,]")
_WORD = re.compile(r"[a-z]{3,}")

_COMMON = re.findall(
    r"[a-z]+",
    "about all and any before call conversation content data file files from ignore include instructions key message never not password pass previous "
    "prompt read reveal secret send system tell that the then this token tool user with without you your",
)
_SHIFTED = frozenset(word.translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")) for word in _COMMON)
_TURNED = frozenset(word[::-1] for word in _COMMON)


def encoded_findings(text: str) -> Iterator[Finding]:
    """The first stretch of each kind that turns out to be a text. Spec: F-73."""
    for what, pattern, decode in _KINDS:
        for found in pattern.finditer(text):
            inner = next((one for one in decode(found[0]) if len(one) >= DECODED_LEAST and len(set(one)) >= DISTINCT_LEAST), "")
            if inner:
                yield _finding(what, found, inner)
                break
    yield from _foreign(text)


def _finding(what: str, found: re.Match[str], inner: str) -> Finding:
    # The head of a token is text too, but no sentence. A person looks at that.
    reads = _SENTENCE.search(inner) is not None
    says = f"{what} that reads {' '.join(inner.split())[:60]!a}"
    return Finding(ENCODED, found.start(), len(found[0]), says) if reads else Finding("encoded text", found.start(), len(found[0]), says, ASKS, 2)


def _runs(data: bytes) -> Iterator[str]:
    """Readable stretches: the first that is a sentence, then the longest."""
    found = [one.decode("ascii") for one in _RUN.findall(data)]
    whole = data.decode("utf-8", "ignore")
    # Attack: an order in another script, of which no byte is readable by itself.
    if not found and len(whole) * 4 > len(data) and sum(map(str.isalpha, whole)) * 5 > len(whole) * 4 and whole.encode() == data:
        found = [f"{whole} ({len(data)} bytes)"]
    yield from sorted(found, key=lambda one: (_SENTENCE.search(one) is None, -len(one)))


def _unquoted(text: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - few texts have such a stretch

    return unquote(text, errors="ignore")


def _unescaped(text: str) -> str:
    import html  # noqa: PLC0415 - as above; it brings a table of two thousand names

    return html.unescape(text)


def _of_base64(text: str) -> Iterator[str]:
    plain = "".join(text.split()).rstrip("=").translate(str.maketrans("-_", "+/"))
    # Attack: a letter or two before it, so that it is read from the wrong place.
    for skip in range(4):
        part = plain[skip:]
        yield from _runs(base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + "===", validate=False))


def _of_base32(text: str) -> Iterator[str]:
    plain = text.rstrip("=").upper()
    try:
        yield from _runs(base64.b32decode(plain + "=" * (-len(plain) % 8)))
    except binascii.Error:
        return


def _of_hex(text: str) -> Iterator[str]:
    plain = _NOT_HEX.sub("", text)
    yield from _runs(bytes.fromhex(plain[: len(plain) // 2 * 2]))
    yield from _runs(bytes.fromhex(plain[1 : 1 + (len(plain) - 1) // 2 * 2]))


def _of_binary(text: str) -> Iterator[str]:
    yield from _runs(bytes(int(one, 2) for one in re.findall("[01]{8}", text)))


def _of_decimal(text: str) -> Iterator[str]:
    yield from _runs(bytes(int(one) for one in re.findall("[0-9]+", text)))


def _closed_up(text: str) -> Iterator[str]:
    """Letters apart; where more stands between two of them than between others, a word ends."""
    yield re.sub(r"[ ._*|-]{1,3}", lambda gap: " " if len(gap[0]) > 1 else "", text)


def _of_escapes(text: str) -> Iterator[str]:
    codes = ((int(high, 16) if high else int(low, 8)) for high, low in re.findall(r"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\([0-7]{3})", text))
    yield "".join(chr(one) for one in codes if one < 0x110000 and not 0xD800 <= one < 0xE000)


_KINDS: tuple[tuple[str, re.Pattern[str], Callable[[str], Iterator[str]]], ...] = (
    ("base64", _BASE64, _of_base64),
    ("base64 in pieces", _PIECES, _of_base64),
    ("base32", _BASE32, _of_base32),
    ("hex", _HEX, _of_hex),
    ("codes of letters", _DECIMAL, _of_decimal),
    ("letters apart", _APART, _closed_up),
    ("binary digits", _BINARY, _of_binary),
    ("percent signs", _PERCENT, lambda text: iter((_unquoted(text),))),
    ("character references", _ENTITIES, lambda text: iter((_unescaped(text),))),
    ("escapes", _ESCAPES, _of_escapes),
)


def _foreign(text: str) -> Iterator[Finding]:
    """Attack: rot13, or words written backwards. Models read both."""
    words = list(_WORD.finditer(text.lower()))
    for what, known in (("letters shifted by 13", _SHIFTED), ("words written backwards", _TURNED)):
        found = [one for one in words if one[0] in known]
        if len(found) >= FOREIGN_WORDS_LEAST and len({one[0] for one in found}) >= FOREIGN_WORDS_LEAST - 1:
            yield Finding(ENCODED, found[0].start(), found[-1].end() - found[0].start(), what)
