"""Small pictures of large ones: reads a PNG from the folder that was granted, and answers with a picture that fits."""

from __future__ import annotations

import os
from typing import Annotated

import png

from mpp_sdk import Description, Image, Length, Range, Structured, tool, ToolError

FOLDER = "/pictures"
"""Where the pictures are, as the guest sees it; the manifest asks to read it."""

FILE_BYTES_MAX = 8_000_000
"""Bytes of a file. Reason: as many as the largest picture that is read has, packed badly."""


@tool(title="Thumbnail", security_level="low")
def thumbnail(
    path: Annotated[str, Description("File below the pictures folder, such as trip/harbour.png"), Length(1, 200)],
    side: Annotated[int, Description("Pixels of the longer side"), Range(16, 256)] = 96,
) -> Structured:
    """Make a small PNG of a picture."""
    picture = _read(path)
    small = png.shrink(picture, side)
    data = png.write(small)
    return Structured({"width": small.width, "height": small.height, "bytes": len(data)}, [Image(data), f"{path}: {small.width} x {small.height}"])


@tool(title="Size of a picture", security_level="low")
def size(path: Annotated[str, Description("File below the pictures folder"), Length(1, 200)]) -> dict[str, int]:
    """Say how many pixels a picture has."""
    picture = _read(path)
    return {"width": picture.width, "height": picture.height}


def _read(path: str) -> png.Picture:
    try:
        with open(os.path.join(FOLDER, path), "rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as fault:
        # The sandbox shows nothing but the granted folder; what lies elsewhere does not exist here.
        raise ToolError(f"{path} cannot be read: {fault.strerror}") from None
    if len(data) > FILE_BYTES_MAX:
        raise ToolError(f"{path} has more than {FILE_BYTES_MAX} bytes")
    try:
        return png.read(data)
    except png.BadPicture as fault:
        raise ToolError(f"{path} is no picture that is read here: {fault}") from None
