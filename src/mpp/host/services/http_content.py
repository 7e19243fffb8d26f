"""What is in an answer: inflated within limits, and without the headers that spoke of the connection."""

from __future__ import annotations

import re
import zlib

from mpp.host.services.http_limits import MEMBERS_MAX, RATIO_FREE_MAX, RATIO_MAX
from mpp.host.services.http_types import Headers, Stopped

_HOP = re.compile(r"connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|alt-svc|content-length|content-encoding", re.IGNORECASE)
_WRONG = "the compressed answer is damaged"
_FORMATS = {"gzip": (16 + zlib.MAX_WBITS,), "x-gzip": (16 + zlib.MAX_WBITS,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}
"""Window bits to try. What is called deflate comes with the frame of zlib, or bare."""


def open_body(headers: Headers, body: bytes, most: int) -> bytes:
    """The body, inflated if it says so. An encoding that we did not ask for could not be searched for secrets."""
    codings = [text.strip("\t ").lower() for name, text in headers if name.lower() == "content-encoding"]
    codings = [one for one in codings if one not in {"", "identity"}]
    if not codings or not body:
        return body
    if len(codings) > 1 or codings[0] not in _FORMATS:
        raise Stopped("protocol", "the answer has an encoding that was not asked for")
    # Attack: a kilobyte that inflates to gigabytes.
    allowed = min(most, max(RATIO_FREE_MAX, RATIO_MAX * len(body)))
    bits = _FORMATS[codings[0]]
    if len(bits) > 1 and not _has_zlib_frame(body):
        bits = bits[1:]
    return _inflate(body, bits[0], allowed)


def _has_zlib_frame(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0


def _inflate(body: bytes, bits: int, most: int) -> bytes:
    out = bytearray()
    for _ in range(MEMBERS_MAX):
        decoder = zlib.decompressobj(bits)
        try:
            out += decoder.decompress(body, most - len(out) + 1)
        except zlib.error:
            raise Stopped("protocol", _WRONG) from None
        if len(out) > most:
            raise Stopped("too_large", f"the answer inflates to more than {most} bytes")
        if not decoder.eof:
            break
        body = decoder.unused_data
        if not body:
            return bytes(out)
        if bits <= zlib.MAX_WBITS:
            break  # only gzip may have several members
    raise Stopped("protocol", _WRONG)


def guest_headers(headers: Headers) -> Headers:
    """The headers that a guest may see: those of the message, not those of the connection. Set-Cookie stays; no cookie is kept by us."""
    named = {word.strip("\t ").lower() for name, text in headers if name.lower() == "connection" for word in text.split(",")}
    return tuple((name, text) for name, text in headers if _HOP.fullmatch(name) is None and name.lower() not in named)
