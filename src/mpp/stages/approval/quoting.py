"""How words of others stand in a question: quoted, cut, and with every character that could deceive written out as its number.

The tables are fixed here and not taken from a Unicode library: a text must be the same on every host. Spec: spec/4-approval.md section 3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from mpp.model.hiddentext import hidden_in
from mpp.stages.approval.limits import LINE_COLUMNS_MAX

# Letters that are shown as themselves. Look-alikes of ASCII signs, and letters that are read from the right, are in none of them.
_SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "Latin": ((0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x130), (0x132, 0x137), (0x139, 0x148), (0x14A, 0x17E), (0x218, 0x21B), (0x1E00, 0x1EF9)),
    "Greek": ((0x386, 0x386), (0x388, 0x38A), (0x38C, 0x38C), (0x38E, 0x3A1), (0x3A3, 0x3CE)),
    "Cyrillic": ((0x400, 0x45F), (0x490, 0x491)),
    "Japanese": ((0x3041, 0x3096), (0x30A1, 0x30FA), (0x30FC, 0x30FC)),
    "Chinese": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF)),
    "Korean": ((0xAC00, 0xD7A3),),
}
_CONFUSED = frozenset(("Latin", "Greek", "Cyrillic"))
"""Scripts whose letters look alike: a word has letters of one of them."""

_WIDE = frozenset(("Japanese", "Chinese", "Korean"))
# Signs that people write and that pass for none of ours: currency, degrees, dashes, single quotation marks.
_SIGNS = frozenset("¡¢£¥§©«°±²³µ¶¹»¼½¾¿×÷–‘’€、。")
_WORD = re.compile(r" +|[^ \n\t\r]+|[\n\t\r]")
_PLAIN = re.compile(r"[A-Za-z0-9_.@:+/-]+")
_ADDRESS = re.compile(r"[^@./:\\]+[@./:\\]+[^@./:\\].*", re.DOTALL)
_ATOM = re.compile(r"\\U[0-9a-f]{8}|\\u[0-9a-f]{4}|\\[\\\"nrt]|.", re.DOTALL)

MIXED, HIDDEN, ADDRESS = "several scripts in one word", "hidden characters", "address beyond ASCII"
"""What is said of a text that could deceive: its letters are written as numbers."""

_CHARACTERS_MAX = 8192
"""Characters of which is remembered what they are. Reason: the letters of a language; a long text has each of them many times."""

_BEYOND = 8192
"""Characters that are looked at beyond half of those that can be shown, at each end of a long text."""

GOES_ON = "    | "
"""How a line begins that continues the one before. No word of others begins a line."""


class Shown(NamedTuple):
    """A text made safe, and what should be said of it."""

    text: str
    cut: bool
    """Is something left out?"""
    notes: tuple[str, ...] = ()

    @property
    def noted(self) -> str:
        """The text with its notes behind it."""
        return self.text + (f" [{', '.join(self.notes)}]" if self.notes else "")


@lru_cache(_CHARACTERS_MAX)
def script_of(character: str) -> str:
    """The script of a letter that may be shown as itself; empty for any other character."""
    if character.isascii():
        return "Latin" if character.isalpha() else ""
    code = ord(character)
    return next((name for name, ranges in _SCRIPTS.items() if any(first <= code <= last for first, last in ranges)), "")


def numbered(character: str) -> str:
    """A character as its number."""
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@lru_cache(_CHARACTERS_MAX)
def columns(atom: str) -> int:
    """Columns that one character, or one written as its number, takes on a screen."""
    return len(atom) if atom.isascii() else 2 if script_of(atom) in _WIDE or atom in "、。" else 1


def atoms_of(text: str, *, ascii_only: bool = False) -> tuple[list[str], tuple[str, ...]]:
    """The pieces that stand for ``text``, each whole on the screen, and the notes."""
    atoms: list[str] = []
    notes: dict[str, None] = {HIDDEN: None} if hidden_in(text) else {}
    for word in _WORD.findall(text):
        if word[0] == " ":
            # Attack: spaces that fill the line until the rest of it seems to be a line of ours.
            atoms += [word] if word == " " else [numbered(" ")] * len(word)
            continue
        scripts = {script_of(one) for one in word} - {""}
        # Attack: the address of another, written with letters that look like the right ones.
        plain, why = (len(scripts & _CONFUSED) > 1, MIXED) if not _ADDRESS.match(word) else (bool(scripts) and not word.isascii(), ADDRESS)
        notes |= {why: None} if plain else {f"letters: {one}": None for one in sorted(scripts - {"Latin"})}
        atoms += [_atom(one, plain=ascii_only or plain) for one in word]
    return atoms, tuple(notes)


def _atom(character: str, *, plain: bool) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    if character in {"\n", "\t", "\r"}:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[character]
    if " " <= character <= "~" or (not plain and (script_of(character) or character in _SIGNS)):
        return character
    return numbered(character)


def quoted(text: str, most: int, *, ascii_only: bool = False) -> Shown:
    """``text`` between quotation marks, in at most about ``most`` columns; of a longer one its head and its tail, its length and its hash.

    Attack: what says that something was left out stands outside of the quotation marks, where the text cannot write it.
    """
    # Attack: a text of megabytes is not looked through to show a hundred characters of it.
    half = min(2 * most, most // 2 + _BEYOND)
    sample = text if len(text) <= 2 * half else text[:half] + text[-half:]
    atoms, notes = atoms_of(sample, ascii_only=ascii_only)
    if len(sample) == len(text) and sum(map(columns, atoms)) <= most:
        return Shown('"' + "".join(atoms) + '"', cut=False, notes=notes)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    head, tail = _up_to(atoms, most // 2), _up_to(atoms[::-1], most // 4)[::-1]
    shown = f'"{"".join(head)}" ... "{"".join(tail)}" ({len(text):,} characters, sha256 {digest[:32]})'
    return Shown(shown, cut=True, notes=notes)


def _up_to(atoms: list[str], most: int) -> list[str]:
    kept: list[str] = []
    room = most
    for atom in atoms:
        room -= columns(atom)
        if room < 0:
            break
        kept.append(atom)
    return kept


def name(text: str, most: int = 64) -> str:
    """An identifier: in ASCII, whatever it is written in, and without quotation marks where it needs none. Never above ``most`` and 70 columns."""
    if len(text) <= most and _PLAIN.fullmatch(text):
        return text
    atoms, notes = atoms_of(text[: 4 * most], ascii_only=True)
    said = f" [{notes[0]}]" if notes else ""
    if _all_of(text, atoms, most):
        return f'"{"".join(atoms)}"{said}'
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f'"{"".join(_up_to(atoms, most * 3 // 4))}" ... (sha256 {digest[:16]}){said}'


def is_whole(text: str, most: int) -> bool:
    """Does ``name`` show all of it?"""
    return (len(text) <= most and _PLAIN.fullmatch(text) is not None) or _all_of(text, atoms_of(text[: 4 * most], ascii_only=True)[0], most)


def _all_of(text: str, atoms: list[str], most: int) -> bool:
    return len(text) <= 4 * most and sum(map(len, atoms)) <= most


def sentence(text: str, most: int) -> Shown:
    """A line of our own that quotes others, such as a right in words: safe, its middle left out where it is long."""
    # Attack: a manifest of a thousand paths makes lines of megabytes.
    half = min(2 * most, most // 2 + _BEYOND)
    sample = text if len(text) <= 2 * half else text[:half] + text[-half:]
    atoms, notes = atoms_of(sample)
    atoms = [atom[1:] if atom in {'\\"', "\\\\"} else atom for atom in atoms]
    if len(sample) == len(text) and sum(map(columns, atoms)) <= most:
        return Shown("".join(atoms), cut=False, notes=notes)
    # The end of a path says more than its middle.
    return Shown(f"{''.join(_up_to(atoms, most // 2))} ... {''.join(_up_to(atoms[::-1], most // 3)[::-1])}", cut=True, notes=notes)


def wrapped(lines: Iterable[str], *, most: int = LINE_COLUMNS_MAX) -> list[str]:
    """Each line in pieces that no terminal breaks, between words where there are any; every piece but the first begins with a mark of ours."""
    found: list[str] = []
    for line in lines:
        atoms, at, start = _ATOM.findall(line), 0, ""
        while True:
            room = most - len(start)
            # No more atoms than columns are looked at: a long line takes the time of its length.
            end = at + len(_up_to(atoms[at : at + room], room))
            if end == len(atoms):
                break
            end = _break(atoms, at, end)
            found.append((start + "".join(atoms[at:end])).rstrip(" "))
            start, at = GOES_ON, end
        found.append(start + "".join(atoms[at:]))
    return found


def _break(atoms: list[str], at: int, end: int) -> int:
    """Where to break: behind the last space, unless that leaves half of the line empty."""
    spaces = [i for i in range((at + end) // 2, end) if atoms[i] == " "]
    return spaces[-1] + 1 if spaces else end
