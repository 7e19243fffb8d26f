"""A small assembler: valid minimal WebAssembly, and the pieces to make it deliberately broken.

Takes: lists of names. Gives: bytes that an engine compiles. Refuses: nothing; it builds what it is told.
Limits: none; meant for tests of hosts and tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

CORE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"
KINDS = {"function": 0, "table": 1, "memory": 2, "global": 3, "tag": 4}
VALUES = {"i": 0x7F, "I": 0x7E, "f": 0x7D, "F": 0x7C, "v": 0x7B, "c": 0x70, "x": 0x6F, "e": 0x69}
"""Value types as letters: i32, i64, f32, f64, v128, funcref, externref, exnref."""

COMMAND: dict[str, tuple[str, int]] = {"_start": ("function", 0), "memory": ("memory", 0)}
"""The exports of a command; a function's number counts from the first one that the module defines."""


def leb(number: int) -> bytes:
    """An unsigned number in its shortest form."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def vector(items: Iterable[bytes]) -> bytes:
    """A list: its length, then its items."""
    listed = list(items)
    return leb(len(listed)) + b"".join(listed)


def text(name: str) -> bytes:
    """A name: its length in bytes, then its bytes."""
    raw = name.encode()
    return leb(len(raw)) + raw


def section(number: int, body: bytes) -> bytes:
    """A section: its number, its length, its body."""
    return bytes((number,)) + leb(len(body)) + body


def bounds(lowest: int, highest: int | None) -> bytes:
    """The limits of a memory or table."""
    return b"\0" + leb(lowest) if highest is None else b"\1" + leb(lowest) + leb(highest)


def function_type(signature: str) -> bytes:
    """The type that ``ii:i`` stands for."""
    parameters, _, results = signature.partition(":")
    return b"\x60" + b"".join(vector(bytes((VALUES[letter],)) for letter in letters) for letters in (parameters, results))


_IMPORTED = {"table": b"\1\x70\0\0", "memory": b"\2\0\0", "global": b"\3\x7f\0", "tag": b"\4\0\0"}


def module(
    imports: Sequence[tuple[str, str, str]] = (),
    exports: Mapping[str, tuple[str, int]] | None = None,
    functions: int = 1,
    memory: tuple[int, int | None] | None = (1, None),
    custom: Sequence[tuple[str, bytes]] = (),
    *,
    signature: str = ":",
    body: bytes = b"",
    data: Sequence[tuple[int, bytes]] = (),
    start: bool = False,
) -> bytes:
    """A core module; by default the smallest command, whose ``_start`` returns at once.

    An import is (module, name, type), the type being a signature such as ``ii:i`` or one of table, memory,
    global, tag. All functions have ``signature`` and ``body`` (instructions without the final ``end``).
    ``data`` is (address, bytes). Custom sections come last.
    """
    signatures = list(dict.fromkeys((":", signature, *(kind for *_, kind in imports if ":" in kind))))
    listed = [text(source) + text(name) + (b"\0" + leb(signatures.index(kind)) if ":" in kind else _IMPORTED[kind]) for source, name, kind in imports]
    first = sum(":" in kind for *_, kind in imports)
    offered = [
        text(name) + bytes((KINDS[kind],)) + leb(number + first if kind == "function" else number)
        for name, (kind, number) in (COMMAND if exports is None else exports).items()
    ]
    code = b"\0" + body + b"\x0b"
    placed = [b"\0\x41" + _signed(address) + b"\x0b" + leb(len(raw)) + raw for address, raw in data]
    parts = {
        1: vector(map(function_type, signatures)),
        2: vector(listed),
        3: vector([leb(signatures.index(signature))] * functions),
        5: vector([bounds(*memory)]) if memory else b"\0",
        7: vector(offered),
        8: leb(first) if start else b"\0",
        12: leb(len(placed)),
        10: vector([leb(len(code)) + code] * functions),
        11: vector(placed),
    }
    # A section that lists nothing is left out; a start section is not a list.
    kept = [section(number, part) for number, part in parts.items() if (part != b"\0" or (number == 8 and start))]
    return CORE + b"".join(kept) + b"".join(section(0, text(name) + raw) for name, raw in custom)


def _signed(number: int) -> bytes:
    """A small non-negative number as a signed one; five bytes keep the sign clear."""
    return bytes((number >> shift & 0x7F) | 0x80 for shift in (0, 7, 14, 21)) + bytes((number >> 28 & 0x7F,))


RUN = "wasi:cli/run@0.2.0"
_RUNNER = module(exports={"run": ("function", 0)}, signature=":i", memory=None, body=b"\x41\0")


def component(
    imports: Sequence[str] = (),
    exports: Sequence[str] = (RUN,),
    custom: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """A component; by default the smallest command. Each import is an interface that is asked for nothing.

    Each export is an instance with one function ``run`` that answers "ok".
    """
    asked = [
        section(7, vector([b"\x42\0"])),
        section(10, vector(b"\0" + text(name) + b"\5\0" for name in imports)),
    ]
    types = 1 if imports else 0
    made = [
        section(1, _RUNNER),
        section(2, vector([b"\0\0\0"])),
        section(6, vector([b"\0\0\1\0" + text("run")])),
        section(7, vector([b"\x6a\0\0", b"\x40\0\0" + leb(types)])),
        section(8, vector([b"\0\0\0\0" + leb(types + 1)])),
        section(5, vector([b"\1" + vector([b"\0" + text("run") + b"\1\0"])])),
        section(11, vector(b"\0" + text(name) + b"\5" + leb(len(imports)) + b"\0" for name in exports)),
    ]
    return COMPONENT + b"".join((asked if imports else []) + made) + b"".join(section(0, text(name) + raw) for name, raw in custom)
