"""T27, a worker that was taken over: the process at the other end says anything. The host judges each byte, and throws the process away."""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.model.rights import Rights
from mpp.stages.sandbox import CallScope, Order, Run, Worker, frames, limits, run_call
from tests.attack.sandboxed import CONTEXT, Host, Silent, code

DONE = struct.Struct("<BiIIIII")
SECONDS = 60.0
"""Of a call whose liar answers at once. Only what must end at its time is given less."""
Liar = Callable[[socket.socket], None]


@pytest.fixture
def pair() -> Iterator[tuple[Worker, socket.socket]]:
    """The host's end as it is, and the liar's end. The process that the host would end is a child that only sleeps."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(SECONDS)
    before = len(os.listdir("/proc/self/fd"))
    worker = Worker(ours)
    yield worker, theirs
    worker.kill()
    theirs.close()
    # Whatever descriptors came with the messages are closed.
    assert len(os.listdir("/proc/self/fd")) <= before - 2


def call(pair: tuple[Worker, socket.socket], lies: Liar, *, seconds: float = SECONDS, host: Host | None = None) -> Run:
    worker, theirs = pair
    faults: list[BaseException] = []

    def lie() -> None:
        try:
            theirs.recv(1 << 20)
            lies(theirs)
        except (OSError, TimeoutError):
            return
        except BaseException as fault:  # noqa: BLE001 - shown by the test
            faults.append(fault)

    thread = threading.Thread(target=lie)
    thread.start()
    order = Order(deadline=time.monotonic() + seconds, deterministic=False, now_ns=0, seed=bytes(32), env=(), stdin=b"x", memory_bytes=1 << 24)
    rights = Rights(tenant="t", publisher_id="p", package_id="i", content_hash="h")
    try:
        return drive(run_call(worker, order, host or Host(), CallScope(rights=rights, context=CONTEXT, live=Silent())))
    finally:
        worker.kill()
        thread.join()
        assert faults == []


def done(kind: int = 0, exit_code: int = 0, sizes: tuple[int, int, int, int, int] | None = None, rest: bytes = b"") -> bytes:
    return frames.frame(frames.DONE, DONE.pack(kind, exit_code, *(sizes or (0, 0, 0, 0, 0))) + rest)


def talk(report: bytes) -> bytes:
    return done(sizes=(0, 0, 0, 0, len(report)), rest=report)


def test_an_honest_answer_is_taken(pair: tuple[Worker, socket.socket]) -> None:
    run = call(pair, lambda line: line.sendall(done(sizes=(0, 2, 3, 7, 0), rest=b"okerr")))
    assert (run.fault, run.stdout, run.stderr, run.stderr_cut, run.reusable) == (None, b"ok", b"err", 7, True)


NONSENSE = {
    "a huge message": frames.HEADER.pack(0xFFFFFFFF, frames.DONE), "one byte too long": frames.HEADER.pack(frames.FRAME_BYTES_MAX + 1, frames.ASK),
    "an unknown kind": frames.frame(99), "kind zero": frames.frame(0), "an order": frames.frame(frames.CALL, bytes(64)), "an answer": frames.frame(frames.ANSWER, b"{}"),
    "ready again": frames.frame(frames.READY, b"{}"), "started again": frames.frame(frames.STARTED), "failed": frames.frame(frames.FAILED, b"{}"), "empty end": frames.frame(frames.DONE),
    "half an end": frames.frame(frames.DONE, bytes(DONE.size - 1)), "two ends": done() + done(), "an end and a question": done() + frames.frame(frames.ASK, b"{}"),
    "a question and an end": frames.frame(frames.ASK, b'{"method":"any"}') + done(), "two questions": frames.frame(frames.ASK, b"{}") * 2, "an unknown ending": done(kind=200),
    "more output than there is": done(sizes=(0, 100, 0, 0, 0), rest=b"short"), "less output than there is": done(sizes=(0, 1, 0, 0, 0), rest=b"longer"),
    "sizes that wrap": done(sizes=(0, 0xFFFFFFFF, 1, 0, 0)), "too much output": done(sizes=(0, limits.STDOUT_BYTES_MAX + 1, 0, 0, 0), rest=bytes(limits.STDOUT_BYTES_MAX + 1)),
    "too much log": done(sizes=(0, 0, limits.STDERR_BYTES_MAX + 1, 0, 0), rest=bytes(limits.STDERR_BYTES_MAX + 1)),
    "too many words": done(sizes=(frames.DETAIL_BYTES_MAX + 1, 0, 0, 0, 0), rest=bytes(frames.DETAIL_BYTES_MAX + 1)),
    "too long a report": talk(b" " * (frames.TALK_BYTES_MAX + 1)), "a report that is no json": talk(b"{"), "a report that is a list": talk(b"[]"), "a report of numbers": talk(b'{"read": [1]}'),
    "a report of one text": talk(b'{"read": "x"}'), "a report of objects": talk(b'{"written": [{}]}'),
    "a deep report": talk(b"[" * 60_000), "a report of long numbers": talk(b'{"read": [' + b"9" * 50_000 + b"]}"), "a report that is no utf-8": talk(b'{"read": ["\xff"]}'),
    "half characters": talk(b'{"read": ["\\ud800"]}'), "junk": os.urandom(4096),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_a_broken_protocol(pair: tuple[Worker, socket.socket], name: str) -> None:
    run = call(pair, lambda line: line.sendall(NONSENSE[name]))
    assert code(run.fault) in {"tool.protocol", "tool.crashed", "tool.deadline"}
    assert (run.stdout, run.stderr, run.reusable) == (b"", b"", False)


def test_what_a_report_may_hold_can_be_written_down(pair: tuple[Worker, socket.socket]) -> None:
    report = json.dumps(
        {
            "read": ["/" + "x" * 5000, "/data/\u202etxt", "/data/\x1b[2J", "\x00"],
            "written": [f"/n{place}" for place in range(3000)],
            "more": "yes",
            "hosts": ["evil:443"],
        }
    ).encode()
    run = call(pair, lambda line: line.sendall(talk(report)))
    assert run.fault is None
    assert len(run.used.files_written) == limits.USED_MAX
    assert run.used.more
    # What the host sees for itself is never taken from a report.
    assert run.used.hosts == ()
    json.dumps([*run.used.files_read]).encode()
    "".join(run.used.files_read).encode()


@pytest.mark.parametrize("kind", range(6))
def test_each_ending_has_its_code_and_only_an_exit_has_output(pair: tuple[Worker, socket.socket], kind: int) -> None:
    run = call(pair, lambda line: line.sendall(done(kind=kind, exit_code=-1, sizes=(9, 2, 0, 0, 0), rest=b"\x1b[2J\xff\xfe\x00\nxok")))
    wanted = ("", "tool.trap", "tool.deadline", "tool.output", "tool.start", "host.sandbox")[kind]
    assert code(run.fault) == wanted
    assert run.stdout == (b"ok" if kind == 0 else b"")
    assert "\x1b" not in str(run.fault)
    assert "\n" not in str(run.fault)


def test_silence_ends_at_the_deadline(pair: tuple[Worker, socket.socket]) -> None:
    run = call(pair, lambda line: line.recv(1), seconds=0.1)
    assert code(run.fault) == "tool.deadline"
    assert run.seconds < 30


def test_drops_do_not_stretch_the_deadline(pair: tuple[Worker, socket.socket]) -> None:
    # Attack: a byte now and then, so that there is always something to read and never a message.
    def drip(line: socket.socket) -> None:
        line.sendall(frames.HEADER.pack(frames.FRAME_BYTES_MAX, frames.DONE))
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            line.sendall(b"x")

    run = call(pair, drip, seconds=0.2)
    assert code(run.fault) == "tool.deadline"
    assert run.seconds < 30


def test_questions_do_not_stretch_the_deadline(pair: tuple[Worker, socket.socket]) -> None:
    def ask(line: socket.socket) -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            line.sendall(frames.frame(frames.ASK, b'{"method":"any"}'))
            line.recv(1 << 16)

    run = call(pair, ask, seconds=0.2)
    assert code(run.fault) in {"tool.deadline", "tool.protocol"}
    assert run.seconds < 30


def test_who_asks_and_never_listens_is_ended(pair: tuple[Worker, socket.socket]) -> None:
    def ask(line: socket.socket) -> None:
        line.sendall(frames.frame(frames.ASK, b'{"method":"any"}'))
        time.sleep(0.5)

    run = call(pair, ask, seconds=0.2, host=Host({"text": "x" * 8_000_000}))
    assert code(run.fault) == "tool.deadline"


def test_a_question_that_is_too_long_reaches_nobody(pair: tuple[Worker, socket.socket]) -> None:
    host = Host()
    answers: list[bytes] = []

    def ask(line: socket.socket) -> None:
        line.sendall(frames.frame(frames.ASK, b'{"method":"any","params":{"a":"' + b"x" * limits.HOST_REQUEST_BYTES_MAX + b'"}}'))
        answers.append(line.recv(1 << 16))
        line.sendall(done())

    run = call(pair, ask, host=host)
    assert run.fault is None
    assert b"too_large" in answers[0]
    assert host.asked == []


def test_descriptors_that_come_along_are_not_kept(pair: tuple[Worker, socket.socket]) -> None:
    def send(line: socket.socket) -> None:
        quiet, other = os.pipe()
        line.sendmsg([done()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [quiet, other] * 20))])
        os.close(quiet)
        os.close(other)

    before = len(os.listdir("/proc/self/fd"))
    run = call(pair, send)
    assert run.fault is None
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_worker_that_speaks_unasked_is_not_used_again(pair: tuple[Worker, socket.socket]) -> None:
    worker, theirs = pair
    assert worker.is_idle()
    theirs.sendall(done())
    assert not worker.is_idle()


STARTS = {
    "ready twice": frames.frame(frames.READY, b"{}") * 2, "started twice": frames.frame(frames.STARTED) * 2, "an end": done(), "a question": frames.frame(frames.ASK, b"{}"),
    "a report that is no json": frames.frame(frames.READY, b"{"), "a report that is a list": frames.frame(frames.READY, b"[]"), "a deep report": frames.frame(frames.READY, b"[" * 100_000),
    "a long report": frames.frame(frames.READY, b"{}" + b" " * limits.ZYGOTE_MESSAGE_BYTES_MAX), "a fault that is no json": frames.frame(frames.FAILED, b"\xff"),
    "a fault with odd words": frames.frame(frames.FAILED, json.dumps({"message": "\x1b[2J" * 1000, "hint": [1]}).encode()), "no handle": frames.frame(frames.STARTED) + frames.frame(frames.READY, b"{}"),
    "a huge message": frames.HEADER.pack(0xFFFFFFFF, frames.READY), "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("name", STARTS)
def test_a_start_that_lies_is_no_start(pair: tuple[Worker, socket.socket], name: str) -> None:
    worker, theirs = pair
    quiet, other = os.pipe()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [quiet, other, quiet]))] if name != "no handle" and STARTS[name] else []
    theirs.sendmsg([STARTS[name]], rights)
    os.close(quiet)
    os.close(other)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(MppError) as fault:
        drive(worker.starting(time.monotonic() + SECONDS))
    assert fault.value.code in {"tool.protocol", "tool.crashed", "host.barrier", "host.sandbox"}
    assert "\x1b" not in str(fault.value)
