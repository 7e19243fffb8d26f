"""The file of an image: the memory of a layer, and behind it the few values that are no memory.

Takes and gives ``Image``. Memory comes first, so that it can be mapped as it is. Whoever reads one has checked a MAC over all of it, or has just
written it; the numbers are judged all the same, because they become addresses. Spec: layers Y-20 to Y-27.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from mpp.errors import HostFailed
from mpp.model.jsontext import Json
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import NUMERIC_KINDS
from mpp.stages.sandbox.types import GlobalValue, Image

IMAGE_VERSION = 1
"""Raised whenever an image is made or used in another way; part of its key."""

PAGE_BYTES = 64 * 1024
"""Bytes of one page of WebAssembly memory. Reason: the standard."""

_END_BYTES = 4


def no_image(what: str) -> HostFailed:
    """The file is none of ours."""
    return HostFailed("host.image", f"the image of a tool is unsound: {what}", hint="it is made anew with the next call; report this if it comes again")


def trailer(size: int, globals_: tuple[GlobalValue, ...], *, imported: bool, note: str) -> bytes:
    """What stands behind the memory."""
    rows: list[Json] = [[one.name, one.kind, f"{one.bits:x}"] for one in globals_]
    body = json.dumps({"size": size, "globals": rows, "imported": imported, "note": note}).encode()
    return body + len(body).to_bytes(_END_BYTES, "little")


def read_image(fd: int) -> Image:
    """The image in a sealed memory file."""
    whole = os.fstat(fd).st_size
    length = int.from_bytes(os.pread(fd, _END_BYTES, max(whole - _END_BYTES, 0)), "little")
    if whole < _END_BYTES or length > min(limits.IMAGE_TRAILER_BYTES_MAX, whole - _END_BYTES):
        raise no_image("its end")
    try:
        found = json.loads(os.pread(fd, length, whole - _END_BYTES - length))
    except (ValueError, RecursionError):
        raise no_image("its end is no JSON") from None
    if not isinstance(found, dict) or found.keys() != {"size", "globals", "imported", "note"}:
        raise no_image("its end says something else")
    size = judged_size(found["size"])
    if size != whole - _END_BYTES - length:
        raise no_image("its size")
    return Image(fd=fd, size=size, globals=read_globals(found["globals"]), imported=found["imported"] is True, note=str(found["note"]))


def judged_size(found: object) -> int:
    """Bytes of memory, which become a mapping."""
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= limits.IMAGE_BYTES_MAX or found % PAGE_BYTES:
        raise no_image("the size of its memory")
    return found


def read_globals(found: object) -> tuple[GlobalValue, ...]:
    """Names, kinds and bits; from a worker, or from a message of the host."""
    if not isinstance(found, list) or len(found) > limits.IMAGE_GLOBALS_MAX:
        raise no_image("its globals")
    out = tuple(map(_global, found))
    if len({one.name for one in out}) != len(out):
        raise no_image("a global twice")
    return out


def _global(row: object) -> GlobalValue:
    if not isinstance(row, list) or len(row) != 3:
        raise no_image("a global")
    name, kind, digits = row
    if not isinstance(name, str) or not isinstance(kind, int) or not isinstance(digits, str) or kind not in NUMERIC_KINDS:
        raise no_image("a global")
    room = NUMERIC_KINDS[kind]
    if not 0 < len(name.encode("utf-8", "replace")) <= limits.IMAGE_NAME_BYTES_MAX or not digits.isascii() or len(digits) > 2 * room or not digits.isalnum():
        raise no_image("a global")
    try:
        bits = int(digits, 16)
    except ValueError:
        raise no_image("a global") from None
    return GlobalValue(name=name, kind=kind, bits=bits)


def image_spec(image: Image) -> Mapping[str, Json]:
    """What a worker is told of an image, whose descriptor it gets beside it."""
    rows: list[Json] = [[one.name, one.kind, f"{one.bits:x}"] for one in image.globals]
    return {"size": image.size, "globals": rows}
