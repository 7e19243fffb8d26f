"""Messages between host and worker: what goes through unchanged, and every lie about a size."""

from __future__ import annotations

import struct

import pytest

from mpp.errors import ToolFailed
from mpp.stages.sandbox import frames, limits
from mpp.stages.sandbox.frames import DETAIL_BYTES_MAX, FRAME_BYTES_MAX, TALK_BYTES_MAX, Finished, Order
from mpp.stages.sandbox.types import ENDINGS, Ending

ORDER = Order(
    deadline=12.5, deterministic=True, now_ns=1 << 60, seed=bytes(range(32)), env=((b"A", b"x=y"), (b"EMPTY", b"")), stdin=b"\0line\n", memory_bytes=48 << 20
)  # fmt: skip


def finished(kind: int = 0, code: int = 0, sizes: tuple[int, int, int, int] = (0, 0, 0, 0), body: bytes = b"", cut: int = 0) -> bytes:
    detail, stdout, stderr, talk = sizes
    return struct.pack("<BiIIIII", kind, code, detail, stdout, stderr, cut, talk) + body


def broken(act) -> None:
    with pytest.raises(ToolFailed) as fault:
        act()
    assert fault.value.code == "tool.protocol"


def one(message: bytes) -> tuple[int, bytes]:
    buffer = bytearray(message)
    (found,) = frames.split(buffer)
    assert not buffer
    return found


@pytest.mark.parametrize("order", [ORDER, Order(deadline=0.0, deterministic=False, now_ns=0, seed=bytes(32), env=(), stdin=b"", memory_bytes=1 << 20)])
def test_an_order_arrives_as_it_was(order: Order) -> None:
    kind, body = one(frames.pack_order(order))
    assert kind == frames.CALL
    assert frames.read_order(body) == order


@pytest.mark.parametrize("kind", ENDINGS)
def test_an_end_arrives_as_it_was(kind: str) -> None:
    ending = Ending(kind=kind, code=7, detail="wörds")
    number, body = one(frames.pack_finished(ending, bytearray(b"out"), bytearray(b"err"), 5, b'{"read": []}'))
    assert number == frames.DONE
    assert frames.read_finished(body) == Finished(ending=ending, stdout=b"out", stderr=b"err", stderr_cut=5, talk=b'{"read": []}')


@pytest.mark.parametrize("code", [0, 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
def test_each_exit_code_arrives(code: int) -> None:
    _, body = one(frames.pack_finished(Ending(kind="exit", code=code), bytearray(), bytearray(), 1 << 40, b""))
    found = frames.read_finished(body)
    assert (found.ending.code, found.stderr_cut) == (code, (1 << 32) - 1)


def test_words_of_a_trap_are_cut_and_half_a_character_is_no_fault() -> None:
    _, body = one(frames.pack_finished(Ending(kind="trap", detail="é" * DETAIL_BYTES_MAX), bytearray(), bytearray(), 0, b""))
    assert len(frames.read_finished(body).ending.detail) == DETAIL_BYTES_MAX // 2
    assert frames.read_finished(finished(1, 0, (1, 0, 0, 0), b"\xff")).ending.detail == "�"


def test_messages_are_split_wherever_they_are_torn() -> None:
    whole = frames.frame(frames.ASK, b"one") + frames.frame(frames.DONE) + frames.frame(frames.ASK, b"th", b"ree")
    for at in range(len(whole) + 1):
        buffer = bytearray(whole[:at])
        found = [*frames.split(buffer)]
        buffer += whole[at:]
        found += frames.split(buffer)
        assert found == [(frames.ASK, b"one"), (frames.DONE, b""), (frames.ASK, b"three")]
        assert not buffer


def test_only_a_whole_message_alone_is_one() -> None:
    message = frames.frame(frames.ASK, b"abc")
    assert frames.whole(message) == (frames.ASK, b"abc")
    assert frames.whole(frames.frame(frames.READY)) == (frames.READY, b"")
    assert [frames.whole(piece) for piece in (b"", message[:4], message[:5], message[:-1], message + b"x", message + message)] == [None] * 6


def test_a_message_that_is_too_long_is_refused_by_its_header() -> None:
    fits = bytearray(frames.HEADER.pack(FRAME_BYTES_MAX, frames.ASK))
    assert [*frames.split(fits)] == []
    broken(lambda: [*frames.split(bytearray(frames.HEADER.pack(FRAME_BYTES_MAX + 1, frames.ASK)))])


def test_the_largest_honest_messages_fit() -> None:
    assert limits.HOST_REQUEST_BYTES_MAX <= FRAME_BYTES_MAX
    assert 64 + DETAIL_BYTES_MAX + limits.STDOUT_BYTES_MAX + limits.STDERR_BYTES_MAX + TALK_BYTES_MAX <= FRAME_BYTES_MAX


LIES = {
    "nothing": b"",
    "half of the numbers": finished()[:-1],
    "more than was said": finished(body=b"x"),
    "less than was said": finished(sizes=(0, 2, 0, 0), body=b"x"),
    "an unknown end": finished(kind=len(ENDINGS)),
    "the last number": finished(kind=255),
    "long words": finished(sizes=(DETAIL_BYTES_MAX + 1, 0, 0, 0), body=bytes(DETAIL_BYTES_MAX + 1)),
    "long output": finished(sizes=(0, limits.STDOUT_BYTES_MAX + 1, 0, 0), body=bytes(limits.STDOUT_BYTES_MAX + 1)),
    "long errors": finished(sizes=(0, 0, limits.STDERR_BYTES_MAX + 1, 0), body=bytes(limits.STDERR_BYTES_MAX + 1)),
    "a long report": finished(sizes=(0, 0, 0, TALK_BYTES_MAX + 1), body=bytes(TALK_BYTES_MAX + 1)),
    "sizes that add up beyond 32 bits": finished(sizes=(0, 0xFFFFFFFF, 1, 0), body=b""),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_about_sizes_is_found(lie: bytes) -> None:
    broken(lambda: frames.read_finished(lie))


def test_parts_are_never_read_into_each_other() -> None:
    found = frames.read_finished(finished(0, -1, (1, 2, 3, 4), b"dooeeetttt", cut=9))
    assert (found.ending.detail, found.stdout, found.stderr, found.talk, found.stderr_cut) == ("d", b"oo", b"eee", b"tttt", 9)
    assert found.ending.code == 0xFFFFFFFF
