"""Frames between host and service: what is written is read back, all else is refused; requests take turns."""

from __future__ import annotations

import json
import struct

import pytest

from mpp.host.services.http_frames import FrameError, FrameReader, pack_answer, pack_hop, read_hop, read_hop_answer
from mpp.host.services.http_limits import FRAME_HEAD_MAX
from mpp.host.services.http_turns import Turns
from mpp.host.services.http_types import Hop, HopAnswer, HttpRefusal, Target
from tests.unit.host.http_sites import secret

TARGET = Target(scheme="https", host="api.example.com", port=443, path="/x?y")
HOP = Hop(
    key="k" * 64, target=TARGET, method="POST", headers=(("A", "b"),), body=b"\0body", private=False, secrets=(secret("api.example.com"),), remaining_ms=1000
)
ANSWER = HopAnswer(status=200, headers=(("A", "ü"), ("Set-Cookie", "x")), body=b"\xffbody", echoed=("API_KEY",))
REFUSAL = HttpRefusal(code="tls", message="no", observed=("api.example.com:443",), secrets=("API_KEY",))
MOST = 1000


def taken(data: bytes, size: int = 1 << 20):
    reader = FrameReader(MOST)
    for at in range(0, len(data), size):
        if reader.feed(data[at : at + size]):
            return reader.take()
    raise AssertionError("the frame is not whole")


def frame(head: object, body: bytes = b"") -> bytes:
    data = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack(">II", len(data), len(body)) + data + body


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_what_is_packed_is_read(size):
    assert read_hop(*taken(pack_hop(HOP), size)) == HOP
    assert read_hop_answer(*taken(pack_answer(ANSWER), size), HOP) == ANSWER
    assert read_hop_answer(*taken(pack_answer(REFUSAL), size), HOP) == REFUSAL


def test_the_words_of_a_refusal_are_bounded_on_the_way():
    long = HttpRefusal(code="tls", message="ü\x1b[2J" + "x" * 1000)
    found = read_hop_answer(*taken(pack_answer(long)), HOP)
    assert isinstance(found, HttpRefusal)
    assert found.message.isascii()
    assert found.message.isprintable()
    assert (found.observed, found.secrets) == ((), ())


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">II", FRAME_HEAD_MAX + 1, 0), struct.pack(">II", 2, MOST + 1), frame({}) + b"x", struct.pack(">II", 2**32 - 1, 2**32 - 1), frame(b"x"), frame(b"[]"), frame(b"\xff"),
        frame(b"[" * 100_000), frame(b'{"a": ' + b"9" * 5000 + b"}"), frame(b""), frame(b"{} {}"),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(FrameError):
        taken(data)


ROW = {"status": 200, "headers": [], "echoed": []}
NO = {"code": "tls", "message": "m", "contacted": True, "sent": False}


@pytest.mark.parametrize(
    "head",
    [
        {}, {**ROW, "status": 99}, {**ROW, "status": 101}, {**ROW, "status": 600}, {**ROW, "status": "200"}, {**ROW, "status": True}, {**ROW, "status": 200.0}, {**ROW, "headers": {}}, {**ROW, "headers": [["a"]]},
        {**ROW, "headers": [["a", 1]]}, {**ROW, "headers": [["a b", "x"]]}, {**ROW, "headers": [["a", "x\r\ny"]]}, {**ROW, "headers": [["a", "\u0100"]]}, {**ROW, "headers": [["a", "b"]] * 200},
        {**ROW, "echoed": ["OTHER"]}, {**ROW, "echoed": "x"}, {**ROW, "echoed": [[]]}, {"headers": [], "echoed": []}, {**NO, "code": "owned"}, {**NO, "code": []}, {**NO, "message": "x" * 300},
        {**NO, "message": "\x1b[2J"}, {**NO, "message": None}, {**NO, "contacted": 1}, {**NO, "sent": None}, {"code": "tls"},
    ],
)  # fmt: skip
def test_an_answer_of_a_service_that_was_taken_over_is_refused(head):
    with pytest.raises(FrameError):
        read_hop_answer(*taken(frame(head)), HOP)


def test_a_refusal_has_no_body():
    with pytest.raises(FrameError):
        read_hop_answer(*taken(frame(NO, b"x")), HOP)


@pytest.mark.parametrize(
    "change",
    [
        {"target": ["ftp", "h", 1, "/"]}, {"target": ["https", "h", 0, "/"]}, {"target": ["https", "h", 1]}, {"target": [[], "h", 1, "/"]}, {"target": None}, {"method": "TRACE"}, {"method": []},
        {"private": 1}, {"secrets": [["a"]]}, {"secrets": None}, {"remaining_ms": 0}, {"key": 1}, {"headers": [["a", "\n"]]},
    ],
)  # fmt: skip
def test_a_hop_that_is_malformed_is_refused(change):
    head, body = taken(pack_hop(HOP))
    with pytest.raises(FrameError):
        read_hop({**head, **change}, body)


def test_packages_take_turns():
    turns: Turns[int] = Turns(at_once=3, at_once_each=2, waiting=10)
    assert all(turns.offer("a", n) for n in range(4))
    assert all(turns.offer("b", n) for n in (10, 11))
    assert [turns.start() for _ in range(4)] == [("a", 0), ("b", 10), ("a", 1), None]
    turns.finish("a")
    assert turns.start() == ("b", 11)
    turns.finish("b")
    turns.finish("b")
    assert [turns.start(), turns.start()] == [("a", 2), None], "two of one package at once"
    assert turns.drain() == [3]
    assert turns.drain() == []


def test_the_queue_is_bounded():
    turns: Turns[int] = Turns(at_once=1, at_once_each=1, waiting=2)
    assert [turns.offer("a", 1), turns.offer("b", 2), turns.offer("c", 3)] == [True, True, False]
