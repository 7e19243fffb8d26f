"""Reading and writing the guest's memory. Every pointer and length comes from the guest; what lies outside answers FAULT."""

from __future__ import annotations

import struct

from mpp.stages.sandbox.wasi import codes, limits

U32, U64, PAIR = struct.Struct("<I"), struct.Struct("<Q"), struct.Struct("<II")
_TABLES = tuple(struct.Struct(f"<{2 * count}I") for count in range(17))


def span(memory: memoryview, at: int, size: int) -> memoryview:
    """``size`` bytes at ``at``, writable. A slice alone would be cut short silently."""
    if at + size > len(memory):
        raise codes.Errno(codes.FAULT)
    return memory[at : at + size]


def buffers(memory: memoryview, at: int, count: int) -> list[memoryview]:
    """The buffers of a vector; they may overlap each other or the vector itself."""
    if count == 1:
        start, size = PAIR.unpack_from(memory, at)
        if start + size > len(memory):
            raise codes.Errno(codes.FAULT)
        return [memory[start : start + size]]
    if count > limits.BUFFERS_MAX:
        raise codes.Errno(codes.INVAL)
    table = _TABLES[count] if count < len(_TABLES) else struct.Struct(f"<{2 * count}I")
    words = iter(table.unpack_from(memory, at))
    return [span(memory, start, size) for start, size in zip(words, words, strict=True)]


def path(memory: memoryview, at: int, size: int) -> bytes:
    """A path as the guest gave it: UTF-8 without NUL. Attack: the kernel would end the path at a NUL and look up another one."""
    if size > limits.PATH_BYTES_MAX:
        raise codes.Errno(codes.NAMETOOLONG)
    raw = bytes(span(memory, at, size))
    if b"\0" in raw:
        raise codes.Errno(codes.INVAL)
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            raise codes.Errno(codes.ILSEQ) from None
    return raw
