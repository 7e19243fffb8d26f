"""Deflate streams written by hand: the same bytes everywhere, whichever library is installed."""

from __future__ import annotations

import struct


def stored_block(plain: bytes) -> bytes:
    """A stream of one block without compression; at most 65,535 bytes."""
    return b"\1" + struct.pack("<HH", len(plain), len(plain) ^ 0xFFFF) + plain


class _Bits:
    """Bits, the lowest of each byte first."""

    def __init__(self) -> None:
        self.number = self.count = 0

    def put(self, value: int, width: int) -> None:
        self.number |= value << self.count
        self.count += width

    def code(self, value: int, width: int) -> None:
        """A Huffman code, whose highest bit comes first."""
        self.put(int(f"{value:0{width}b}"[::-1], 2), width)

    def bytes(self) -> bytes:
        return self.number.to_bytes((self.count + 7) // 8, "little")


def zeros(repeats: int) -> bytes:
    """A stream of fixed codes for 1 + 258 x ``repeats`` zero bytes: a literal, then copies of length 258 from one byte back."""
    bits = _Bits()
    bits.put(1, 1)  # the last block
    bits.put(1, 2)  # fixed codes
    bits.code(0x30, 8)  # literal 0
    for _ in range(repeats):
        bits.code(0xC5, 8)  # length 258
        bits.code(0, 5)  # distance 1
    bits.code(0, 7)  # end of the block
    return bits.bytes()


def _bomb(repeats: int) -> bytes:
    """The same with codes of its own, of one or two bits for what repeats: it grows about 1,000 times.

    Used are literal 0 (two bits), the end (two bits), length 258 (one bit) and distance 1 (one bit).
    """
    bits = _Bits()
    bits.put(1, 1)
    bits.put(2, 2)  # codes follow
    bits.put(286 - 257, 5)
    bits.put(0, 5)  # one distance code
    bits.put(18 - 4, 4)
    # Code length codes, in the order of the format: 18 has one bit; 1 and 2 have two bits.
    for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1):
        bits.put({18: 1, 1: 2, 2: 2}.get(symbol, 0), 3)
    one, two, run = (0b10, 2), (0b11, 2), (0b0, 1)
    bits.code(*two)  # literal 0
    for length in (138, 117):  # literals 1 to 255 are not used
        bits.code(*run)
        bits.put(length - 11, 7)
    bits.code(*two)  # 256, the end
    bits.code(*run)
    bits.put(28 - 11, 7)  # 257 to 284 are not used
    bits.code(*one)  # 285, length 258
    bits.code(*one)  # distance 1
    bits.code(0b10, 2)
    for _ in range(repeats):
        bits.code(0, 1)
        bits.code(0, 1)
    bits.code(0b11, 2)
    return bits.bytes()


BOMB_REPEATS = 4000
BOMB = _bomb(BOMB_REPEATS)
BOMB_PLAIN = bytes(1 + 258 * BOMB_REPEATS)
