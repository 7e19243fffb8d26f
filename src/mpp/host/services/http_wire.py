"""HTTP/1.1 as we speak it: one request written, one answer read strictly and within limits.

Whatever two readers could understand in two ways is a protocol error: then nobody can slip a second answer into a connection.
"""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple, Protocol

from mpp.host.services.http_limits import CHUNK_LINE_MAX, CHUNKS_MAX, INTERIM_MAX, RESPONSE_HEAD_MAX, RESPONSE_HEADERS_MAX
from mpp.host.services.http_line import Patience
from mpp.host.services.http_rules import WITHOUT_BODY
from mpp.host.services.http_types import Headers, Hop, Stopped

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t -~\x80-\xff]*)?")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[\t ]*([\t -~\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[\t ]*(?:;[\t -~\x80-\xff]*)?")
_BODYLESS = frozenset((204, 304))


class Source(Protocol):
    """What bytes come from."""

    def receive(self, patience: Patience) -> bytes: ...


class StaleError(Exception):
    """The connection ended before the first byte of an answer."""


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes
    reusable: bool
    """Whether another request may follow on the connection."""


def request_bytes(hop: Hop, secrets: Headers) -> bytes:
    """The request as it is sent. Everything in it was judged before."""
    set_by_guest = {name.lower() for name, _ in hop.headers}
    ours = [("Host", hop.target.authority)]
    if "user-agent" not in set_by_guest:
        ours.append(("User-Agent", "mpp"))
    if "accept" not in set_by_guest:
        ours.append(("Accept", "*/*"))
    # A part of a compressed body cannot be inflated.
    ours.append(("Accept-Encoding", "identity" if "range" in set_by_guest else "gzip, deflate"))
    length = [] if hop.method in WITHOUT_BODY or (not hop.body and hop.method in {"DELETE", "OPTIONS"}) else [("Content-Length", str(len(hop.body)))]
    lines = [f"{hop.method} {hop.target.path} HTTP/1.1", *(f"{name}: {text}" for name, text in (*ours, *hop.headers, *secrets, *length))]
    head = "\r\n".join(lines)
    # Attack: a line end that came past every check would be a second request. Counted once more where it would matter.
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or not head.isascii():
        raise Stopped("bad_request", "the request cannot be written")
    return head.encode("ascii") + b"\r\n\r\n" + hop.body


class Reader:
    """Lines and counted bytes from a source, never more than asked for in memory."""

    def __init__(self, source: Source, patience: Patience) -> None:
        self._source, self._patience = source, patience
        self._held = bytearray()
        self.began = False

    @property
    def is_empty(self) -> bool:
        return not self._held

    def more(self) -> bool:
        """Read on; False at the end."""
        try:
            piece = self._source.receive(self._patience)
        except OSError as fault:
            if not self.began:
                raise StaleError from None
            word = "TLS stream" if isinstance(fault, ssl.SSLError) else "connection"
            raise Stopped("protocol", f"the {word} broke off within the answer") from None
        self.began = self.began or bool(piece)
        self._held += piece
        return bool(piece)

    def line(self, most: int) -> bytes:
        """The next line of ``most`` bytes without its end, which is CR LF and nothing else."""
        start = 0
        while (at := self._held.find(b"\n", start)) < 0:
            start = len(self._held)
            if start > most + 1:
                break
            self._need()
        if at < 0 or at > most + 1:
            raise Stopped("protocol", "the server sent a line that is too long")
        found = bytes(self._held[:at])
        del self._held[: at + 1]
        if not found.endswith(b"\r") or b"\r" in found[:-1]:
            raise Stopped("protocol", "the server ended a line with something else than CR LF")
        return found[:-1]

    def exactly(self, count: int) -> bytes:
        while len(self._held) < count:
            self._need()
        found = bytes(memoryview(self._held)[:count])
        del self._held[:count]
        return found

    def rest(self, most: int) -> bytes:
        """Everything until the end."""
        while len(self._held) <= most and self.more():
            pass
        if len(self._held) > most:
            raise _too_large(most)
        return self.exactly(len(self._held))

    def _need(self) -> None:
        if not self.more():
            if not self.began:
                raise StaleError
            raise Stopped("protocol", "the server closed the connection within the answer")


def _too_large(most: int) -> Stopped:
    return Stopped("too_large", f"the answer has more than {most} bytes")


def read_answer(source: Source, method: str, most: int, patience: Patience) -> Answer:
    """The final answer to ``method``, its body still compressed."""
    reader = Reader(source, patience)
    for _ in range(INTERIM_MAX + 1):
        version, status, headers = _read_head(reader)
        if status == 101:
            raise Stopped("protocol", "the server changed the protocol unasked")
        if status >= 200:
            break
    else:
        raise Stopped("protocol", f"the server sent more than {INTERIM_MAX} interim answers")
    body, ended = _read_body(reader, version, status, headers, method, most)
    closing = "close" in _words(headers, "connection") or version == 0
    # Attack: bytes after the answer would be taken for the answer to the next request.
    return Answer(status, headers, body, ended and not closing and reader.is_empty)


def _read_head(reader: Reader) -> tuple[int, int, Headers]:
    first = reader.line(RESPONSE_HEAD_MAX)
    match = _STATUS.fullmatch(first)
    if match is None:
        raise Stopped("protocol", "the server did not answer with HTTP/1.1")
    return int(match[1]), int(match[2]), _read_fields(reader, RESPONSE_HEAD_MAX - len(first))


def _read_fields(reader: Reader, left: int) -> Headers:
    found: list[tuple[str, str]] = []
    while (line := reader.line(max(left, 0))) != b"":
        left -= len(line) + 2
        match = _FIELD.fullmatch(line)
        if match is None or len(found) >= RESPONSE_HEADERS_MAX or left < 0:
            raise Stopped("protocol", "the server sent a header that is malformed, or too many of them")
        found.append((match[1].decode("latin-1"), match[2].decode("latin-1").rstrip("\t ")))
    return tuple(found)


def _values(headers: Headers, wanted: str) -> list[str]:
    return [text for name, text in headers if name.lower() == wanted]


def _words(headers: Headers, wanted: str) -> set[str]:
    return {word.strip("\t ").lower() for text in _values(headers, wanted) for word in text.split(",")}


def _read_body(reader: Reader, version: int, status: int, headers: Headers, method: str, most: int) -> tuple[bytes, bool]:
    """The body, and whether its end was sure."""
    coded, lengths = _values(headers, "transfer-encoding"), _values(headers, "content-length")
    if (coded and (lengths or version == 0 or len(coded) > 1 or coded[0].lower() != "chunked")) or len(lengths) > 1:
        raise Stopped("protocol", "the server gave the length of its answer in two ways, or in one that is not known")
    if lengths and _LENGTH.fullmatch(lengths[0]) is None:
        raise Stopped("protocol", "the length of the answer is not a number")
    if method == "HEAD" or status in _BODYLESS:
        return b"", True
    if coded:
        return _read_chunks(reader, most), True
    if not lengths:
        return reader.rest(most), False
    if int(lengths[0]) > most:
        raise _too_large(most)
    return reader.exactly(int(lengths[0])), True


def _read_chunks(reader: Reader, most: int) -> bytes:
    body = bytearray()
    for _ in range(CHUNKS_MAX):
        match = _CHUNK.fullmatch(reader.line(CHUNK_LINE_MAX))
        if match is None:
            raise Stopped("protocol", "the server sent a malformed chunk")
        size = int(match[1], 16)
        if size == 0:
            _read_fields(reader, RESPONSE_HEAD_MAX)  # a trailer says nothing that we believe
            return bytes(body)
        if len(body) + size > most:
            raise _too_large(most)
        body += reader.exactly(size)
        if reader.line(0) != b"":
            raise Stopped("protocol", "the server sent a chunk of another length than it said")
    raise Stopped("protocol", f"the server sent more than {CHUNKS_MAX} chunks")
