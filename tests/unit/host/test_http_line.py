"""One connection and one look-up: what waits, what ends in time, what cannot begin."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest

from mpp.host.services.http_line import Line, Patience, Resolver
from mpp.host.services.http_types import Stopped, Target

PLACE = Target(scheme="http", host="name.example", port=80, path="/")


def patience(seconds: float = 5.0) -> Patience:
    return Patience(time.monotonic() + seconds)


@pytest.mark.parametrize(
    ("place", "fault"), [("os.pipe", OSError(24, "Too many open files")), ("threading.Thread.start", RuntimeError("can't start new thread"))]
)
def test_a_look_up_that_cannot_begin_takes_no_room(monkeypatch: pytest.MonkeyPatch, place: str, fault: Exception) -> None:
    def none_left(*_: object) -> None:
        raise fault

    resolver = Resolver(lambda _, port: [("127.0.0.1", port)], most=1, each=1)
    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(place, none_left)
        with pytest.raises(Stopped) as stopped:
            resolver.answer(PLACE, patience(), private=True, key="k")
        assert stopped.value.code == "unavailable"
    # Not equal: a thread of another test may end meanwhile.
    assert len(os.listdir("/proc/self/fd")) <= before
    assert resolver.answer(PLACE, patience(), private=True, key="k") == [("127.0.0.1", 80)]


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(Stopped) as stopped:
        Resolver(lambda *_: []).answer(PLACE, patience(), private=True, key="k")
    assert stopped.value.code == "unresolvable"


def test_more_than_the_socket_takes_is_sent_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    line, read = Line(ours, time.monotonic()), bytearray()

    def reader() -> None:
        while piece := theirs.recv(1 << 16):
            read.extend(piece)

    thread = threading.Thread(target=reader)
    thread.start()
    line.send(b"x" * 5_000_000, patience(20))
    line.close()
    thread.join()
    theirs.close()
    assert len(read) == 5_000_000


def test_nothing_comes_and_the_time_is_over() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    line = Line(ours, time.monotonic())
    assert line.is_quiet()
    with pytest.raises(Stopped) as stopped:
        line.receive(patience(0.05))
    assert stopped.value.code == "timeout"
    line.close()
    theirs.close()
