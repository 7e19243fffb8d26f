"""Hidden characters, against the general categories of the Unicode database."""

from __future__ import annotations

import sys
import unicodedata

from mpp.model.hiddentext import hidden_in, hidden_texts

# Signs of Arabic, Syriac, Kaithi and Egyptian that are of category Cf and visible.
VISIBLE = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}


def test_every_control_format_and_private_character_is_hidden() -> None:
    wanted = {"Cc", "Cf", "Co", "Zl", "Zp"}
    missed = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in wanted and code not in VISIBLE and chr(code) not in "\n\t" and not hidden_in("a" + chr(code))
    ]
    assert missed == []


def test_letters_digits_marks_and_symbols_are_not() -> None:
    allowed = {"Lu", "Ll", "Nd", "Nl", "No", "Sm", "Sc", "So", "Po", "Pd", "Zs"}
    wrong = [hex(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in allowed and hidden_in(chr(code))]
    assert wrong == []


def test_places() -> None:
    document = {"a": ["x", "\u200b"], "b\u202e": {"c": "\u200b"}, "d": 1, "e": {"f/g": "\x00"}}
    places = [("/a/1", "U+200B"), ("", "U+202E"), ("/b\u202e/c", "U+200B"), ("/e/f/g", "U+0000")]
    assert hidden_texts(document, 9) == places  # type: ignore[arg-type]
    assert hidden_texts(document, 2) == places[:2]  # type: ignore[arg-type]
