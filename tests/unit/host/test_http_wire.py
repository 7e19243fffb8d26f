"""Requests as they are written, answers as they are read: whole, byte by byte, cut anywhere, and wrong in every way."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from mpp.host.services import http_wire
from mpp.host.services.http_content import guest_headers, open_body
from mpp.host.services.http_limits import CHUNKS_MAX, INTERIM_MAX, RATIO_FREE_MAX, RESPONSE_HEADERS_MAX
from mpp.host.services.http_line import Patience
from mpp.host.services.http_types import Hop, Stopped, Target
from mpp.host.services.http_wire import StaleError, read_answer, request_bytes
from mpp.limits import MIB

MOST = 4096
TARGET = Target(scheme="https", host="api.example.com", port=443, path="/a?b=c")


class Script:
    """Bytes in pieces, then the end or a fault."""

    def __init__(self, data: bytes, size: int = 1 << 20, fault: OSError | None = None) -> None:
        self.pieces = [data[at : at + size] for at in range(0, len(data), size)]
        self.fault = fault

    def receive(self, patience: Patience) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.fault:
            raise self.fault
        return b""


def read(data: bytes, method: str = "GET", size: int = 1 << 20, most: int = MOST, fault: OSError | None = None):
    return read_answer(Script(data, size, fault), method, most, Patience(time.monotonic() + 5))


def hop(method: str = "GET", headers=(), body: bytes = b"") -> Hop:
    return Hop(key="k", target=TARGET, method=method, headers=headers, body=body, private=False, secrets=(), remaining_ms=1000)


GOOD = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nhi", 200, (("Content-Length", "2"), ("X", "y")), b"hi", True),
    (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, (("Content-Length", "0"),), b"", True),
    (b"HTTP/1.1 200 \r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 200, (("Connection", "close"), ("Content-Length", "2")), b"hi", False),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, (("Content-Length", "2"),), b"hi", False),
    (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, (), b"until the end", False),
    (b"HTTP/1.1 204 No\r\n\r\n", 204, (), b"", True),
    (b"HTTP/1.1 304 Not\r\nContent-Length: 7\r\n\r\n", 304, (("Content-Length", "7"),), b"", True),
    (b"HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", 404, (("Content-Length", "0"),), b"", True),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n003;x=y\r\nyou\r\n0\r\nTrailer: x\r\n\r\n", 200, (("Transfer-Encoding", "chunked"),), b"hiyou", True),
    (b"HTTP/1.1 200 \xe4\xf6\r\nX:\t a\tb \r\nY: \xfc\r\nZ:\r\nContent-Length: 1\r\n\r\nx", 200, (("X", "a\tb"), ("Y", "ü"), ("Z", ""), ("Content-Length", "1")), b"x", True),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize("case", GOOD, ids=range(len(GOOD)))
def test_an_answer_is_read_whole_or_byte_by_byte(case, size):
    data, *wanted = case
    assert list(read(data, size=size)) == wanted


@pytest.mark.parametrize("case", [case for case in GOOD if case[4]], ids=str)
def test_bytes_after_the_answer_end_the_connection(case):
    assert read(case[0] + b"HTTP/1.1 200 OK\r\n\r\n").reusable is False


@pytest.mark.parametrize("case", [case for case in GOOD if case[4]], ids=str)
def test_an_answer_that_is_cut_anywhere_is_none(case):
    for at in range(1, len(case[0])):
        with pytest.raises(Stopped) as caught:
            read(case[0][:at])
        assert caught.value.code == "protocol"


def test_an_answer_to_head_has_no_body():
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "HEAD").body == b""


def test_the_end_before_the_first_byte_is_told_apart():
    with pytest.raises(StaleError):
        read(b"")
    with pytest.raises(StaleError):
        read(b"", fault=ConnectionResetError())
    with pytest.raises(Stopped) as caught:
        read(b"HTTP/1.1 200 OK\r\n\r\nhalf", fault=ConnectionResetError())
    assert caught.value.code == "protocol"


def fields(count: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * count + b"Content-Length: 0\r\n\r\n"


BAD = {
    "no http": b"SSH-2.0-x\r\n\r\n", "other version": b"HTTP/2 200 OK\r\n\r\n", "old version": b"HTTP/0.9 200 OK\r\n\r\n", "lower case": b"http/1.1 200 OK\r\n\r\n",
    "short status": b"HTTP/1.1 20 OK\r\n\r\n", "long status": b"HTTP/1.1 2000 OK\r\n\r\n", "high status": b"HTTP/1.1 600 OK\r\n\r\n", "zero status": b"HTTP/1.1 000 OK\r\n\r\n",
    "space before": b" HTTP/1.1 200 OK\r\n\r\n", "two spaces": b"HTTP/1.1  200 OK\r\n\r\n", "empty first line": b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    "control in reason": b"HTTP/1.1 200 \x00\r\n\r\n", "bare lf": b"HTTP/1.1 200 OK\n\n", "bare lf in headers": b"HTTP/1.1 200 OK\r\nX: y\nZ: w\r\n\r\n",
    "cr in a value": b"HTTP/1.1 200 OK\r\nX: y\rZ: w\r\n\r\n", "folded": b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", "no colon": b"HTTP/1.1 200 OK\r\nXy\r\n\r\n",
    "space before colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", "empty name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", "nul": b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "same length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", "signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", "hex length": b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi", "no length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi",
    "underscored length": b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n1234567890", "huge length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "gzip as transfer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "identity": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunked in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "xchunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "switch": b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n",
    "too many headers": fields(RESPONSE_HEADERS_MAX), "long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "long first line": b"HTTP/1.1 200 " + b"y" * 70_000 + b"\r\n\r\n",
    "endless line": b"HTTP/1.1 200 " + b"y" * 200_000, "many long headers": b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 100 + b"\r\n",
    "interim for ever": b"HTTP/1.1 102 Busy\r\n\r\n" * (INTERIM_MAX + 1) + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}  # fmt: skip
CHUNKS = {
    "no size": b"\r\nhi\r\n0\r\n\r\n", "bad size": b"g\r\nhi\r\n0\r\n\r\n", "0x size": b"0x2\r\nhi\r\n0\r\n\r\n", "signed size": b"+2\r\nhi\r\n0\r\n\r\n", "negative": b"-2\r\nhi\r\n0\r\n\r\n",
    "size lies short": b"1\r\nhi\r\n0\r\n\r\n", "size lies long": b"3\r\nhi\r\n0\r\n\r\n", "huge size": b"fffffffff\r\nhi\r\n", "no end": b"2\r\nhi\r\n", "bare lf": b"2\nhi\n0\n\n", "lf after": b"2\r\nhi\n0\r\n\r\n",
    "long extension": b"2;" + b"x" * 300 + b"\r\nhi\r\n0\r\n\r\n", "control in extension": b"2;\0\r\nhi\r\n0\r\n\r\n", "bad trailer": b"0\r\nno trailer\r\n\r\n", "long trailer": b"0\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    "space in size": b"2 0\r\nhi\r\n0\r\n\r\n", "underscore": b"1_0\r\nhi\r\n",
}  # fmt: skip


@pytest.mark.parametrize("size", [1 << 20, 7])
@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_can_be_read_in_two_ways_is_a_protocol_error(data, size):
    with pytest.raises(Stopped) as caught:
        read(data, size=size)
    assert caught.value.code == "protocol"


@pytest.mark.parametrize("data", CHUNKS.values(), ids=CHUNKS)
def test_chunks_that_lie_are_a_protocol_error(data):
    with pytest.raises(Stopped) as caught:
        read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    assert caught.value.code == "protocol"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"800\r\n" + b"x" * 2048 + b"\r\n") * 3,
    ],
)
def test_a_body_beyond_the_limit_stops_early(data):
    with pytest.raises(Stopped) as caught:
        read(data)
    assert caught.value.code == "too_large"


def test_chunks_are_counted(monkeypatch):
    monkeypatch.setattr(http_wire, "CHUNKS_MAX", 10)
    assert CHUNKS_MAX > 10
    with pytest.raises(Stopped) as caught:
        read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10 + b"0\r\n\r\n")
    assert caught.value.code == "protocol"


def test_a_request_is_written():
    assert request_bytes(hop(), (("Authorization", "Bearer x"),)) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: mpp\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nAuthorization: Bearer x\r\n\r\n"
    )
    written = request_bytes(hop("POST", (("User-Agent", "mine"), ("Accept", "a/b"), ("Range", "bytes=0-1"))), ())
    assert written.endswith(
        b"Host: api.example.com\r\nAccept-Encoding: identity\r\nUser-Agent: mine\r\nAccept: a/b\r\nRange: bytes=0-1\r\nContent-Length: 0\r\n\r\n"
    )
    assert request_bytes(hop("PUT", (), b"abc"), ()).endswith(b"Content-Length: 3\r\n\r\nabc")
    assert b"Content-Length" not in request_bytes(hop("DELETE"), ())


@pytest.mark.parametrize("pair", [("X", "a\r\nY: b"), ("X\nY", "a"), ("X", "a\r"), ("X", "ü")])
def test_a_line_end_that_came_past_all_checks_is_not_written(pair):
    with pytest.raises(Stopped):
        request_bytes(hop(headers=(pair,)), ())


BODY = b"hello " * 100


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
        ("identity", BODY),
        ("", BODY),
    ],
)
def test_bodies_are_inflated(coding, data):
    assert open_body((("Content-Encoding", coding),), data, MIB) == BODY


def test_an_empty_body_needs_no_inflating():
    assert open_body((("Content-Encoding", "br"),), b"", MIB) == b""


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("br", BODY), ("zstd", BODY), ("gzip, gzip", gzip.compress(gzip.compress(BODY))), ("gzip", BODY), ("gzip", gzip.compress(BODY)[:-1]), ("gzip", gzip.compress(BODY) + b"x"),
        ("deflate", zlib.compress(BODY) + b"x"), ("deflate", zlib.compress(BODY)[:-1]), ("deflate", b"\x00\x01"), ("gzip", gzip.compress(BODY)[:-8] + bytes(8)), ("gzip", gzip.compress(b"x") * 65), ("deflate", b"x"),
    ],
)  # fmt: skip
def test_damaged_bodies_are_refused(coding, data):
    with pytest.raises(Stopped) as caught:
        open_body((("Content-Encoding", coding),), data, MIB)
    assert caught.value.code == "protocol"


def test_two_codings_are_refused():
    with pytest.raises(Stopped):
        open_body((("Content-Encoding", "gzip"), ("Content-Encoding", "gzip")), gzip.compress(gzip.compress(BODY)), MIB)


@pytest.mark.parametrize("make", [gzip.compress, zlib.compress])
def test_a_bomb_is_too_large(make):
    coding = "gzip" if make is gzip.compress else "deflate"
    with pytest.raises(Stopped) as caught:
        open_body((("Content-Encoding", coding),), make(bytes(4 * MIB)), 3 * MIB)
    assert caught.value.code == "too_large"
    # Below the limit, and still more than any honest ratio.
    with pytest.raises(Stopped) as caught:
        open_body((("Content-Encoding", coding),), make(bytes(4 * MIB)), 64 * MIB)
    assert caught.value.code == "too_large"
    assert open_body((("Content-Encoding", coding),), make(bytes(RATIO_FREE_MAX)), 64 * MIB) == bytes(RATIO_FREE_MAX)


def test_members_together_are_bounded():
    with pytest.raises(Stopped) as caught:
        open_body((("Content-Encoding", "gzip"),), gzip.compress(bytes(MIB // 2)) * 5, MIB)
    assert caught.value.code == "too_large"


def test_headers_of_the_connection_stay_with_us():
    headers = (
        ("Connection", "close, X-Private"), ("X-Private", "1"), ("Keep-Alive", "x"), ("Transfer-Encoding", "chunked"), ("Content-Length", "1"), ("Content-Encoding", "gzip"), ("Proxy-Auth", "x"),
        ("Upgrade", "h2c"), ("Alt-Svc", "h3"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Content-Type", "text/plain"),
    )  # fmt: skip
    assert guest_headers(headers) == (("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Content-Type", "text/plain"))
