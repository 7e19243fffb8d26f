"""Characters that a person does not see as they are: controls, direction changes, zero-width and private ones.

Spec: spec/manifest.md M-6. The table is fixed here and not taken from a Unicode library, because a library's
version would change the verdict from one host to the next.
"""

from __future__ import annotations

import re

from mpp.model.jsontext import Json

# Attack: instructions to a model written in characters that no reviewer sees (tags, variation selectors,
# zero-width letters), or a text that direction marks show in another order than it is read.
HIDDEN_RANGES: tuple[tuple[int, int], ...] = (
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xE000, 0xF8FF), (0xFE00, 0xFE0D), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
# U+FE0E and U+FE0F choose between text and colour of the symbol before them and are allowed only there.
_SYMBOLS = "0-9#*\xa9\xae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_HIDDEN = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in HIDDEN_RANGES) + f"]|(?<![{_SYMBOLS}])[\ufe0e\ufe0f]")


def hidden_in(text: str) -> str:
    """The first hidden character as ``U+XXXX``, or nothing."""
    found = None if text.isascii() and text.isprintable() else _HIDDEN.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""


def hidden_texts(document: Json, most: int) -> list[tuple[str, str]]:
    """The first ``most`` places whose key or text holds a hidden character, each with that character."""
    found: list[tuple[str, str]] = []
    _search(document, [], found, most)
    return found


def _search(item: Json, steps: list[str], found: list[tuple[str, str]], most: int) -> None:
    """Attack: a long key above many values would be copied for each; so a place is only put together when it is needed."""
    if isinstance(item, str):
        _note(item, steps, found, most)
    elif isinstance(item, list):
        for i, one in enumerate(item):
            steps.append(str(i))
            _search(one, steps, found, most)
            steps.pop()
    elif isinstance(item, dict):
        for key, one in item.items():
            _note(key, steps, found, most)
            steps.append(key)
            _search(one, steps, found, most)
            steps.pop()


def _note(text: str, steps: list[str], found: list[tuple[str, str]], most: int) -> None:
    character = hidden_in(text) if len(found) < most else ""
    if character:
        found.append(("".join(f"/{step}" for step in steps), character))
