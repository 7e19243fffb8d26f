"""Text out of compressed bytes: zlib, gzip, bzip2, xz, and the files of a zip archive. One level of it: an archive within an archive stays closed.

Spec: 6-privacy F-16.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator

from mpp.stages.privacy.views.astext import as_text, BETWEEN_RUNS
from mpp.stages.privacy.views.limits import HEAD_BYTES, INFLATED_BYTES_MAX, INFLATED_RATIO_MAX, XZ_MEMORY_MAX
from mpp.stages.privacy.views.view import too_much

_GZIP, _ZLIB, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"\x78", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"
_ENTRY_BYTES = 30
"""Bytes of the head of a file in a zip archive, up to its name. APPNOTE.TXT section 4.3.7."""
_DEFLATED = 8


def is_packed(raw: bytes) -> bool:
    return raw.startswith((_GZIP, _ZLIB, _BZIP2, _XZ, _ZIP))


def unpacked(raw: bytes) -> str | None:
    """The text in compressed bytes; None where they hold none.

    Attack: a token of a kilobyte that unpacks to a gigabyte. No more is unpacked than is allowed, and a text that is larger is not read at all but withheld.
    """
    most = min(INFLATED_BYTES_MAX, INFLATED_RATIO_MAX * len(raw))
    if raw.startswith(_ZIP):
        return BETWEEN_RUNS.join(_files(raw, most)) or None
    try:
        out = _inflated(raw, most + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as fault:
        if "limit" in str(fault):
            raise too_much("a compressed text asks for too much memory") from None
        return None
    return _text(out, most)


def _inflated(raw: bytes, most: int) -> bytes:
    if raw.startswith(_BZIP2):
        return bz2.BZ2Decompressor().decompress(raw, most)
    if raw.startswith(_XZ):
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY_MAX).decompress(raw, most)
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(raw, most)


def _text(out: bytes, most: int) -> str | None:
    text = as_text(out)
    if text is not None and len(out) > most:
        raise too_much("a compressed text is too large")
    return text


def _files(raw: bytes, most: int) -> Iterator[str]:
    """The names and texts of the files, in order. The list at the end of an archive is not believed: it may name others than are there."""
    at = 0
    while at >= 0 and len(raw) >= at + _ENTRY_BYTES:
        method, named, more = (int.from_bytes(raw[at + first : at + first + 2], "little") for first in (8, 26, 28))
        begin = at + _ENTRY_BYTES + named
        yield raw[at + _ENTRY_BYTES : begin].decode("utf-8", "replace")
        begin += more
        after = raw.find(_ZIP, begin)
        out = _file(raw[begin : after if after >= 0 else len(raw)], method, most + 1)
        text = _text(out, most)
        if text is not None:
            most -= len(out)
            yield text
        at = after


def _file(packed: bytes, method: int, most: int) -> bytes:
    """One file. What is no text is known by its beginning, and no more of it is unpacked. Attack: thousands of files, each of which unpacks to a megabyte of noughts."""
    if method != _DEFLATED:
        return packed[:most]
    engine = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        head = engine.decompress(packed, HEAD_BYTES)
        return head if as_text(head) is None else head + engine.decompress(engine.unconsumed_tail, most)
    except zlib.error:
        return b""
