"""Answers: a document with its mark and how long it may be kept, or the bytes of a blob, whole or in part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mpp.errors import Refused
from mpp.model.jsonquick import compact
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp_registry.store.ports import Blobs

JSON = "application/json"
OCTETS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
PACKAGE = "application/vnd.mpp.package"

FRESH = "no-cache"
"""May be kept, and is asked about each time: what it says can change at once."""
SHORT = "max-age=30"
"""Proofs: each carries its own time, and a client refuses an old one."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""Named by its own hash, or never changed by the rules."""
NEVER = "no-store"
"""Of one asker alone."""

_RANGE = re.compile(r"bytes=(?:([0-9]{1,15})-([0-9]{0,15})|-([0-9]{1,15}))")


@value
class Blob:
    """A file of the storage, by the SHA-256 that is its strong mark."""

    sha256: str
    size: int
    name: str
    """Under which it is saved."""
    counted: Callable[[], None] | None = None
    """Called when it was sent whole."""


@value
class Sending:
    """How files go out."""

    blobs: Blobs
    pool: anyio.CapacityLimiter
    accel: str = ""
    """Under which address a server in front finds the folder of the blobs; empty: they are sent from here."""


@value
class Answer:
    status: int = 200
    data: bytes = b""
    media: str = JSON
    cache: str = FRESH
    headers: tuple[tuple[str, str], ...] = ()
    blob: Blob | None = None
    etag: str = ""
    """Empty: made of the bytes."""


def document(found: Json, *, status: int = 200, cache: str = FRESH, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=status, data=compact(found, decimals=False), cache=cache, headers=headers)


def for_asker(answer: Answer) -> Answer:
    """The same, for its asker alone. Attack: a cache between that gives one asker's answer to another."""
    return replace(answer, cache=NEVER if answer.blob is None else "private, max-age=31536000, immutable")


def response_of(answer: Answer, headers: Mapping[str, str], method: str, sending: Sending) -> Response:
    """What goes out; a condition of the asker may make it shorter."""
    more = dict(answer.headers)
    more["cache-control"] = answer.cache
    if answer.blob is not None:
        return _blob_response(answer.blob, answer, more, headers, method, sending)
    if answer.status == 200 and method in {"GET", "HEAD"} and answer.cache != NEVER:
        more["etag"] = f'"{answer.etag or sha256(answer.data).hexdigest()[:32]}"'
        if _is_known(headers.get("if-none-match"), more["etag"]):
            return Response(status_code=304, headers=more)
    # Starlette adds no length to 204, as it must.
    return Response(answer.data, answer.status, more, answer.media)


def _is_known(written: str | None, etag: str) -> bool:
    if written is None:
        return False
    return written.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in written.split(",")}


def _blob_response(blob: Blob, answer: Answer, more: dict[str, str], headers: Mapping[str, str], method: str, sending: Sending) -> Response:
    more["etag"] = f'"{blob.sha256}"'
    more["accept-ranges"] = "bytes"
    more["content-disposition"] = f'attachment; filename="{blob.name}"'
    if _is_known(headers.get("if-none-match"), more["etag"]):
        return Response(status_code=304, headers=more)
    place = sending.blobs.path(blob.sha256) if sending.accel else None
    if place is not None:
        # The server in front looks at conditions and parts by itself.
        if method == "GET" and blob.counted is not None and "range" not in headers:
            blob.counted()
        more["x-accel-redirect"] = sending.accel + "/".join(place.rsplit("/", 3)[1:])
        return Response(b"", 200, more, answer.media)
    begin, end = 0, blob.size
    part = _part(headers, more["etag"], blob.size)
    if part is not None:
        begin, end = part
        more["content-range"] = f"bytes {begin}-{end - 1}/{blob.size}"
    more["content-length"] = str(end - begin)
    response = BlobResponse(blob, begin, end, 200 if part is None else 206, more, answer.media, sending)
    if method == "GET":
        response.begin()
    return response


def _part(headers: Mapping[str, str], etag: str, size: int) -> tuple[int, int] | None:
    """RFC 9110 section 14: one part. Several, or what is no such header, mean the whole. Attack: a thousand small parts that overlap."""
    written, condition = headers.get("range"), headers.get("if-range")
    found = _RANGE.fullmatch(written.replace(" ", "")) if written is not None else None
    # A strong mark only: a part of another file would be put behind ours.
    if found is None or (condition is not None and condition.strip() != etag):
        return None
    first, last, suffix = found.groups()
    begin, end = (max(size - int(suffix), 0), size) if suffix else (int(first), min(int(last) + 1, size) if last else size)
    if last and int(last) < int(first):
        return None
    if begin >= size or begin >= end:
        raise Refused("registry.unsatisfiable", f"the file has {size} bytes", where="range", hint="begin at 0, or ask for the whole")
    return begin, end


class BlobResponse(Response):
    """Bytes of a blob, read in threads of their own and sent as fast as their reader takes them."""

    def __init__(self, blob: Blob, begin: int, end: int, status: int, headers: Mapping[str, str], media: str, sending: Sending) -> None:
        super().__init__(None, status, headers, media)
        self._blob, self._begin, self._end, self._sending = blob, begin, end, sending
        self._pieces: Iterator[bytes] = iter(())
        self._first = b""

    def begin(self) -> None:
        """Read the first piece, in the thread of the endpoint: most files have no other, and a blob that cannot be read is still a refusal."""
        self._pieces = self._sending.blobs.read(self._blob.sha256, self._begin, self._end)
        self._first = next(self._pieces, b"")

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        piece, sent = self._first, 0
        while True:
            sent += len(piece)
            # A blob that ends too early leaves its connection unfinished: its reader sees that something is missing.
            await send({"type": "http.response.body", "body": piece, "more_body": sent < self._end - self._begin})
            if not piece or sent >= self._end - self._begin:
                break
            piece = await anyio.to_thread.run_sync(next, self._pieces, b"", limiter=self._sending.pool)
        if (self._begin, self._end) == (0, self._blob.size) and self._blob.counted is not None:
            self._blob.counted()
