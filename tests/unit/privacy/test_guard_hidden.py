"""What shows nothing goes out of answers, and refuses a description; what does something stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.stages.privacy.guard.hidden import hidden_findings, padding_findings
from mpp.stages.privacy.invisible import strip_invisible

ENGLAND = "\U0001f3f4" + "".join(chr(0xE0000 + ord(one)) for one in "gbeng") + "\U000e007f"

STAYS = [
    ("ASCII", "plain text\r\n\twith a tab"),
    ("accents", "Grüße, naïve, Ångström"),
    ("a family", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    ("a profession with a tone", "\U0001f9d1\U0001f3fd\u200d\U0001f4bb"),
    ("a heart on fire", "\u2764\ufe0f\u200d\U0001f525"),
    ("a symbol in colour", "\u2600\ufe0f and \u26a0\ufe0f"),
    ("a key", "1\ufe0f\u20e3"),
    ("a Persian word", "می\u200cخواهم"),
    ("a Hindi word", "क्\u200dष"),
    ("a Sinhala word", "ශ්\u200dරී"),
    ("a mark beside Hebrew", "(שלום\u200f) and \u200eעברית"),
    ("three flags", ENGLAND),
    ("private use", "\ue0b0 of a font"),
]


@pytest.mark.parametrize("text", [row[1] for row in STAYS], ids=[row[0] for row in STAYS])
def test_what_does_something_stays(text: str) -> None:
    assert strip_invisible(text) == (text, 0)


GOES = [
    ("zero-width spaces", "a\u200bb\u200bc", "abc", 2),
    ("joiners between Latin letters", "a\u200cb\u200dc", "abc", 2),
    ("a byte-order mark", "\ufeffa", "a", 1),
    ("a soft hyphen", "a\xadb", "ab", 1),
    ("a word joiner and invisible operators", "a\u2060\u2062\u2064b", "ab", 3),
    ("overrides and isolates", "\u202ea\u202c\u2066b\u2069", "ab", 4),
    ("marks between Latin letters", "a\u200e\u200fb\u061cc", "abc", 3),
    ("all but one mark beside Hebrew", "ש\u200f\u200f\u200f a", "ש\u200f a", 2),
    ("tags", "a" + "".join(chr(0xE0000 + ord(one)) for one in "hidden"), "a", 6),
    ("tags behind a black flag", "\U0001f3f4" + "".join(chr(0xE0000 + ord(one)) for one in "usca"), "\U0001f3f4", 4),
    ("tags behind a real flag", ENGLAND + "\U000e0041", ENGLAND, 1),
    ("selectors behind an emoji", "\U0001f600\ufe0f\ufe01\U000e0101\ufe0f\ufe0f", "\U0001f600\ufe0f", 4),
    ("a selector behind a letter", "a\ufe0f", "a", 1),
    ("a selector behind a digit", "1\ufe0f2\ufe0e", "12", 2),
    ("fillers", "a\u115f\u3164\uffa0b", "ab", 3),
    ("a joiner behind a selector that goes", "a\ufe0f\u200d\U0001f600", "a\U0001f600", 2),
    ("Arabic marks by themselves", "\u061c\u061c a", " a", 2),
    ("a joiner behind an emoji", "\U0001f600\u200d a", "\U0001f600 a", 1),
]


@pytest.mark.parametrize(("text", "kept", "count"), [row[1:] for row in GOES], ids=[row[0] for row in GOES])
def test_what_does_nothing_goes(text: str, kept: str, count: int) -> None:
    assert strip_invisible(text) == (kept, count)
    assert strip_invisible(kept) == (kept, 0)


PARTS = (
    "a1 \u05e9\u0645\u0915\U0001f600\u2764\xa9\ufe0e\ufe0f\ufe01\u200b\u200c\u200d\u200e\u200f\u061c\u20e3\u202e\xad\U0001f3f4\U000e0067\U000e0062\U000e007f"
)


@given(st.text(PARTS, max_size=12))
@settings(max_examples=500, deadline=None)
def test_nothing_is_left_to_take_out(text: str) -> None:
    kept, count = strip_invisible(text)
    assert strip_invisible(kept) == (kept, 0)
    assert count == len(text) - len(kept)


def test_it_is_fast() -> None:
    started = time.process_time()
    for text in ("plain " * 200_000, "Grüße " * 200_000, "a\u200b" * 500_000):
        strip_invisible(text)
    # Ten times and more of what it takes; what looks at a million characters again for each of them takes hours.
    assert time.process_time() - started < 60


def test_a_hidden_character_is_found_with_its_place() -> None:
    (found,) = hidden_findings("Grüße\u200b", is_name=False)
    assert (found.at, found.says) == (5, "a character that nobody sees as it is (U+200B)")
    assert [*hidden_findings("plain", is_name=True)] == []
    assert [*hidden_findings("Line one\nline two \u26a0\ufe0f", is_name=False)] == []


def test_joints_are_allowed_in_prose_only() -> None:
    word = "می\u200cخواهم"
    assert [*hidden_findings(word, is_name=False)] == []
    assert len([*hidden_findings(word, is_name=True)]) == 1


ROOM = [
    ("many blanks", "a" + " " * 61 + "b", True),
    ("a table", "a" + " " * 60 + "b", False),
    ("wide blanks", "a" + "\u3000" * 61 + "b", True),
    ("seven line breaks", "a" + "\n" * 7 + "b", True),
    ("six line breaks", "a" + "\r\n" * 6 + "b", False),
    ("line breaks and blanks", "a" + "\n  " * 7 + "b", True),
    ("a ruler", "-" * 100, False),
    ("a long ruler", "-" * 122, True),
    ("one letter", "a" * 122, True),
]


@pytest.mark.parametrize(("text", "is_found"), [row[1:] for row in ROOM], ids=[row[0] for row in ROOM])
def test_room_that_hides_is_found(text: str, is_found: bool) -> None:
    assert len([*padding_findings(text)]) == is_found
