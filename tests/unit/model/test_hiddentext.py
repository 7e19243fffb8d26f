"""Hidden characters, against the general categories of the Unicode database."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from mpp.model.hiddentext import MARK_RANGES, MARKS_MAX, WIDE_SPACES, hidden_in, hidden_texts

# Blank though they are of a category of what is drawn.
BLANK = {0x2800, 0xFFFC, 0x1D159, 0x3164}


def test_every_control_format_space_and_private_character_is_hidden() -> None:
    wanted = {"Cc", "Cf", "Co", "Zl", "Zp", "Zs"}
    missed = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in wanted and chr(code) not in "\n\t " and not hidden_in("a" + chr(code))
    ]
    assert missed == []


def test_letters_digits_marks_and_symbols_are_not() -> None:
    allowed = {"Lu", "Ll", "Nd", "Nl", "No", "Sm", "Sc", "So", "Po", "Pd"}
    wrong = [hex(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in allowed and code not in BLANK and hidden_in(chr(code))]
    assert wrong == []


def test_later_members_of_the_table_do_not_wait_for_a_newer_library() -> None:
    assert [hidden_in(chr(code)) for code in (*range(0x13430, 0x13440), *BLANK, 0x1107F, 0x16FE4, 0x070F)].count("") == 0


@pytest.mark.parametrize("space", WIDE_SPACES)
def test_wide_spaces_stand_in_sentences_but_not_in_names(space: str) -> None:
    assert hidden_in(f"a{space}b", is_name=False) == ""
    assert hidden_in(f"a{space}b") == f"U+{ord(space):04X}"
    assert [place for place, _ in hidden_texts({"k": f"a{space}", f"a{space}": "v"}, 9)] == [""]


@pytest.mark.parametrize("mark", ["\u0301", "\u20dd", "\u05b0", "\u064b", "\u0e47", "\u1ac0", "\ufe20"])
def test_a_pile_of_marks_hides_what_is_around_it(mark: str) -> None:
    assert hidden_in("a" + mark * MARKS_MAX + "b" + mark * MARKS_MAX) == ""
    assert hidden_in("a" + mark * (MARKS_MAX + 1)) == f"U+{ord(mark):04X}, one of more than 8 marks on one letter"


def test_the_ranges_of_marks_hold_marks_only() -> None:
    kinds = {unicodedata.category(chr(code)) for first, last in MARK_RANGES for code in range(first, last + 1)}
    assert kinds <= {"Mn", "Me", "Cn"}


def test_places() -> None:
    document = {"a": ["x", "\u200b"], "b\u202e": {"c": "\u200b"}, "d": 1, "e": {"f/g": "\x00"}}
    places = [("/a/1", "U+200B"), ("", "U+202E"), ("/b\u202e/c", "U+200B"), ("/e/f/g", "U+0000")]
    assert hidden_texts(document, 9) == places  # type: ignore[arg-type]
    assert hidden_texts(document, 2) == places[:2]  # type: ignore[arg-type]
