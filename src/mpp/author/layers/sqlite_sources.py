"""Makes the generated sources of SQLite, which its own build makes with Tcl: numbers of opcodes, their names, the public header.

The parser and the table of keywords come from SQLite's own C programs, which run inside of WebAssembly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mpp.model.value import value

_CASE = re.compile(r"^case (OP_\w+):[ \t{]*(?:/\*(.*)\*/)?", re.MULTILINE)
_TOKEN = re.compile(r"^#define (TK_\w+)\s+(\d+)", re.MULTILINE)
_API = re.compile(r"^ *([a-zA-Z][a-zA-Z_0-9 ]+ \**)(sqlite3_\w+)(\(.*)$")
_VARIABLE = re.compile(r"^(?! *typedef)[a-zA-Z][a-zA-Z_0-9 *]+sqlite3_\w+(?:\[|;| =)")
_LAST = ("OP_Noop", "OP_Explain", "OP_Abortable")

# Opcodes that resolveP2Values() treats: one switch over a dense range of the smallest numbers.
_RESOLVED = frozenset((
    "OP_Transaction", "OP_AutoCommit", "OP_Savepoint", "OP_Checkpoint", "OP_Vacuum", "OP_JournalMode", "OP_VUpdate", "OP_VFilter", "OP_Init",
))  # fmt: skip
_FLAGS = {"jump": 0x01, "in1": 0x02, "in2": 0x04, "in3": 0x08, "out2": 0x10, "out3": 0x20, "ncycle": 0x40, "jump0": 0x81}
_NAMES = {"JUMP": 0x01, "IN1": 0x02, "IN2": 0x04, "IN3": 0x08, "OUT2": 0x10, "OUT3": 0x20, "NCYCLE": 0x40, "JUMP0": 0x80}


@value
class Opcode:
    """An opcode as the comment at its case describes it."""

    name: str
    flags: int
    token: str
    """The token of the parser whose number it must have, or nothing."""
    grouped: bool
    """Whether it must follow the opcode before it without a gap."""


def read_opcodes(vdbe: str) -> tuple[Opcode, ...]:
    """The opcodes of vdbe.c in order, and at the end those that have to stand last."""
    found = [_read_case(match[1], match[2] or "") for match in _CASE.finditer(vdbe) if match[1] not in _LAST]
    return (*found, *(Opcode(name=name, flags=0, token="", grouped=False) for name in _LAST))


def _read_case(name: str, comment: str) -> Opcode:
    words = [word.strip(",") for word in comment.split()]
    token = ""
    for at, word in enumerate(words):
        if word == "same" and words[at + 1 : at + 2] == ["as"]:
            token = words[at + 2]
    flags = 0
    for word in words:
        flags |= _FLAGS.get(word, 0)
    return Opcode(name=name, flags=flags, token=token, grouped="group" in words)


class _Numbers:
    """Gives the smallest numbers that are left, never looking back behind what it gave."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        self.given = dict(taken)
        self._used = set(self.given.values())
        self._next = 0

    def give(self, name: str) -> None:
        if name not in self.given:
            self._take(name, self._free(1))

    def give_in_a_row(self, names: list[str]) -> None:
        left = [name for name in names if name not in self.given]
        start = self._free(len(left))
        for at, name in enumerate(left):
            self._take(name, start + at)

    def _free(self, length: int) -> int:
        at = self._next
        while any(number in self._used for number in range(at, at + length)):
            at += 1
        if length == 1:
            self._next = at
        return at

    def _take(self, name: str, number: int) -> None:
        self.given[name] = number
        self._used.add(number)


def number_opcodes(opcodes: tuple[Opcode, ...], tokens: Mapping[str, int]) -> dict[str, int]:
    """Those that are tokens have the token's number; then the smallest free numbers go to the resolved, to jumps, to groups, to the rest."""
    numbers = _Numbers({one.name: tokens[one.token] for one in opcodes if one.token})
    for name in (*(one.name for one in opcodes if one.name in _RESOLVED), *(one.name for one in opcodes if one.flags & 1)):
        numbers.give(name)
    for names in _groups(opcodes):
        numbers.give_in_a_row(names)
    for one in opcodes:
        numbers.give(one.name)
    return numbers.given


def _groups(opcodes: tuple[Opcode, ...]) -> Iterator[list[str]]:
    names: list[str] = []
    for one in opcodes:
        if one.grouped:
            names.append(one.name)
        elif names:
            yield names
            names = []


def write_opcodes(parse_header: str, vdbe: str) -> tuple[str, str]:
    """opcodes.h and opcodes.c."""
    opcodes = read_opcodes(vdbe)
    numbers = number_opcodes(opcodes, {name: int(number) for name, number in _TOKEN.findall(parse_header)})
    most = max(numbers.values())
    flags = {numbers[one.name]: one.flags for one in opcodes}
    names = {number: name for name, number in numbers.items()}
    jumps = max(number for number, flag in flags.items() if flag & 1)
    lines = [f"#define {names.get(number, f'OP_NotUsed_{number}')} {number}" for number in range(most + 1)]
    lines += [f"#define OPFLG_{name} {flag:#04x}" for name, flag in _NAMES.items()]
    lines.append(f"#define OPFLG_INITIALIZER {{{', '.join(f'{flags.get(number, 0):#04x}' for number in range(most + 1))}}}")
    lines.append(f"#define SQLITE_MX_JUMP_OPCODE {jumps}")
    table = ", ".join(f'"{names.get(number, f"OP_NotUsed_{number}").removeprefix("OP_")}"' for number in range(most + 1))
    source = f'#include "sqliteInt.h"\nconst char *sqlite3OpcodeName(int i) {{\n    static const char *const names[] = {{{table}}};\n    return names[i];\n}}\n'
    return "\n".join(lines) + "\n", source


def write_header(template: str, version: str, source_id: str) -> str:
    """sqlite3.h: the version filled in, and each function and variable of the interface marked as such."""
    release, *rest = (int(part) for part in version.split("."))
    number = f"{release}{''.join(f'{part:03d}' for part in rest)}"
    lines = []
    for line in template.splitlines():
        filled = line.rstrip().replace("--VERSION-NUMBER--", number).replace("--VERS--", version).replace("--SOURCE-ID--", source_id)
        api = _API.match(filled)
        if _VARIABLE.match(filled):
            filled = f"SQLITE_API {filled}"
        elif api is not None:
            filled = f"SQLITE_API {api[1].strip()} {api[2]}{api[3]}"
        lines.append(filled)
    return "\n".join(lines) + "\n"


def read_source_id(manifest: str, uuid: str) -> str:
    """When these sources were checked in, and as what."""
    date = re.search(r"^D (\S+)", manifest, re.MULTILINE)
    return f"{date[1].replace('T', ' ')[:19] if date else ''} {uuid.strip()}".strip()
