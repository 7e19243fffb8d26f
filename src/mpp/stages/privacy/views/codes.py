"""Undo what makes a whole text one token: base64, hex, and a compressed text within one of them.

Base64 of a text is known by its letters. A byte of plain text begins with a zero bit, so of the four letters of each
group the first three come from a part of the alphabet only. Random bytes, such as a digest, an identifier or an
image, do so by chance once in some thousand tokens, and then hold no text.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
import re

from mpp.stages.privacy.views.astext import as_text, BETWEEN_RUNS, HEAD_CHARS
from mpp.stages.privacy.views.limits import CODES_MIN, TOKEN_CHARS_MAX
from mpp.stages.privacy.views.packed import is_packed, unpacked
from mpp.stages.privacy.views.rewriting import rewritten, Said
from mpp.stages.privacy.views.view import too_much, View
from mpp.stages.privacy.later import on_use

_LETTER = "[A-Za-z0-9+/_-]"
_LOW_FIRST, _LOW_SECOND = "I-Za-f", "C-HS-Xi-nyz0-3"
_GROUP = rf"[{_LOW_FIRST}][{_LOW_SECOND}][ABEFIJMNQRUVYZcdghklopstwx014589]{_LETTER}"
# Two bytes for each letter: each second byte is zero.
_WIDE = rf"[{_LOW_FIRST}][AQgw][AB]{_LETTER}A[C-H][AEIMQUYcgkosw048]A"
# gzip, zip, bzip2 and xz, then zlib, by the bytes with which they begin.
_PACKED = rf"(?:(?:H4sI|UEsD|Qlpo|/Td6){_LETTER}{{11}}|(?:eA[E-H]|eF[4-7]|eJ[w-z]|eN[o-r]){_LETTER}{{12}})"
# A file of two bytes for each letter, with the mark of their order before it.
_MARKED = rf"//[45]{_LETTER}A[A-H][AEIMQUYcgkosw048]A|/v8A{_LETTER}{_LETTER}[AB]{_LETTER}A[A-H]"
# Base32 of a text: of the eight letters of five bytes, as of those of base64. In capitals only, as nearly everybody writes it: an engine takes a tenth longer for small letters.
_GROUP32 = "[BE-P][ABEFIJMNQRUVYZ45][A-Z2-7][A-HQ-X][ACEGIKMOQSUWY246][A-Z2-7][ABCDIJKLQRSTYZ23][A-Z2-7]"
_PAIR = "(?:[2-7][0-9A-Fa-f]|0[9AaDd])"
# A printable character or a line end, as a program writes the bytes of a buffer.
_CODE = "(?:9|1[03]|3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])"
_COMMA = r",(?:\\[rnt]|[ \r\n\t]){0,16}"
# What may stand behind the first comma of such a list, and later in it.
_CODE_NEXT, _CODE_LATER = r"[1-9\\ \r\n\t]", r"[0-9,\\rnt \r\n\t]"
_APART = "(?:, ?|[ :-])"
# The first characters of a list of codes, as many as the shortest has. An engine that need not tell where something of no fixed length begins
# is faster by a twentieth of all that it does; that eight codes stand there is asked where one begins.
_CODES_BEGIN = (
    rf"[^0-9.,](?:9,{_CODE_NEXT}{_CODE_LATER}{{12}}|(?:1[03]|3[2-9]|[4-9][0-9]),{_CODE_NEXT}{_CODE_LATER}{{11}}"
    rf"|(?:1[01][0-9]|12[0-6]),{_CODE_NEXT}{_CODE_LATER}{{10}})"
)
_CODES_HEAD = on_use(rf"[^0-9.,]{_CODE}(?:,(?:\\[rnt]|[ \r\n\t])*{_CODE}){{{CODES_MIN - 1}}}")

CODE_PROBES: tuple[str, ...] = (
    rf"[^0-9A-Za-z]{_GROUP}{_GROUP}{_GROUP}",
    # Later in a token, for a text that begins with other letters than ours: a group that is no plain text, then four that are.
    # So even a long text in base64 has few such places.
    rf"(?:[^{_LOW_FIRST}].|[{_LOW_FIRST}][^{_LOW_SECOND}]){_LETTER}{_LETTER}{_GROUP}{_GROUP}{_GROUP}{_GROUP}",
    _WIDE,
    _MARKED,
    rf"[^0-9A-Za-z]{_PACKED}",
    r"[^0-9A-WYZa-wyz](?:[2-7][0-9A-Fa-f]){8}",
    # Later in a token, for a text that begins with a line end or with letters of another script. One digest in a hundred has such a place, and holds no text.
    r"[0189A-Fa-f][0-9A-Fa-f](?:[2-7][0-9A-Fa-f]){9}",
    r"[^0-9A-WYZa-wyz](?:1[fF]8[bB]08|504[bB]03|425[aA]68|[fF][dD]377[aA])[0-9A-Fa-f]{20}",
    f"{_GROUP32}{_GROUP32}{_GROUP32}",
    rf"[^0-9A-Za-z](?:(?:0x)?[2-7][0-9A-Fa-f]{_APART}){{7}}(?:0x)?[2-7][0-9A-Fa-f]",
    _CODES_BEGIN,
)

_TOKEN = on_use(
    rf"(?P<base64>(?:(?<![0-9A-Za-z])(?:(?:{_LETTER}{{4}}){{0,2}}(?:{_GROUP}){{3}}|{_PACKED})|(?:{_GROUP}){{4}}|{_WIDE}|{_MARKED}){_LETTER}*"
    rf"(?:(?<={_LETTER}{{60}})\r?\n{_LETTER}+)*={{0,2}})"
    r"|(?<![0-9A-WYZa-wyz])(?P<hex>(?:(?:[0-9A-Fa-f]{2}){0,64}?(?:[2-7][0-9A-Fa-f]){8}|1[fF]8[bB]08|504[bB]0304|425[aA]68|[fF][dD]377[aA])[0-9A-Fa-f]*)(?![0-9A-Za-z])"
)
# Only a longer word may be a token; most words of a text are none.
_BASE32 = on_use(r"(?P<base32>[A-Z2-7]{24,}={0,6})(?![0-9A-Za-z])")
_WORD = on_use(rf"{_LETTER}{{12,}}={{0,2}}")
_PAIRS = on_use(rf"[0-7](?<![0-9A-Za-z].)(?:(?<=0)x[0-7])?[0-9A-Fa-f]{_APART}(?:(?:0x)?{_PAIR}{_APART}){{6,}}(?:0x)?{_PAIR}(?![0-9A-Fa-f])")
_CODES = on_use(rf"(?<![0-9.,]){_CODE}(?:{_COMMA}{_CODE}){{{CODES_MIN - 1},}}(?![0-9.])")
_NUMBER = on_use("[0-9]+")
_TO_STANDARD = str.maketrans("-_", "+/", "\r\n=")
_NO_HEX = on_use(r"0x|[^0-9A-Fa-f]")
_RUN = on_use(rf"[\t\n\r -~]{{{HEAD_CHARS},}}")


CONFIRMED: dict[str, re.Pattern[str]] = {_CODES_BEGIN: _CODES_HEAD}
"""Probes that begin in more places than count, with what must stand there."""


def coded(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with tokens as the text that they hold; None where none holds any."""
    return rewritten(text, low, high, _tokens(text, low, high), _said, below)


def _tokens(text: str, low: int, high: int) -> Iterator[re.Match[str]]:
    """The tokens that begin in the range; the last one may reach over its end."""
    reached = low
    for word in _WORD.finditer(text, low, high):
        other = _BASE32.match(text, word.start(), min(len(text), high + TOKEN_CHARS_MAX)) if word[0].isupper() else None
        if other is not None and other.start() >= reached:
            reached = other.end()
            yield other
        for token in _TOKEN.finditer(text, max(word.start(), reached), max(word.end(), reached)):
            is_cut = token.end() == word.end() < len(text)
            whole = _TOKEN.match(text, token.start(), min(len(text), high + TOKEN_CHARS_MAX)) if is_cut else None
            reached = (whole or token).end()
            yield whole or token


def paired(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with lists of hex pairs as the text that they hold; None where none holds any."""
    return rewritten(text, low, high, _PAIRS.finditer(text, low, high), _said, below)


def numbered(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with lists of the codes of characters as the text that they spell; None where none stands."""
    return rewritten(text, low, high, _CODES.finditer(text, low, high), _said_in_codes, below)


def _said_in_codes(token: re.Match[str]) -> Said:
    return bytes(map(int, _NUMBER.findall(token[0]))).decode("ascii"), 0


def _said(token: re.Match[str]) -> Said | None:
    written = token[0]
    if len(written) > TOKEN_CHARS_MAX:
        raise too_much("a token of encoded text is too long")
    if token.lastgroup == "base32":
        raw, letters = _of_base32(written), ""
    else:
        letters = written.translate(_TO_STANDARD) if token.lastgroup == "base64" else ""
        raw = _of_base64(letters) if letters else _of_hex(_NO_HEX.sub("", written))
    plain = unpacked(raw) if is_packed(raw) else None
    if plain is not None:
        # A short text is longer when it is packed.
        return plain, 0
    plain = as_text(raw)
    if letters and (plain is None or len(plain) < len(raw) // 2):
        plain = _runs_in(letters) or plain
    return None if plain is None else (plain, 0)


def _runs_in(letters: str) -> str:
    """All that is text in a file of other bytes. Attack: bytes that begin a text by chance, so that the text behind them is read at a wrong place."""
    return BETWEEN_RUNS.join(run for first in range(4) for run in _RUN.findall(_of_base64(letters[first:]).decode("latin-1")))


def _of_base64(letters: str) -> bytes:
    """Of letters without line ends and padding."""
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))


def _of_base32(letters: str) -> bytes:
    letters = letters.rstrip("=").upper()
    letters = letters[: len(letters) - _LOST_32[len(letters) % 8]]
    return base64.b32decode(letters + "=" * (-len(letters) % 8))


_LOST_32 = (0, 1, 0, 1, 0, 0, 1, 0)
"""Letters at the end that are no whole byte, by how many stand after the last five bytes."""


def _of_hex(digits: str) -> bytes:
    return bytes.fromhex(digits[: len(digits) // 2 * 2])
