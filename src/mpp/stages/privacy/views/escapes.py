"""Undo what makes single characters look like others: percent codes, entities, backslashes, marks of HTML and Markdown, words for @ and dot."""

from __future__ import annotations

from collections.abc import Callable
import html
import re

from mpp.stages.privacy.views.rewriting import of_bytes, rewritten, Said
from mpp.stages.privacy.views.view import View
from mpp.stages.privacy.later import on_use

INLINE = "a|abbr|b|bdi|bdo|big|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strong|sub|sup|tt|u|var|wbr"
_NAMED = (
    "commat|period|lowbar|UnderBar|hyphen|dash|plus|sol|colon|shy|zwj|zwnj|ZeroWidthSpace|NoBreak|num|equals|percnt"
    "|ensp|emsp|thinsp|numsp|puncsp|hairsp|emsp13|emsp14"
)
_AT, _DOT = r" ?(?:at|AT|At|@) ?[\])}>] ?", r" ?(?:dot|DOT|Dot|\.) ?[\])}>] ?"

ESCAPE_PROBES: tuple[str, ...] = (
    r"%[2-7eE][0-9A-Fa-f]",
    r"%u[0-9A-Fa-f]{4}",
    r"&#[0-9xX]",
    rf"&(?:{_NAMED});",
    r"[0-9A-Za-z]&nbsp;[0-9(]",
    r"&amp;(?:#|[a-z])",
    r"\\[uxU][0-9A-Fa-f{]",
    r"\\[0-3][0-7][0-7]",
    r"[0-9A-Za-z]\\[@._+-]",
    r"[0-9@-]\\[nrt][0-9A-Za-z@+/-]",
    r"[A-Za-z]\\[nrt]@",
    # No tag of a sentence: it stands within a word or number.
    rf"(?i)[0-9a-z@._+-]</?(?:{INLINE})[ />]",
    r"[0-9A-Za-z@._+-]<!--",
    r"[*`~]@",
    r"(?i)[0-9a-z._-]\*\*[0-9a-z._-]",
    # Colours within a word, as a search in a terminal marks what it found; a text of two bytes for each letter that was read as one of one.
    r"[0-9A-Za-z@._+-]\x1b\[",
    r"[0-9A-Za-z@._+-]\x00[0-9A-Za-z@._+-]\x00",
    r"@[*`~]",
    r"[0-9]\*\*?[0-9]",
    r"(?i)[\[({<] ?(?:at|dot) ?[\])}>]",
    r"\[[.@]\]",
    r"(?i)[a-z0-9] at [a-z0-9-]{1,40} dot [a-z]",
    r"[0-9]\+[0-9]{2,6}\+[0-9]",
)

# One class is searched, which is fast; what the character begins is looked at only then.
_ESCAPES = on_use(
    r"[%\\&<*~`+\[({ \x00\x1b](?:"
    r"(?<=%)(?:(?P<percent>[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*)|(?P<units>u[0-9A-Fa-f]{4}(?:%u[0-9A-Fa-f]{4})*))"
    r"|(?<=\\)\\{0,7}(?:(?P<unit>u[0-9A-Fa-f]{4}(?:\\{1,8}u[0-9A-Fa-f]{4})*)|(?P<hex>x[0-9A-Fa-f]{2}(?:\\{1,8}x[0-9A-Fa-f]{2})*)"
    r"|(?P<brace>[ux]\{[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8})|(?P<octal>[0-3][0-7]{2})|(?P<simple>[nrt]|[^0-9A-Za-z\s\\]))"
    r"|(?<=&)(?P<entity>(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,24}(?=;));?)"
    rf"|(?<=<)(?P<tag>/?(?i:{INLINE})(?:[\s/][^<>]{{0,300}})?>|!--[^<>]{{0,300}}-->)"
    r"|(?<=[0-9A-Za-z@.][*~`])(?<!%[0-9A-Fa-f]{2}[*~`])(?P<mark>[*~]{0,2}(?=[0-9A-Za-z@.]))"
    rf"|(?:(?<=[\[({{<])|(?<= )[\[({{<])(?:(?P<at>{_AT})|(?P<dot>{_DOT}))"
    rf"|(?<=[0-9A-Za-z] )(?:(?P<and_at>(?:at|AT) (?=[0-9A-Za-z.-]{{1,40}}(?: (?:dot|DOT) | ?[\[({{<]{_DOT})[A-Za-z]))|(?P<and_dot>(?:dot|DOT) (?=[A-Za-z]{{2}})))"
    r"|(?<=[0-9]\+)(?P<plus>(?=[0-9]))"
    r"|(?<=\x1b)(?P<colour>\[[0-9;]{0,32}[A-Za-z])|(?<=\x00)(?P<nothing>)"
    r")"
)
_QUOTED = on_use(r"=(?:\r?\n|(?P<codes>[0-9A-F]{2}(?:=[0-9A-F]{2})*))")
QUOTED_PROBES: tuple[str, ...] = (
    r"=3D",
    r"[0-9A-Za-z@.-]=\r?\n[0-9A-Za-z@.=-]",
    r"=[C-F][0-9A-F]=[89AB][0-9A-F]",
    r"[0-9A-Za-z]=40[A-Za-z0-9-]{1,40}(?:\.|=2E)[A-Za-z]",
    r"[0-9]=2[0DE][0-9]",
    r"=[2-7][0-9A-F]=[2-7][0-9A-F]",
)
_BACKSLASHED = {"n": "\n", "r": "\r", "t": "\t"}
_PAIR = on_use(r"x([0-9A-Fa-f]{2})")
_UNIT = on_use(r"u([0-9A-Fa-f]{4})")


def escaped(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with escapes undone; None where there are none."""
    return rewritten(text, low, high, _ESCAPES.finditer(text, low, high), _said, below)


def quoted(text: str, low: int, high: int, below: View | None) -> View | None:
    """The range with the codes and soft line ends of a mail undone; None where there are none."""
    return rewritten(text, low, high, _QUOTED.finditer(text, low, high), _said_in_mail, below)


def _said(token: re.Match[str]) -> Said | None:
    kind = token.lastgroup or ""
    return _SAID[kind](token[0]) if kind in _SAID else (_FIXED[kind], 0)


def _percent(written: str) -> Said:
    return of_bytes(bytes.fromhex(written.replace("%", "")), 3)


def _unit(written: str) -> Said:
    """Halves of characters are put together; a lone half stands for nothing."""
    codes = _UNIT.findall(written)
    text = bytes.fromhex("".join(codes)).decode("utf-16-be", "replace")
    return text, 6 if len(text) == len(codes) and len(written) == 6 * len(codes) else 0


def _hex(written: str) -> Said:
    codes = _PAIR.findall(written)
    text, _ = of_bytes(bytes.fromhex("".join(codes)), 0)
    return text, 4 if len(text) == len(codes) and len(written) == 4 * len(codes) else 0


def _brace(written: str) -> Said:
    code = int(written.lstrip("\\").strip("uxU{}"), 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd", 0


def _octal(written: str) -> Said:
    return chr(int(written[-3:], 8)), 0


def _entity(written: str) -> Said | None:
    plain = html.unescape(written)
    return None if plain == written else (plain, 0)


def _simple(written: str) -> Said:
    return _BACKSLASHED.get(written[-1], written[-1]), 0


_SAID: dict[str, Callable[[str], Said | None]] = {
    "percent": _percent, "unit": _unit, "units": _unit, "hex": _hex, "brace": _brace, "octal": _octal, "entity": _entity, "simple": _simple,
}  # fmt: skip
_FIXED = {"tag": "", "mark": "", "colour": "", "nothing": "", "at": "@", "and_at": "@", "dot": ".", "and_dot": ".", "plus": " "}


def _said_in_mail(token: re.Match[str]) -> Said:
    return ("", 0) if token["codes"] is None else of_bytes(bytes.fromhex(token[0].replace("=", "")), 3)
