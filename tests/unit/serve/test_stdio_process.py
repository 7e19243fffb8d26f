"""The stdio front as a process: nothing but the protocol on standard output, and an end in each way in which a client leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.protocol.wire import modern

SECONDS_MAX = 60

PROGRAM = """
import os, select, sys, threading
from mpp.host.system import SystemClock, SystemRandom
from mpp.protocol.mcp.ports import Caller
from mpp.serve import stdio
from mpp.testing.backend import MemoryBackend, said

def noisy(who, call, live):
    print("noise of a library")
    os.write(1, b"noise below it")
    print(sys.stdin.read())
    return said("done")

def long(who, call, live):
    sys.stderr.write("running" + chr(10))
    ready = select.select([live.gone_fd], [], [], 60)[0]
    sys.stderr.write("ended" + chr(10))
    return said("ended" if ready else "late", error=True)

def stuck(who, call, live):
    stdio.LEAVE_SECONDS = 0.5
    sys.stderr.write("running" + chr(10))
    threading.Event().wait()

def flood(who, call, live):
    stdio.LEAVE_SECONDS = 0.5
    sys.stderr.write("running" + chr(10))
    while True:
        live.progress(flood.step, None, "x" * 1000)
        flood.step += 1

flood.step = 0
backend = MemoryBackend({"noisy": noisy, "long": long, "stuck": stuck, "flood": flood})
stdio.LEAVE_SECONDS = 30
stdio.LAST_WORDS_SECONDS = 0.1
stdio.UNREAD_SECONDS = 0.2
stdio.serve_stdio(backend, Caller(), SystemClock(), SystemRandom(), version="1")
print("after")
"""


class Process:
    def __init__(self) -> None:
        self.of = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def send(self, message: Any) -> None:
        assert self.of.stdin is not None
        self.of.stdin.write(json.dumps(message).encode() + b"\n")
        self.of.stdin.flush()

    def take(self) -> Any:
        assert self.of.stdout is not None
        return json.loads(self.of.stdout.readline())

    def told(self, word: bytes) -> None:
        assert self.of.stderr is not None
        while (line := self.of.stderr.readline()) and line.strip() != word:
            pass
        assert line.strip() == word

    def end(self) -> tuple[int, bytes, bytes]:
        """What it leaves behind."""
        out, err = self.of.communicate(timeout=SECONDS_MAX)
        return self.of.returncode, out, err


@pytest.fixture
def process() -> Iterator[Process]:
    found = Process()
    yield found
    found.of.kill()
    found.of.communicate()


def test_nothing_but_the_protocol_on_standard_output(process: Process) -> None:
    process.send(modern(1, "tools/call", name="noisy"))
    assert process.take()["result"]["content"] == [{"type": "text", "text": "done"}]
    code, out, err = process.end()
    # What this program prints once it serves nobody is its own business again.
    assert (code, out) == (0, b"after\n")
    assert b"noise of a library" in err
    assert b"noise below it" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end(process: Process, number: int) -> None:
    process.send(modern(1, "tools/call", name="long"))
    process.told(b"running")
    process.of.send_signal(number)
    process.told(b"ended")
    code, out, _ = process.end()
    assert (code, out) == (0, b"after\n")


def test_a_client_that_vanishes(process: Process) -> None:
    process.send(modern(1, "tools/call", name="long"))
    process.told(b"running")
    assert process.of.stdout is not None
    began = time.monotonic()
    process.of.stdout.close()
    process.told(b"ended")
    # By itself it would end after a minute.
    assert time.monotonic() - began < 30
    process.of.stdout = None
    # Its own last word finds no reader either; it is over, that is what counts.
    assert process.of.wait(SECONDS_MAX) >= 0


@pytest.mark.parametrize("tool", ["stuck", "flood"])
@pytest.mark.parametrize("way", ["signal", "end of input"])
def test_what_does_not_end_is_left_behind(process: Process, tool: str, way: str) -> None:
    # The flood fills the pipe that nobody reads, so that whoever writes waits for ever.
    process.send(modern(1, "tools/call", meta={"progressToken": 1}, name=tool))
    process.told(b"running")
    if way == "signal":
        process.of.send_signal(signal.SIGTERM)
    else:
        assert process.of.stdin is not None
        process.of.stdin.close()
        process.of.stdin = None
    assert process.of.wait(SECONDS_MAX) == 0
