"""Characters that a person does not see as they are: controls, direction changes, zero-width, blank and private ones.

Spec: spec/manifest.md M-6. The tables are fixed here and not taken from a Unicode library, because a library's
version would change the verdict from one host to the next.
"""

from __future__ import annotations

import re

from mpp.model.jsontext import Json

# Attack: instructions to a model written in characters that no reviewer sees (tags, variation selectors, zero-width
# letters, blanks), or a text that direction marks show in another order than it is read. These are the categories
# Cc, Cf, Co, Zl, Zp and Zs of Unicode 15, but for tab, line feed and the spaces of WIDE_SPACES; and what is drawn as nothing.
HIDDEN_RANGES: tuple[tuple[int, int], ...] = (
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD),
    (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x1680, 0x1680), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xE000, 0xF8FF), (0xFE00, 0xFE0D),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFC), (0xFFFE, 0xFFFF), (0x1107F, 0x1107F), (0x110BD, 0x110BD), (0x110CD, 0x110CD),
    (0x13430, 0x1343F), (0x16FE4, 0x16FE4), (0x1BCA0, 0x1BCA3), (0x1D159, 0x1D159), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
WIDE_SPACES = "\xa0\u3000"
"""Ordinary in French and in Chinese or Japanese sentences, so allowed there; in a name they pass for a space."""
# Marks that pile up on any letter: diacritics of all scripts, Hebrew and Arabic points, Thai and Lao signs.
MARK_RANGES: tuple[tuple[int, int], ...] = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2), (0x05C4, 0x05C5), (0x05C7, 0x05C7),
    (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E4), (0x06E7, 0x06E8), (0x06EA, 0x06ED),
    (0x0E31, 0x0E31), (0x0E34, 0x0E3A), (0x0E47, 0x0E4E), (0x0EB1, 0x0EB1), (0x0EB4, 0x0EBC), (0x0EC8, 0x0ECE), (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0x3099, 0x309A), (0xFE20, 0xFE2F),
)  # fmt: skip
MARKS_MAX = 8
"""Marks on one letter. Reason: no writing needs more, and a pile of them covers the lines around it."""

# U+FE0E and U+FE0F choose between text and colour of the symbol before them and are allowed only there.
_SYMBOLS = "0-9#*\xa9\xae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"


def _class(ranges: tuple[tuple[int, int], ...], more: str = "") -> str:
    return "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + more + "]"


_ELSE = rf"|(?<![{_SYMBOLS}])[\ufe0e\ufe0f]|{_class(MARK_RANGES)}{{{MARKS_MAX + 1}}}"
_IN_TEXT = re.compile(_class(HIDDEN_RANGES) + _ELSE)
_IN_NAME = re.compile(_class(HIDDEN_RANGES, WIDE_SPACES) + _ELSE)


def hidden_in(text: str, *, is_name: bool = True) -> str:
    """The first hidden character as ``U+XXXX``, or nothing. A name is more strictly judged than a sentence."""
    found = hidden_at(text, is_name=is_name)
    return "" if found is None else found[1]


def hidden_at(text: str, *, is_name: bool = True) -> tuple[int, str] | None:
    """Where the first hidden character stands, and the character as ``hidden_in`` names it."""
    found = None if text.isascii() and text.isprintable() else (_IN_NAME if is_name else _IN_TEXT).search(text)
    if found is None:
        return None
    return found.start(), f"U+{ord(found[0][0]):04X}" + (f", one of more than {MARKS_MAX} marks on one letter" if len(found[0]) > 1 else "")


def hidden_texts(document: Json, most: int) -> list[tuple[str, str]]:
    """The first ``most`` places whose key or text holds a hidden character, each with that character."""
    found: list[tuple[str, str]] = []
    _search(document, [], found, most)
    return found


def _search(item: Json, steps: list[str], found: list[tuple[str, str]], most: int) -> None:
    """Attack: a long key above many values would be copied for each; so a place is only put together when it is needed."""
    if isinstance(item, str):
        _note(item, steps, found, most, is_name=False)
    elif isinstance(item, list):
        for i, one in enumerate(item):
            steps.append(str(i))
            _search(one, steps, found, most)
            steps.pop()
    elif isinstance(item, dict):
        for key, one in item.items():
            _note(key, steps, found, most, is_name=True)
            steps.append(key)
            _search(one, steps, found, most)
            steps.pop()


def _note(text: str, steps: list[str], found: list[tuple[str, str]], most: int, *, is_name: bool) -> None:
    character = hidden_in(text, is_name=is_name) if len(found) < most else ""
    if character:
        found.append(("".join(f"/{step}" for step in steps), character))
