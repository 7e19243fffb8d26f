"""Messages between host and worker: a length, a kind, and the bytes. Both sides read with limits; the host reads as if the worker were hostile.

Spec: 5-sandbox S-40 to S-44. No JSON on the hot path: a call and its end are packed numbers and raw bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from mpp.errors import ToolFailed
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.types import Ending, ENDINGS, EXITED

CALL, ANSWER, READY, DONE, ASK, FAILED, STARTED = range(1, 8)

HEADER = struct.Struct("<IB")
_CALL, _CALL_HEAD = struct.Struct("<dBQ32sIII"), struct.Struct("<IBdBQ32sIII")
_DONE, _DONE_HEAD = struct.Struct("<BIIIIII"), struct.Struct("<IBBIIIIII")
_PLACES = {kind: number for number, kind in enumerate(ENDINGS)}

FRAME_BYTES_MAX = limits.HOST_REQUEST_BYTES_MAX + limits.STDOUT_BYTES_MAX
"""Bytes of one frame. Reason: the largest of its kinds, an answer to a host call, and room."""

RECEIVE_BYTES = 64 * 1024
"""Bytes asked for at a time. Reason: ordinary calls fit one read. From 128 KiB on each read maps memory of its own and gives it back, which costs more than reading again."""

TALK_BYTES_MAX = 64 * 1024
"""Bytes of the report on used files. Reason: bounds what a worker can make the host parse."""

_CODE_MAX = 0xFFFFFFFF

DETAIL_BYTES_MAX = 1024
"""Bytes of the words about a trap. Reason: they are shown on one line."""


class Order(NamedTuple):
    """What a worker is told about one call."""

    deadline: float
    """On the monotonic clock, which all processes of a machine share."""
    deterministic: bool
    now_ns: int
    """Nanoseconds since 1970: the frozen clock of a deterministic call."""
    seed: bytes
    """32 bytes: the source of randomness of a deterministic call."""
    env: tuple[tuple[bytes, bytes], ...]
    stdin: bytes
    memory_bytes: int


class Finished(NamedTuple):
    """What a worker says of a call. Only the sizes were judged."""

    ending: Ending
    stdout: bytes
    stderr: bytes
    stderr_cut: int
    """Bytes of standard error that were dropped."""
    talk: bytes
    """The worker's report on used files, JSON; to be parsed as hostile."""


def frame(kind: int, *parts: bytes | bytearray | memoryview) -> bytes:
    """One message."""
    return b"".join((HEADER.pack(sum(map(len, parts)), kind), *parts))


def whole(piece: bytes) -> tuple[int, bytes] | None:
    """The message that ``piece`` is, if it is exactly one, as nearly always."""
    if len(piece) < HEADER.size:
        return None
    size, kind = HEADER.unpack_from(piece)
    return (kind, piece[HEADER.size :]) if size == len(piece) - HEADER.size else None


def split(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """The whole messages at the front of ``buffer``, which they leave. Raises for one that is too long."""
    while len(buffer) >= HEADER.size:
        size, kind = HEADER.unpack_from(buffer)
        if size > FRAME_BYTES_MAX:
            raise broken(f"a message of {size} bytes")
        end = HEADER.size + size
        if len(buffer) < end:
            return
        body = bytes(memoryview(buffer)[HEADER.size : end])
        del buffer[:end]
        yield kind, body


def broken(what: str) -> ToolFailed:
    """The worker does not speak as agreed. Whatever it holds is thrown away with it."""
    return ToolFailed("tool.protocol", f"the sandbox process sent {what}", hint="the process was ended; call again, and report the package if it happens again")


def pack_order(order: Order) -> bytes:
    env = b"".join(name + b"=" + text + b"\0" for name, text in order.env) if order.env else b""
    size = _CALL.size + len(env) + len(order.stdin)
    head = _CALL_HEAD.pack(
        size, CALL, order.deadline, order.deterministic, order.now_ns, order.seed, order.memory_bytes >> 20, len(env), len(order.stdin)
    )  # fmt: skip
    return b"".join((head, env, order.stdin))


def read_order(body: bytes) -> Order:
    """Read by the worker; the host is trusted by it."""
    deadline, deterministic, now_ns, seed, mebibytes, env_size, stdin_size = _CALL.unpack_from(body)
    at = _CALL.size + env_size
    env = tuple(map(_pair, body[_CALL.size : at].split(b"\0")[:-1])) if env_size else ()
    return Order(deadline, bool(deterministic), now_ns, seed, env, body[at : at + stdin_size], mebibytes << 20)


def _pair(item: bytes) -> tuple[bytes, bytes]:
    name, _, text = item.partition(b"=")
    return name, text


def pack_finished(ending: Ending, stdout: bytearray, stderr: bytearray, stderr_cut: int, talk: bytes) -> bytes:
    detail = ending.detail.encode("utf-8", "replace")[:DETAIL_BYTES_MAX]
    sizes = len(detail), len(stdout), len(stderr), len(talk)
    head = _DONE_HEAD.pack(
        _DONE.size + sum(sizes), DONE, _PLACES[ending.kind], ending.code & _CODE_MAX, *sizes[:3], min(stderr_cut, 2**32 - 1), sizes[3]
    )  # fmt: skip
    return b"".join((head, detail, stdout, stderr, talk))


def read_finished(body: bytes) -> Finished:
    """Read by the host. Attack: a worker that was taken over by its guest lies about sizes, to be read past their end or into other parts."""
    if len(body) < _DONE.size:
        raise broken("half of an answer")
    kind, code, detail, stdout, stderr, cut, talk = _DONE.unpack_from(body)
    sizes_fit = detail <= DETAIL_BYTES_MAX and stdout <= limits.STDOUT_BYTES_MAX and stderr <= limits.STDERR_BYTES_MAX and talk <= TALK_BYTES_MAX
    out = _DONE.size + detail
    log = out + stdout
    end = log + stderr
    if not sizes_fit or kind >= len(ENDINGS) or len(body) != end + talk:
        raise broken("an answer whose sizes do not fit")
    ending = EXITED
    if kind or code or detail:
        ending = Ending(kind=ENDINGS[kind], code=code, detail=body[_DONE.size : out].decode("utf-8", "replace"))
    return Finished(ending, body[out:log], body[log:end], cut, body[end:])
