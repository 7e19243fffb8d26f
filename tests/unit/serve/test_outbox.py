"""Answers kept for a client that does not read: in order, bounded, and for pipes, sockets and files."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpp.serve import outbox as module
from mpp.serve.outbox import Outbox

PATIENCE = 20.0


@pytest.fixture(params=["pipe", "socket"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A reading and a writing end."""
    if request.param == "pipe":
        reading, writing = os.pipe()
    else:
        one, other = socket.socketpair()
        reading, writing = one.detach(), other.detach()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def read(fd: int, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += os.read(fd, count - len(found))
    return found


def test_what_does_not_fit_is_kept_in_order(ends: tuple[int, int]) -> None:
    reading, writing = ends
    box = Outbox(writing)
    parts = [bytes([65 + number]) * 300_000 for number in range(4)]
    for part in parts:
        box.put(part)
    assert box.is_waiting
    found = b""
    while len(found) < 1_200_000:
        found += os.read(reading, 65536)
        box.flush()
    assert found == b"".join(parts)
    assert not box.is_waiting
    box.close()


def test_more_than_may_be_kept_waits_for_the_reader(ends: tuple[int, int]) -> None:
    reading, writing = ends
    box = Outbox(writing, most=1000)
    data = b"x" * 2_000_000
    thread = threading.Thread(target=box.put, args=(data,))
    thread.start()
    assert read(reading, 1_000_000) == data[:1_000_000]
    assert read(reading, 999_000) == data[:999_000]
    thread.join(PATIENCE)
    assert not thread.is_alive()
    box.finish(PATIENCE)
    box.close()


def test_the_end_waits_for_a_reader_but_not_for_ever(ends: tuple[int, int]) -> None:
    reading, writing = ends
    box = Outbox(writing)
    box.put(b"x" * 1_000_000)
    box.finish(0.01)
    assert box.is_waiting
    thread = threading.Thread(target=box.finish, args=(PATIENCE,))
    thread.start()
    assert len(read(reading, 1_000_000)) == 1_000_000
    thread.join(PATIENCE)
    assert not box.is_waiting
    box.close()


def test_nobody_reads_any_more() -> None:
    reading, writing = os.pipe()
    box = Outbox(writing)
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        box.put(b"x")
    box.close()
    os.close(writing)


def test_the_given_descriptor_keeps_its_marks() -> None:
    reading, writing = os.pipe()
    box = Outbox(writing)
    assert os.get_blocking(writing)
    box.close()
    os.close(reading)
    os.close(writing)


def test_files_and_pipes_that_cannot_be_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open(tmp_path / "out", "wb") as stream:
        box = Outbox(stream.fileno())
        box.put(b"a" * 100_000)
        assert not box.is_waiting
        box.close()
    assert (tmp_path / "out").stat().st_size == 100_000
    reading, writing = os.pipe()

    def refuse(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(module.os, "open", refuse)
    box = Outbox(writing)
    monkeypatch.undo()
    box.put(b"x")
    assert os.read(reading, 9) == b"x"
    box.close()
    os.close(reading)
    os.close(writing)


def test_patience_begins_when_it_is_told_and_with_each_byte_that_is_read(ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = ends
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    box = Outbox(writing)
    box.put(b"x" * 1_000_000)
    now[0] += 3600
    box.flush()
    box.be_patient(30)
    box.flush()
    now[0] += 30
    box.flush()
    os.set_blocking(reading, False)
    with contextlib.suppress(BlockingIOError):
        while os.read(reading, 65536):
            pass
    now[0] += 30
    box.flush()
    now[0] += 30
    box.flush()
    now[0] += 1
    with pytest.raises(TimeoutError):
        box.flush()
    box.close()


def test_whoever_waits_to_write_gives_up_when_patience_is_told_meanwhile(ends: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    _, writing = ends
    box = Outbox(writing, most=1000)
    found: list[type[BaseException]] = []

    def put() -> None:
        try:
            box.put(b"x" * 2_000_000)
        except TimeoutError as fault:
            found.append(type(fault))

    thread = threading.Thread(target=put)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    box.be_patient(0.05)
    thread.join(PATIENCE)
    assert found == [TimeoutError]
    box.close()
