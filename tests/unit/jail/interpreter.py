"""The kernel's filter machine in a few lines, written from its manual: what a program answers to one call."""

from __future__ import annotations

import struct


def answer(code: bytes, *, architecture: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    given = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("<iIQ6Q", number - (1 << 32) if number >> 31 else number, architecture, 0x1234, *(value & (1 << 64) - 1 for value in given))
    register, at = 0, 0
    while True:
        kind, yes, no, value = struct.unpack_from("<HBBI", code, 8 * at)
        at += 1
        if kind == 0x20:
            (register,) = struct.unpack_from("<I", data, value)
        elif kind == 0x54:
            register &= value
        elif kind == 0x15:
            at += yes if register == value else no
        elif kind == 0x35:
            at += yes if register >= value else no
        elif kind == 0x06:
            return int(value)
        else:
            raise AssertionError(f"an instruction of kind {kind:#x}")
