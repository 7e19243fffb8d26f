"""Undo what makes a whole text one token: base64, hex, and a compressed text within one of them.

Base64 of a text is known by its letters. A byte of plain text begins with a zero bit, so of the four letters of each
group the first three come from a part of the alphabet only. Random bytes, such as a digest, an identifier or an
image, do so by chance once in some thousand tokens, and then hold no text.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
import re
import zlib

from mpp.stages.privacy.views.limits import CODES_MIN, DECODED_CHARS_MIN, INFLATED_BYTES_MAX, TOKEN_CHARS_MAX
from mpp.stages.privacy.views.rewriting import rewritten, Said
from mpp.stages.privacy.views.view import too_much, View
from mpp.stages.privacy.later import on_use

_LETTER = "[A-Za-z0-9+/_-]"
_LOW_FIRST, _LOW_SECOND = "I-Za-f", "C-HS-Xi-nyz0-3"
_GROUP = rf"[{_LOW_FIRST}][{_LOW_SECOND}][ABEFIJMNQRUVYZcdghklopstwx014589]{_LETTER}"
# Two bytes for each letter: each second byte is zero.
_WIDE = rf"[{_LOW_FIRST}][AQgw][AB]{_LETTER}A[C-H][AEIMQUYcgkosw048]A"
_PACKED = rf"(?:H4sI|eA[E-H]|eF[4-7]|eJ[w-z]|eN[o-r]){_LETTER}{{12}}"
# A file of two bytes for each letter, with the mark of their order before it.
_MARKED = rf"//[45]{_LETTER}A[A-H][AEIMQUYcgkosw048]A|/v8A{_LETTER}{_LETTER}[AB]{_LETTER}A[A-H]"
_PAIR = "(?:[2-7][0-9A-Fa-f]|0[9AaDd])"
# A printable character or a line end, as a program writes the bytes of a buffer.
_CODE = "(?:9|1[03]|3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])"
_COMMA = r",(?:\\[rnt]|[ \r\n\t]){0,16}"
_APART = "(?:, ?|[ :-])"

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
    r"[^0-9A-WYZa-wyz]1[fF]8[bB]08[0-9A-Fa-f]{20}",
    rf"[^0-9A-Za-z](?:(?:0x)?[2-7][0-9A-Fa-f]{_APART}){{7}}(?:0x)?[2-7][0-9A-Fa-f]",
    rf"[^0-9.,]{_CODE}(?:,(?:\\[rnt]|[ \r\n\t])*{_CODE}){{{CODES_MIN - 1}}}",
)

_TOKEN = on_use(
    rf"(?P<base64>(?:(?<![0-9A-Za-z])(?:(?:{_LETTER}{{4}}){{0,2}}(?:{_GROUP}){{3}}|{_PACKED})|(?:{_GROUP}){{4}}|{_WIDE}|{_MARKED}){_LETTER}*"
    rf"(?:(?<={_LETTER}{{60}})\r?\n{_LETTER}+)*={{0,2}})"
    r"|(?<![0-9A-WYZa-wyz])(?P<hex>(?:(?:[0-9A-Fa-f]{2}){0,64}?(?:[2-7][0-9A-Fa-f]){8}|1[fF]8[bB]08)[0-9A-Fa-f]*)(?![0-9A-Za-z])"
)
# Only a longer word may be a token; most words of a text are none.
_WORD = on_use(rf"{_LETTER}{{12,}}={{0,2}}")
_PAIRS = on_use(rf"[0-7](?<![0-9A-Za-z].)(?:(?<=0)x[0-7])?[0-9A-Fa-f]{_APART}(?:(?:0x)?{_PAIR}{_APART}){{6,}}(?:0x)?{_PAIR}(?![0-9A-Fa-f])")
_CODES = on_use(rf"(?<![0-9.,]){_CODE}(?:{_COMMA}{_CODE}){{{CODES_MIN - 1},}}(?![0-9.])")
_NUMBER = on_use("[0-9]+")
_BETWEEN_RUNS = "\n\x00\n"
_TO_STANDARD = str.maketrans("-_", "+/", "\r\n=")
_NO_HEX = on_use(r"0x|[^0-9A-Fa-f]")
_BAD = on_use("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_BAD_SHARE = 10
"""One character in so many may be unprintable. Reason: a mark or two in a text hide nothing of it, and random bytes have half of them."""
_HEAD_CHARS = 12
"""Printable characters with which a token must begin if the rest of it is no text. Reason: random bytes do so once in a billion."""
_RUN = on_use(rf"[\t\n\r -~]{{{_HEAD_CHARS},}}")


def coded(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with tokens as the text that they hold; None where none holds any."""
    return rewritten(text, low, high, _tokens(text, low, high), _said, below)


def _tokens(text: str, low: int, high: int) -> Iterator[re.Match[str]]:
    """The tokens that begin in the range; the last one may reach over its end."""
    reached = low
    for word in _WORD.finditer(text, low, high):
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
    letters = written.translate(_TO_STANDARD) if token.lastgroup == "base64" else ""
    raw = _of_base64(letters) if letters else _of_hex(_NO_HEX.sub("", written))
    plain = _inflated(raw) if raw[:2] == b"\x1f\x8b" or raw[:1] == b"\x78" else None
    plain = as_text(raw) if plain is None else plain
    if letters and (plain is None or len(plain) < len(raw) // 2):
        plain = _runs_in(letters) or plain
    return None if plain is None else (plain, 0)


def _runs_in(letters: str) -> str:
    """All that is text in a file of other bytes. Attack: bytes that begin a text by chance, so that the text behind them is read at a wrong place."""
    return _BETWEEN_RUNS.join(run for first in range(4) for run in _RUN.findall(_of_base64(letters[first:]).decode("latin-1")))


def _of_base64(letters: str) -> bytes:
    """Of letters without line ends and padding."""
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))


def _of_hex(digits: str) -> bytes:
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _inflated(raw: bytes) -> str | None:
    """Attack: a token of a kilobyte that unpacks to a gigabyte; what is too large is not read at all but withheld."""
    engine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        out = engine.decompress(raw, INFLATED_BYTES_MAX + 1)
    except zlib.error:
        return None
    text = as_text(out)
    if text is not None and len(out) > INFLATED_BYTES_MAX:
        raise too_much("a compressed text is too large")
    return text


def as_text(raw: bytes) -> str | None:
    """Bytes as text, where they are text for the most part or to begin with."""
    is_wide = len(raw) >= 2 * DECODED_CHARS_MIN and not any(raw[1 : 2 * DECODED_CHARS_MIN : 2])
    is_marked = raw[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = raw.decode("utf-16" if is_marked else "utf-16-le" if is_wide else "utf-8", "replace")
    if len(text) < DECODED_CHARS_MIN:
        return None
    first = _BAD.search(text)
    if first is None or len(_BAD.findall(text)) * _BAD_SHARE <= len(text):
        return text
    return text[: first.start()] if first.start() >= _HEAD_CHARS else None
