"""Draws a picture."""

import struct
import zlib

from mcp.server.fastmcp import FastMCP, Image

mcp = FastMCP("chart")


def png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 0)) + chunk(b"IEND", b"")


@mcp.tool()
def bars(values: list[int]) -> Image:
    """Draw bars, one for each value from 0 to 20"""
    pixels = bytes(0 if 20 - row <= value else 255 for row in range(20) for value in values for _ in range(4))
    return Image(data=png(4 * len(values), 20, pixels), format="png")


@mcp.tool()
def bars_with_text(values: list[int]) -> list:
    """Draw bars, and say what is in them"""
    return [f"{len(values)} values, the largest is {max(values)}", bars(values)]


if __name__ == "__main__":
    mcp.run()
