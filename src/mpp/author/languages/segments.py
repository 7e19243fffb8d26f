"""Joins the data segments of a module: the linker of Go leaves out every short run of zeros, which makes tens of thousands of them.

A gatekeeper takes no module with so many (wasm.limit), and an engine copies each by itself. Memory begins as zeros, so a gap that is
filled with zeros changes nothing. Only what is certainly so is touched: segments of one memory at fixed addresses, in their order.
"""

from __future__ import annotations

from mpp.errors import HostFailed

GAP_BYTES_MAX = 64
"""Bytes of zeros that join two segments. Reason: a segment of its own costs about ten bytes, and deflate makes one of sixty zeros."""

_DATA, _DATA_COUNT = 11, 12
_HEAD = 8
_I32_CONST, _END = 0x41, 0x0B
_BROKEN = HostFailed("host.compiler_failed", "the compiler wrote a module that cannot be read", hint="install the compiler again")


class _Cursor:
    """Reads a module from its own compiler; what does not fit is a broken compiler."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        if self.at >= len(self.data):
            raise _BROKEN
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self) -> int:
        found = shift = 0
        while True:
            part = self.byte()
            found |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80:
                return found

    def signed(self) -> int:
        found = shift = 0
        while True:
            part = self.byte()
            found |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80:
                return found - (1 << shift) if part & 0x40 else found

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise _BROKEN
        self.at += size
        return self.data[self.at - size : self.at]


def joined(module: bytes) -> bytes:
    """The same module with fewer data segments."""
    cursor = _Cursor(module, _HEAD)
    sections: list[tuple[int, bytes]] = []
    while cursor.at < len(module):
        number = cursor.byte()
        sections.append((number, cursor.take(cursor.unsigned())))
    segments = next((_segments(body) for number, body in sections if number == _DATA), None)
    # A count of segments means that code may name one by its number.
    if segments is None or any(number == _DATA_COUNT for number, _ in sections):
        return module
    body = _written(_joined(segments))
    made = bytearray(module[:_HEAD])
    for number, found in sections:
        kept = body if number == _DATA else found
        made += bytes((number,)) + _leb(len(kept)) + kept
    return bytes(made)


def _segments(body: bytes) -> list[tuple[int, bytes]] | None:
    """Address and bytes of each segment; None if one is of another kind."""
    cursor = _Cursor(body)
    found: list[tuple[int, bytes]] = []
    for _ in range(cursor.unsigned()):
        if cursor.unsigned() != 0 or cursor.byte() != _I32_CONST:
            return None
        address = cursor.signed() & 0xFFFFFFFF
        if cursor.byte() != _END:
            return None
        found.append((address, cursor.take(cursor.unsigned())))
    return found


def _joined(segments: list[tuple[int, bytes]]) -> list[tuple[int, bytearray]]:
    made: list[tuple[int, bytearray]] = []
    for address, data in segments:
        gap = address - (made[-1][0] + len(made[-1][1])) if made else -1
        if 0 <= gap <= GAP_BYTES_MAX:
            made[-1][1].extend(bytes(gap) + data)
        else:
            made.append((address, bytearray(data)))
    return made


def _written(segments: list[tuple[int, bytearray]]) -> bytes:
    out = bytearray(_leb(len(segments)))
    for address, data in segments:
        out += b"\0\x41" + _signed_leb(address) + b"\x0b" + _leb(len(data)) + data
    return bytes(out)


def _leb(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _signed_leb(number: int) -> bytes:
    """An address as the signed number that ``i32.const`` takes, in its shortest form."""
    left = number - (1 << 32) if number >= 1 << 31 else number
    out = bytearray()
    while not -64 <= left < 64:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left & 0x7F)
    return bytes(out)
