"""Just enough PNG to make a small picture of a large one: eight bits a channel, no interlacing. Pure Python, for the sandbox."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MAGIC = b"\x89PNG\r\n\x1a\n"

PIXELS_MAX = 4_000_000
"""Pixels of a picture. Reason: bounds memory (4 bytes each, twice) and time in the sandbox."""

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels of a pixel by the colour type of the file."""


class BadPicture(Exception):
    """The bytes are no PNG of a kind that is read here."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of red, green, blue and alpha, one byte each."""

    width: int
    height: int
    rgba: bytes


@dataclass(frozen=True, slots=True)
class _Head:
    width: int
    height: int
    kind: int


def read(data: bytes) -> Picture:
    """Attack: a picture that says it is small and inflates to gigabytes, or has another size than its rows."""
    head, palette, packed = _chunks(data)
    channels = CHANNELS[head.kind]
    stride = head.width * channels
    size = (stride + 1) * head.height
    unpacked = zlib.decompressobj()
    try:
        rows = unpacked.decompress(packed, size + 1)
    except zlib.error as fault:
        raise BadPicture(f"the pixels cannot be inflated: {fault}") from None
    if len(rows) != size:
        raise BadPicture(f"{len(rows)} bytes of pixels where {size} belong")
    return Picture(head.width, head.height, _as_rgba(_unfiltered(rows, head.height, stride, channels), head.kind, palette))


def _chunks(data: bytes) -> tuple[_Head, dict[int, bytes], bytes]:
    if not data.startswith(MAGIC):
        raise BadPicture("it does not begin like a PNG")
    at, head, packed = len(MAGIC), None, []
    colours: dict[int, bytes] = {}
    while at + 12 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        at += 12 + size
        if name == b"IHDR":
            head = _head(body)
        elif name == b"PLTE":
            colours = {number: body[3 * number : 3 * number + 3] + b"\xff" for number in range(len(body) // 3)}
        elif name == b"tRNS" and colours:
            colours.update({number: colours[number][:3] + bytes([alpha]) for number, alpha in enumerate(body) if number in colours})
        elif name == b"IDAT":
            packed.append(body)
        elif name == b"IEND":
            break
    if head is None or not packed:
        raise BadPicture("a part is missing")
    return head, colours, b"".join(packed)


def _head(body: bytes) -> _Head:
    if len(body) != 13:
        raise BadPicture("the head has another length")
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", body)
    if depth != 8 or kind not in CHANNELS or interlaced:
        raise BadPicture("only eight bits a channel, without interlacing, are read")
    if not 0 < width * height <= PIXELS_MAX:
        raise BadPicture(f"{width} x {height} pixels; at most {PIXELS_MAX} in all")
    return _Head(width, height, kind)


def _unfiltered(rows: bytes, height: int, stride: int, step: int) -> bytes:
    """Undo what a writer did to each row so that it packs well."""
    above = bytearray(stride)
    out = bytearray()
    for number in range(height):
        at = number * (stride + 1)
        row = bytearray(rows[at + 1 : at + 1 + stride])
        _undo(rows[at], row, above, step)
        out += row
        above = row
    return bytes(out)


def _undo(kind: int, row: bytearray, above: bytearray, step: int) -> None:
    if kind == 0:
        return
    if kind > 4:
        raise BadPicture(f"a row has the unknown filter {kind}")
    for at in range(len(row)):
        left = row[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        guess = (left, above[at], (left + above[at]) // 2, paeth(left, above[at], corner))[kind - 1]
        row[at] = (row[at] + guess) & 255


def paeth(left: int, up: int, corner: int) -> int:
    """Of the three neighbours the one nearest to left + up - corner."""
    whole = left + up - corner
    by_left, by_up, by_corner = abs(whole - left), abs(whole - up), abs(whole - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def _as_rgba(raw: bytes, kind: int, palette: dict[int, bytes]) -> bytes:
    if kind == 6:
        return raw
    if kind == 2:
        return b"".join(raw[at : at + 3] + b"\xff" for at in range(0, len(raw), 3))
    if kind == 0:
        return b"".join(bytes((grey, grey, grey, 255)) for grey in raw)
    if kind == 4:
        return b"".join(bytes((raw[at], raw[at], raw[at], raw[at + 1])) for at in range(0, len(raw), 2))
    try:
        return b"".join(palette[number] for number in raw)
    except KeyError:
        raise BadPicture("a pixel names a colour that is not there") from None


def shrink(picture: Picture, side: int) -> Picture:
    """Both sides at most ``side``; each new pixel is the mean of those it stands for. A small picture stays as it is."""
    longest = max(picture.width, picture.height)
    if longest <= side:
        return picture
    width, height = (max(1, one * side // longest) for one in (picture.width, picture.height))
    columns = [(x * picture.width // width, (x + 1) * picture.width // width) for x in range(width)]
    out = bytearray()
    for y in range(height):
        top, bottom = y * picture.height // height, (y + 1) * picture.height // height
        lines = [picture.rgba[4 * row * picture.width : 4 * (row + 1) * picture.width] for row in range(top, bottom)]
        for start, end in columns:
            area = (end - start) * len(lines)
            out += bytes(sum(sum(line[4 * start + channel : 4 * end : 4]) for line in lines) // area for channel in range(4))
    return Picture(width, height, bytes(out))


def write(picture: Picture) -> bytes:
    """A PNG of the picture: the same bytes for the same pixels."""
    stride = 4 * picture.width
    rows = b"".join(b"\0" + picture.rgba[at : at + stride] for at in range(0, len(picture.rgba), stride))
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 6, 0, 0, 0)
    return MAGIC + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
