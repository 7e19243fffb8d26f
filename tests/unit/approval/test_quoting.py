from __future__ import annotations

import re
from hashlib import sha256

import pytest

from mpp.stages.approval.limits import LINE_COLUMNS_MAX
from mpp.stages.approval.quoting import ADDRESS, GOES_ON, HIDDEN, MIXED, atoms_of, columns, is_whole, name, numbered, quoted, script_of, sentence, wrapped

QUOTED = [
    ("plain", "hello", '"hello"', ()),
    ("nothing", "", '""', ()),
    ("one space", "a b", '"a b"', ()),
    ("two spaces", "a  b", '"a\\u0020\\u0020b"', ()),
    ("spaces at the ends", " a  ", '" a\\u0020\\u0020"', ()),
    ("quotation marks", 'say "yes"', '"say \\"yes\\""', ()),
    ("a backslash", "C:\\x", '"C:\\\\x"', ()),
    ("what looks like our escape", "\\u0041", '"\\\\u0041"', ()),
    ("a line break", "a\nMPP asks\r\n\tb", '"a\\nMPP asks\\r\\n\\tb"', (HIDDEN,)),
    ("tab and line end alone", "a\n\tb", '"a\\n\\tb"', ()),
    ("an escape of a terminal", "\x1b[2J", '"\\u001b[2J"', (HIDDEN,)),
    ("a carriage return", "safe\rEVIL", '"safe\\rEVIL"', (HIDDEN,)),
    ("a C1 control", "\x9b31m", '"\\u009b31m"', (HIDDEN,)),
    ("delete", "a\x7f", '"a\\u007f"', (HIDDEN,)),
    ("a change of direction", "abc\u202egnp.exe", '"abc\\u202egnp.exe"', (HIDDEN, ADDRESS)),
    ("an isolate", "\u2066a\u2069", '"\\u2066a\\u2069"', (HIDDEN,)),
    ("a zero-width space", "pay\u200bpal", '"pay\\u200bpal"', (HIDDEN,)),
    ("a joiner", "a\u200db", '"a\\u200db"', (HIDDEN,)),
    ("a byte-order mark", "\ufeffa", '"\\ufeffa"', (HIDDEN,)),
    ("a soft hyphen", "a\xadb", '"a\\u00adb"', (HIDDEN,)),
    ("a no-break space", "a\xa0b", '"a\\u00a0b"', (HIDDEN,)),
    ("a thin space", "a\u2009b", '"a\\u2009b"', (HIDDEN,)),
    ("an ideographic space", "a\u3000b", '"a\\u3000b"', (HIDDEN,)),
    ("a blank of braille", "a\u2800b", '"a\\u2800b"', (HIDDEN,)),
    ("a line separator", "a\u2028b", '"a\\u2028b"', (HIDDEN,)),
    ("tags", "a\U000e0041", '"a\\U000e0041"', (HIDDEN,)),
    ("half of a character", "\ud800", '"\\ud800"', ()),
    ("an accent", "Müller", '"Müller"', ()),
    ("a piled accent", "e\u0301", '"e\\u0301"', ()),
    ("Greek", "Αθήνα", '"Αθήνα"', ("letters: Greek",)),
    ("Cyrillic", "Привет, мир!", '"Привет, мир!"', ("letters: Cyrillic",)),
    ("two scripts in two words", "Привет Anna", '"Привет Anna"', ("letters: Cyrillic",)),
    ("two scripts in one word", "p\u0430ypal", '"p\\u0430ypal"', (MIXED,)),
    ("Greek in Latin", "\u03bfne", '"\\u03bfne"', (MIXED,)),
    ("two scripts in two lines", "abc\nмир", '"abc\\nмир"', ("letters: Cyrillic",)),
    ("Japanese", "日本のツール", '"日本のツール"', ("letters: Chinese", "letters: Japanese")),
    ("Korean with Latin", "MPP도구", '"MPP도구"', ("letters: Korean",)),
    ("letters from the right", "שלום", '"\\u05e9\\u05dc\\u05d5\\u05dd"', ()),
    ("Arabic", "سلام", '"\\u0633\\u0644\\u0627\\u0645"', ()),
    ("wide ASCII", "ｐａｙ", '"\\uff50\\uff41\\uff59"', ()),
    ("a mathematical letter", "\U0001d5ae", '"\\U0001d5ae"', ()),
    ("dotless i", "\u0131", '"\\u0131"', ()),
    ("a smile", "\U0001f600", '"\\U0001f600"', ()),
    ("money", "5 € – 10 £", '"5 € – 10 £"', ()),
    ("our ellipsis and marks", "a \u2026 \u201d", '"a \\u2026 \\u201d"', ()),
    ("an address with an odd letter", "pạypal.com", '"p\\u1ea1ypal.com"', (ADDRESS,)),
    ("a whole address in Cyrillic", "раура.рф", '"\\u0440\\u0430\\u0443\\u0440\\u0430.\\u0440\\u0444"', (ADDRESS,)),
    ("a mail address", "ada@bücher.example", '"ada@b\\u00fccher.example"', (ADDRESS,)),
    ("a path", "/home/ada/Bücher", '"/home/ada/Bücher"', ()),
    ("the end of a sentence", "Grüße. Ende", '"Grüße. Ende"', ()),
    ("an address in ASCII", "https://example.com/a?b=c", '"https://example.com/a?b=c"', ()),
]


@pytest.mark.parametrize(("text", "shown", "notes"), [row[1:] for row in QUOTED], ids=[row[0] for row in QUOTED])
def test_texts_are_quoted(text: str, shown: str, notes: tuple[str, ...]) -> None:
    found = quoted(text, 100)
    assert (found.text, found.notes, found.cut) == (shown, notes, False)
    assert found.noted == shown + (f" [{', '.join(notes)}]" if notes else "")


def test_an_identifier_is_ascii() -> None:
    assert quoted("Müller Привет", 100, ascii_only=True).text == '"M\\u00fcller \\u041f\\u0440\\u0438\\u0432\\u0435\\u0442"'


def test_a_long_text_is_cut_in_its_middle() -> None:
    text = "a" * 500 + "b" * 500
    found = quoted(text, 100)
    digest = sha256(text.encode()).hexdigest()[:32]
    assert found.text == f'"{"a" * 50}" ... "{"b" * 25}" (1,000 characters, sha256 {digest})'
    assert found.cut


def test_what_is_cut_can_be_half_of_a_character() -> None:
    assert quoted("\ud800" * 500, 50).cut
    assert "sha256" in name("\ud800" * 500)


def test_a_text_just_long_enough_is_whole() -> None:
    assert quoted("a" * 100, 100) == ('"' + "a" * 100 + '"', False, ())
    assert quoted("a" * 101, 100).cut
    assert quoted("日" * 50, 100).text == '"' + "日" * 50 + '"'
    assert quoted("日" * 51, 100).cut
    # Each takes six columns as its number.
    assert quoted("\u202e" * 17, 100).cut


NAMES = [
    ("com.example.hello", "com.example.hello"),
    ("1.0.0+a", "1.0.0+a"),
    ("ada@example.com", "ada@example.com"),
    ("", '""'),
    ("a b", '"a b"'),
    ("a\nb", '"a\\nb"'),
    ("gr\u0435et", '"gr\\u0435et" [several scripts in one word]'),
    ("M\xfcller", '"M\\u00fcller"'),
    ("x" * 64, "x" * 64),
    ("x" * 65, '"' + "x" * 48 + '" ... (sha256 ' + sha256(b"x" * 65).hexdigest()[:16] + ")"),
    ("\u202e" * 300, '"' + "\\u202e" * 8 + '" ... (sha256 ' + sha256(("\u202e" * 300).encode()).hexdigest()[:16] + ") [hidden characters]"),
]


@pytest.mark.parametrize(("text", "shown"), NAMES)
def test_names_are_shown(text: str, shown: str) -> None:
    assert name(text) == shown
    assert len(name(text)) <= 64 + 70


def test_a_sentence_keeps_its_marks_and_loses_its_middle() -> None:
    assert sentence('read "a b", which is C:\\x here', 100).text == 'read "a b", which is C:\\x here'
    assert sentence("a\nb", 100).text == "a\\nb"
    found = sentence("read /" + "a" * 400 + "/.ssh", 60)
    assert found.text == "read /" + "a" * 24 + " ... " + "a" * 15 + "/.ssh"
    assert found.cut


@pytest.mark.parametrize(
    ("text", "is_all"), [("abc", True), ("a" * 64, True), ("a" * 65, False), ("a b", True), ("\u65e5" * 11, False), ("\u65e5" * 10, True), ("x" * 999, False)]
)
def test_whether_a_name_is_whole(text: str, is_all: bool) -> None:
    assert is_whole(text, 64) is is_all
    assert ("sha256" in name(text)) is not is_all


def test_halves_of_characters_are_shown_as_numbers_everywhere() -> None:
    for text in ("\ud800", "a\udfffb", "\udc80" * 500, "\ud800 \udc00" * 9000):
        for shown in (name(text), quoted(text, 100).noted, quoted(text, 70_000).noted, sentence(text, 100).noted, sentence(text, 70_000).text):
            assert shown.isascii()
            assert shown.isprintable()
            assert "".join(wrapped([shown])).encode()


def test_of_a_very_long_text_no_more_is_looked_at_than_is_shown() -> None:
    text = "head" + "x" * 10_000_000 + "tail"
    for shown in (quoted(text, 65_536), sentence(text, 65_536)):
        assert shown.cut
        assert len(shown.text) < 65_536
    assert not quoted("x" * 65_536, 65_536).cut


def test_a_short_line_stays() -> None:
    assert wrapped(["abc", "", "a" * LINE_COLUMNS_MAX]) == ["abc", "", "a" * LINE_COLUMNS_MAX]


def test_a_long_line_is_broken_between_words() -> None:
    line = "label         " + "word " * 30
    found = wrapped([line.rstrip()])
    assert all(len(piece) <= LINE_COLUMNS_MAX for piece in found)
    assert all(piece.startswith(GOES_ON + "word") for piece in found[1:])
    assert " ".join(piece.removeprefix(GOES_ON) for piece in found) == line.rstrip()


def test_a_long_word_is_broken_anywhere_but_never_inside_of_a_number() -> None:
    line = "  /x = " + "a" * 65 + "\\u202e" * 30
    found = wrapped([line])
    assert "".join(piece.removeprefix(GOES_ON) for piece in found) == line
    assert all(re.fullmatch(r"[^\\]*(\\u202e)*", piece) for piece in found)
    assert all(piece.startswith(GOES_ON) for piece in found[1:])


def test_wide_letters_count_twice() -> None:
    found = wrapped(["日" * 100])
    assert [len(piece) for piece in found] == [38, len(GOES_ON) + 35, len(GOES_ON) + 27]


def test_columns() -> None:
    assert [columns(one) for one in ("a", "\\u202e", "日", "ü", "。", "€")] == [1, 6, 2, 1, 2, 1]
    assert [script_of(one) for one in "a1ü\u0416\u0395日ツ한€"] == ["Latin", "", "Latin", "Cyrillic", "Greek", "Chinese", "Japanese", "Korean", ""]
    assert (numbered("\n"), numbered("\U0001f600")) == ("\\u000a", "\\U0001f600")


def test_no_atom_holds_what_moves_a_cursor() -> None:
    """All characters of the first planes, one by one."""
    for code in [*range(0x3100), *range(0xD7A0, 0xE010), *range(0xF8F0, 0x11000), 0x1F600, 0xE0001, 0x10FFFF]:
        atoms, _ = atoms_of(chr(code))
        assert len(atoms) == 1
        shown = atoms[0]
        if code > 0x7E and not shown.startswith("\\"):
            assert chr(code).isprintable(), hex(code)
            assert shown == chr(code)
        assert shown.isprintable()


def test_a_backslash_before_a_letter_is_two_characters() -> None:
    assert wrapped([sentence("\\\xb0" * 60, 200).text])[0] == "\\\xb0" * 38
