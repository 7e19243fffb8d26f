"""The host's side of the zygote, against zygotes that lose requests, lie, dawdle or die."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.stages.sandbox import Zygote, client, limits


# --- the zygote

FAKE_ZYGOTE = """
import array, json, os, socket, sys
control = socket.socket(fileno=int(sys.argv[3]))
while True:
    body, ancillary, _, _ = control.recvmsg(1 << 20, 4096)
    if not body:
        break
    fds = array.array("i", ancillary[0][2])
    channel = socket.socket(fileno=fds[0])
    BODY
"""


@pytest.fixture
def zygote_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], Zygote]]:
    """A zygote that does what the test says with each request."""
    made: list[Zygote] = []
    before = sorted(os.listdir("/proc/self/fd"))

    def make(body: str) -> Zygote:
        path = tmp_path / "zygote.py"
        path.write_text(FAKE_ZYGOTE.replace("BODY", body))
        monkeypatch.setattr(client, "_ZYGOTE", str(path))
        made.append(Zygote())
        return made[-1]

    yield make
    for one in made:
        one.close()
    assert sorted(os.listdir("/proc/self/fd")) == before


SPEC = {"memory_bytes": 1 << 20}


def spawn_fault(zygote: Zygote, spec: object = None, fds: tuple[int, ...] = ()) -> MppError:
    with pytest.raises(MppError) as fault:
        drive(zygote.spawn(spec or SPEC, fds))  # type: ignore[arg-type]
    return fault.value


def test_a_zygote_that_loses_the_request(zygote_of) -> None:
    assert spawn_fault(zygote_of("channel.close()")).code == "host.sandbox"


def test_a_zygote_that_never_answers(zygote_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WORKER_START_SECONDS", 0.2)
    assert spawn_fault(zygote_of("pass")).code == "host.sandbox"


def test_a_zygote_that_sends_nonsense(zygote_of) -> None:
    assert spawn_fault(zygote_of("channel.sendall(b'x' * 100)")).code == "host.sandbox"


def test_the_longest_request_arrives_whole(zygote_of) -> None:
    body = "channel.sendall(b'\\x00' * 0 + len(json.dumps({'code': '', 'message': str(len(body))})).to_bytes(4, 'little') + b'\\6' + json.dumps({'code': '', 'message': str(len(body))}).encode())"
    text = "x" * (limits.ZYGOTE_MESSAGE_BYTES_MAX - 9)
    assert len(json.dumps({"a": text})) == limits.ZYGOTE_MESSAGE_BYTES_MAX
    zygote = zygote_of(body)
    assert spawn_fault(zygote, {"a": text}).message.endswith(str(limits.ZYGOTE_MESSAGE_BYTES_MAX))
    assert "too long" in spawn_fault(zygote, {"a": text + "x"}).message


def test_a_zygote_that_ends_at_once_is_tried_twice(zygote_of) -> None:
    zygote = zygote_of("os._exit(0)")
    assert spawn_fault(zygote).code == "host.sandbox"
    zygote.start()
    zygote.start()
    assert zygote.pid > 0
    zygote.close()
    assert zygote.pid == 0


def test_a_zygote_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    before = sorted(os.listdir("/proc/self/fd"))
    assert spawn_fault(Zygote()).code == "host.sandbox"
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_descriptors_that_cannot_be_sent_are_the_hosts_fault(zygote_of) -> None:
    fault = spawn_fault(zygote_of("pass"), fds=(987_654,))
    assert (fault.code, "reached" in fault.message) == ("host.sandbox", True)


def test_a_caller_that_gives_up_leaves_nothing(zygote_of) -> None:
    steps = zygote_of("pass").spawn(SPEC, ())
    next(steps)
    steps.close()
