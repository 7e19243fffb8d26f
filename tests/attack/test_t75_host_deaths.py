"""T75, a host that dies in the middle of calls, and a client that vanishes: nothing runs on, no answer is without its entry, no approval or call counts twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.host.home import Home
from mpp.host.audit.reader import LogReader
from mpp.host.toolcall import META
from mpp.model.events import Event
from mpp.testing.installing import install_tool
from mpp.testing.tools import greeting
from mpp.testing.wasm import module

FOREVER = module(body=b"\x03\x40\x0c\x00\x0b")
PATIENCE = 60.0
"""Seconds until a test gives up waiting for what must come."""
AT_ONCE = 10.0
"""Seconds in which processes must be gone. On a quiet machine it takes milliseconds."""


@pytest.fixture
def place(home: Path, compiled: Path) -> Home:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    return Home(path=str(home))


class Served:
    """``mpp serve`` with somebody on its pipes who keeps what comes back."""

    def __init__(self, place: Home) -> None:
        # A pair of sockets, as clients in JavaScript have it: it can be taken away while somebody reads from it.
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mpp", "serve"], stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.DEVNULL, env={**os.environ, "MPP_HOME": place.path}
            )  # fmt: skip
        assert self.process.stdin is not None
        self.into, self.out = self.process.stdin, self.socket.makefile("rb")
        self.answers: dict[int, dict[str, Any]] = {}
        self.twice: list[int] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.send(
            {"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}}
        )
        self.send({"method": "notifications/initialized"})
        until(lambda: 0 in self.answers)

    def _read(self) -> None:
        for line in self.out:
            try:
                answer = json.loads(line)
            except ValueError:
                continue  # the last line of a process that was killed
            if "id" in answer:
                if answer["id"] in self.answers:
                    self.twice.append(answer["id"])
                self.answers[answer["id"]] = answer

    def send(self, message: dict[str, Any]) -> None:
        self.into.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.into.flush()

    def call(self, number: int) -> None:
        self.send({"id": number, "method": "tools/call", "params": {"name": "hello__greet", "arguments": {}}})

    def below(self) -> list[int]:
        """All processes that it started, and those that they started."""
        found, todo = [], [self.process.pid]
        while todo:
            for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
                try:
                    children = [int(pid) for pid in task.read_text().split()]
                except (FileNotFoundError, ProcessLookupError):
                    continue
                found += children
                todo += children
        return found

    def vanish(self) -> None:
        """As when the client dies: both its ends are gone."""
        self.into.close()
        self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        for pipe in (self.into, self.out):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.socket.close()


@pytest.fixture
def serve(place: Home) -> Iterator[Callable[[], Served]]:
    started: list[Served] = []

    def make() -> Served:
        started.append(Served(place))
        return started[-1]

    yield make
    for one in started:
        one.close()


def until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "what had to come did not"
        time.sleep(0.005)


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def events(place: Home) -> list[Event]:
    reader = LogReader(place.log)
    return [one.event for one in reader.entries()] if reader.is_there() else []


def kinds(place: Home) -> Counter[str]:
    return Counter(one.kind for one in events(place))


def verified(place: Home) -> bool:
    """Says why not, where not."""
    done = subprocess.run(
        [sys.executable, "-m", "mpp", "audit", "verify", "--deep", "--json"], env={**os.environ, "MPP_HOME": place.path}, capture_output=True, check=False, timeout=PATIENCE
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return True


def test_a_killed_host_takes_its_guests_along_and_the_next_closes_its_intents(place: Home, serve: Callable[[], Served]) -> None:
    install_tool(place, FOREVER, changes={"runtime/timeout_ms": 60_000})
    host = serve()
    host.call(1)
    until(lambda: kinds(place)["intent"])
    guests = host.below()
    assert guests
    os.kill(host.process.pid, signal.SIGKILL)
    until(lambda: not any(map(is_there, guests)), AT_ONCE)
    assert verified(place)
    intent = next(one for one in events(place) if one.kind == "intent")
    assert not any(one.kind in {"result", "interrupted"} for one in events(place))
    install_tool(place, greeting("again"))
    other = serve()
    other.call(1)
    until(lambda: 1 in other.answers)
    assert [one.invocation for one in events(place) if one.kind == "interrupted"] == [intent.invocation]
    assert verified(place)


def test_a_client_that_vanishes_ends_its_call(place: Home, serve: Callable[[], Served]) -> None:
    install_tool(place, FOREVER, changes={"runtime/timeout_ms": 60_000})
    host = serve()
    host.call(1)
    until(lambda: kinds(place)["intent"])
    guests = host.below()
    host.vanish()
    host.process.wait(AT_ONCE)
    until(lambda: not any(map(is_there, guests)), AT_ONCE)
    (result,) = [one for one in events(place) if one.kind == "result"]
    assert result.body["outcome"] == "tool.cancelled"
    assert verified(place)


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_is_without_its_entry(place: Home, serve: Callable[[], Served], seed: int) -> None:
    """The host is killed at some moment of a burst. What the client saw is in the record, with the number that the answer names; nothing is there twice."""
    install_tool(place, greeting("hi"))
    chance = random.Random(seed)
    seen: list[dict[str, Any]] = []
    for _ in range(2):
        host = serve()
        host.call(1)
        until(lambda found=host.answers: 1 in found)
        for number in range(2, 200):
            try:
                host.call(number)
            except BrokenPipeError:
                break
            if number == 40:
                threading.Timer(chance.uniform(0.0, 0.3), host.process.kill).start()
        host.process.wait(PATIENCE)
        host.reader.join(PATIENCE)
        assert host.twice == []
        seen += [answer for number, answer in host.answers.items() if number and "result" in answer]
    assert verified(place)
    log = LogReader(place.log)
    for answer in seen:
        meta = answer["result"]["_meta"]
        if META + "entry" in meta:
            entry = log.entry(meta[META + "entry"]).event
            assert (entry.kind, entry.invocation) == ("result", meta[META + "invocation"])
    counted = Counter((one.kind, one.invocation) for one in events(place) if one.kind in {"intent", "result", "interrupted"})
    assert set(counted.values()) <= {1}


def test_a_thousand_calls_at_once_are_each_answered_once(place: Home, serve: Callable[[], Served]) -> None:
    install_tool(place, greeting("hi"))
    host = serve()
    for number in range(1, 1001):
        host.call(number)
    until(lambda: len(host.answers) == 1001, 2 * PATIENCE)
    assert host.twice == []
    good = [one for one in host.answers.values() if one.get("result", {}).get("isError") is False]
    # Beyond what may wait there is a clear refusal, never silence.
    assert len(good) >= 64
    assert all("error" in one or "result" in one for one in host.answers.values())
    assert kinds(place)["result"] == len(good)
    host.into.close()
    host.process.wait(AT_ONCE)
