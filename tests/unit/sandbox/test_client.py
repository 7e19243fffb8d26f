"""The host's side of a worker, against workers that lie, dawdle, talk over each other or die."""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from mpp.errors import HostFailed, MppError, ToolFailed
from mpp.host.drive import drive
from mpp.model.calls import HostAnswer
from mpp.stages.sandbox import Worker, client, frames, limits, run_call
from mpp.stages.sandbox.types import Ending
from tests.unit.sandbox.conftest import Answers, order, scope

SECONDS = 60.0
SILENCE_SECONDS = 60.0
LONG = 3600.0
DONE = frames.pack_finished(Ending(kind="exit"), bytearray(b"out"), bytearray(), 0, b"")
READY = frames.frame(frames.READY, b'{"seccomp": "holds"}')


class Fake:
    """A worker whose process the test plays. Its handle is that of a child that sleeps, so that a kill can be seen."""

    def __init__(self) -> None:
        ours, self.channel = socket.socketpair()
        ours.setblocking(False)
        # What never comes fails a test, and does not hold it up for ever.
        self.channel.settimeout(SILENCE_SECONDS)
        self.worker = Worker(ours)
        self.sleeper = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])

    def started(self, *more: int) -> None:
        """What the zygote says; ``more`` are descriptors beside the handle."""
        handle = os.pidfd_open(self.sleeper.pid)
        self.send(frames.frame(frames.STARTED), handle, *more)
        os.close(handle)

    def send(self, data: bytes, *fds: int) -> None:
        self.channel.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def start(self, seconds: float = SECONDS) -> None:
        drive(self.worker.starting(time.monotonic() + seconds))

    def fault(self, seconds: float = SECONDS) -> MppError:
        with pytest.raises(MppError) as found:
            self.start(seconds)
        return found.value

    def run(self, seconds: float = SECONDS, calls: object = None):
        return drive(run_call(self.worker, order(b"in", seconds=seconds), calls or Answers(), scope()))

    def close(self) -> None:
        self.worker.kill()
        self.channel.close()
        self.sleeper.kill()
        self.sleeper.wait()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Afterwards no descriptor is left over, however the worker behaved. Tests that go step by step know each step: no turn ends between."""
    monkeypatch.setattr(client, "TURN_SECONDS", LONG)
    before = sorted(os.listdir("/proc/self/fd"))
    made = Fake()
    yield made
    made.close()
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def ready(fake: Fake) -> Fake:
    fake.started()
    fake.send(READY)
    fake.start()
    return fake


# --- its start


@pytest.mark.parametrize("first", ["started", "ready"])
def test_process_and_report_come_in_either_order(fake: Fake, first: str) -> None:
    steps: list[Callable[[], None]] = [fake.started, lambda: fake.send(READY)]
    for step in steps if first == "started" else reversed(steps):
        step()
    fake.start()
    assert fake.worker.barriers == {"seccomp": "holds"}
    assert fake.worker.is_idle()
    assert not fake.worker.has_ended(0)


def test_a_report_in_pieces(fake: Fake) -> None:
    fake.started()
    steps = fake.worker.starting(time.monotonic() + SECONDS)
    for byte in READY[:-1]:
        fake.send(bytes([byte]))
        next(steps)
    fake.send(READY[-1:])
    with pytest.raises(StopIteration):
        next(steps)
    assert fake.worker.barriers


def test_one_handle_is_kept_and_further_descriptors_are_closed(fake: Fake) -> None:
    read, write = os.pipe()
    fake.started(write, write)
    os.close(write)
    fake.send(READY)
    fake.start()
    # The end of the pipe: nobody holds the other end any more.
    assert os.read(read, 1) == b""
    os.close(read)


def test_descriptors_after_the_start_are_dropped(ready: Fake) -> None:
    read, write = os.pipe()
    ready.send(DONE[:10], write)
    os.close(write)
    ready.send(DONE[10:])
    assert ready.run().stdout == b"out"
    assert os.read(read, 1) == b""
    os.close(read)


def test_no_handle_is_no_worker(fake: Fake) -> None:
    fake.send(frames.frame(frames.STARTED) + READY)
    assert "no handle" in fake.fault().message


NO_REPORTS = [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a": "' + b"x" * limits.ZYGOTE_MESSAGE_BYTES_MAX + b'"}']


@pytest.mark.parametrize("body", NO_REPORTS, ids=range(len(NO_REPORTS)))
@pytest.mark.parametrize("kind", [frames.READY, frames.FAILED])
def test_a_report_that_is_none(fake: Fake, kind: int, body: bytes) -> None:
    fake.started()
    fake.send(frames.frame(kind, body))
    assert fake.fault().code == "tool.protocol"


@pytest.mark.parametrize("kind", [0, frames.CALL, frames.ANSWER, frames.DONE, frames.ASK, 8, 255])
def test_another_message_than_the_report(fake: Fake, kind: int) -> None:
    fake.started()
    fake.send(frames.frame(kind, b"{}"))
    assert "out of turn" in fake.fault().message


def test_a_report_that_comes_twice(fake: Fake) -> None:
    fake.send(READY + READY)
    assert "out of turn" in fake.fault().message


def test_a_report_that_is_too_long_is_not_waited_for(fake: Fake) -> None:
    fake.started()
    fake.send(frames.HEADER.pack(frames.FRAME_BYTES_MAX + 1, frames.READY))
    assert fake.fault().code == "tool.protocol"


def test_a_failed_start_is_told_in_safe_words(fake: Fake) -> None:
    report = {"code": "archive.path", "message": "no \x1b[2J barrier" + "x" * 5000, "hint": 7}
    fake.started()
    fake.send(frames.frame(frames.FAILED, json.dumps(report).encode()))
    fault = fake.fault()
    assert isinstance(fault, HostFailed)
    assert (fault.code, fault.hint) == ("host.barrier", "7")
    assert "\x1b" not in fault.message
    assert len(fault.message) < 1000


def test_a_failed_start_without_words(fake: Fake) -> None:
    fake.started()
    fake.send(frames.frame(frames.FAILED, b"{}"))
    assert fake.fault().hint == "run `mpp doctor`"


def test_a_worker_that_never_reports(fake: Fake) -> None:
    fake.started()
    assert fake.fault(0.05).code == "tool.deadline"


def test_a_worker_that_dies_at_its_start(fake: Fake) -> None:
    fake.channel.close()
    assert fake.fault().code == "tool.crashed"


# --- a call


def test_an_answer_in_pieces(ready: Fake) -> None:
    steps = run_call(ready.worker, order(b"in"), Answers(), scope())
    for byte in DONE[:-1]:
        next(steps)
        ready.send(bytes([byte]))
    next(steps)
    ready.send(DONE[-1:])
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert ended.value.value.stdout == b"out"
    assert frames.split(bytearray(ready.channel.recv(1000))).__next__()[0] == frames.CALL


def test_two_answers_are_none(ready: Fake) -> None:
    ready.send(DONE + DONE)
    run = ready.run()
    assert run.fault is not None
    assert (run.fault.code, run.stdout, run.reusable) == ("tool.protocol", b"", False)


@pytest.mark.parametrize("kind", [0, frames.CALL, frames.ANSWER, frames.READY, frames.FAILED, frames.STARTED, 255])
def test_another_message_than_an_answer(ready: Fake, kind: int) -> None:
    ready.send(frames.frame(kind, DONE[5:]))
    run = ready.run()
    assert run.fault is not None
    assert run.fault.code == "tool.protocol"


def test_a_message_that_is_too_long(ready: Fake) -> None:
    ready.send(frames.HEADER.pack(frames.FRAME_BYTES_MAX + 1, frames.DONE))
    run = ready.run()
    assert run.fault is not None
    assert run.fault.code == "tool.protocol"


@pytest.mark.parametrize("talk", [b"{", b"[]", b'{"read": 1}', b'{"read": [1]}', b'{"written": "x"}', b"[" * 50_000, b"\xff", b"9" * 5000])
def test_a_report_of_files_that_is_none(ready: Fake, talk: bytes) -> None:
    ready.send(frames.pack_finished(Ending(kind="exit"), bytearray(b"out"), bytearray(), 0, talk))
    run = ready.run()
    assert run.fault is not None
    assert (run.fault.code, run.reusable) == ("tool.protocol", False)


def test_names_that_are_too_many_or_too_long_are_left_out(ready: Fake) -> None:
    report = {"read": ["/a", "/" + "d/" * 2000], "written": [f"/{n}" for n in range(limits.USED_MAX + 1)], "more": "yes"}
    ready.send(frames.pack_finished(Ending(kind="exit"), bytearray(b"out"), bytearray(), 0, json.dumps(report).encode()))
    used = ready.run().used
    assert (used.files_read, len(used.files_written), used.more) == (("/a",), limits.USED_MAX, True)


@pytest.mark.parametrize(("kind", "code", "reusable"), [
    ("trap", "tool.trap", True), ("deadline", "tool.deadline", False), ("output", "tool.output", True), ("start", "tool.start", True), ("host", "host.sandbox", False),
])  # fmt: skip
def test_what_a_worker_says_of_an_end_is_shown_safely(ready: Fake, kind: str, code: str, reusable: bool) -> None:
    ready.send(frames.pack_finished(Ending(kind=kind, detail="\x1b[2J" + "x" * 900), bytearray(b"out"), bytearray(b"err"), 3, b""))
    run = ready.run()
    assert run.fault is not None
    assert (run.fault.code, run.stdout, run.stderr, run.stderr_cut, run.reusable) == (code, b"", b"err", 3, reusable)
    assert "\x1b" not in run.fault.message
    assert len(run.fault.message) < 300


def test_the_end_of_time_while_waiting(ready: Fake) -> None:
    begun = time.monotonic()
    run = ready.run(0.05)
    assert run.fault is not None
    assert (run.fault.code, run.reusable) == ("tool.deadline", False)
    assert time.monotonic() - begun >= 0.05


def test_a_worker_that_always_has_something_to_say_ends_too(ready: Fake) -> None:
    """Each look finds half a message, so nobody would ever wait."""
    ready.send(frames.HEADER.pack(frames.FRAME_BYTES_MAX, frames.DONE))
    steps = run_call(ready.worker, order(seconds=0.05), Answers(), scope())
    with pytest.raises(StopIteration) as ended:
        while True:
            ready.channel.send(b"x" * 100)
            next(steps)
    assert ended.value.value.fault.code == "tool.deadline"


def test_a_worker_that_asks_without_end_ends_at_its_time(ready: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look finds a question, so nobody would ever wait. The clock is the test's: on a busy machine a moment is over before the second question."""
    asked: list[str] = []
    real = time.monotonic

    class Endless(Answers):
        def answer(self, method, params, scope, until):
            asked.append(method)
            ready.send(frames.frame(frames.ASK, b'{"method": "log"}'))
            ready.channel.recv(1 << 20)
            return (yield from super().answer(method, params, scope, until))

    ready.send(frames.frame(frames.ASK, b'{"method": "log"}'))
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: real() + (2 * SECONDS if len(asked) >= 5 else 0)))
    run = ready.run(SECONDS, Endless())
    assert run.fault is not None
    assert run.fault.code == "tool.deadline"
    assert run.used.host_calls == len(asked) == 5


def test_the_end_of_time_while_sending(ready: Fake) -> None:
    """A worker that takes nothing: the order is larger than what the kernel holds for it."""
    with pytest.raises(ToolFailed) as fault:
        drive(ready.worker.order(order(b"x" * (8 << 20), seconds=0.05)))
    assert fault.value.code == "tool.deadline"


def test_a_large_order_goes_out_in_pieces(ready: Fake) -> None:
    given = order(b"x" * (3 << 20))
    steps = ready.worker.order(given)
    got = bytearray()
    for wait in steps:
        assert wait.writing
        got += ready.channel.recv(1 << 20)
    while not (found := [*frames.split(got)]):
        got += ready.channel.recv(1 << 20)
    assert frames.read_order(found[0][1]) == given


def test_a_worker_that_died_takes_no_order(ready: Fake) -> None:
    ready.channel.close()
    run = ready.run()
    assert run.fault is not None
    assert (run.fault.code, run.reusable) == ("tool.crashed", False)


def test_a_worker_that_is_reset_in_the_middle(ready: Fake) -> None:
    ready.worker._channel.send(b"unread")
    steps = run_call(ready.worker, order(), Answers(), scope())
    next(steps)
    # Closed with bytes that it never read: the host sees an error, not an end.
    ready.channel.close()
    with pytest.raises(StopIteration) as ended:
        next(steps)
    assert ended.value.value.fault.code == "tool.crashed"


# --- host calls


def asked(ready: Fake, body: bytes, calls: object = None) -> dict[str, object]:
    ready.send(frames.frame(frames.ASK, body))
    steps = run_call(ready.worker, order(), calls or Answers(), scope())
    next(steps)
    sent = bytearray(ready.channel.recv(1 << 20))
    (kind, _), (answered, answer) = [*frames.split(sent)]
    assert (kind, answered) == (frames.CALL, frames.ANSWER)
    steps.close()
    found: dict[str, object] = json.loads(answer)
    return found


def test_a_host_call_is_answered(ready: Fake) -> None:
    assert asked(ready, b'{"method": "x"}') == {"result": {"method": "x", "params": {}}}


def test_a_host_call_that_is_too_long(ready: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOST_REQUEST_BYTES_MAX", 20)
    assert asked(ready, b'{"method": "xxxxxxxxxxxxx"}')["error"]["code"] == "too_large"  # type: ignore[index]


def test_host_calls_over_the_number_are_refused_and_then_end_the_worker(ready: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOST_CALLS_MAX", 2)
    answers: list[dict[str, object]] = []
    steps = run_call(ready.worker, order(), Answers(), scope())
    next(steps)
    ready.channel.recv(1 << 16)
    with pytest.raises(StopIteration) as ended:
        for _ in range(5):
            ready.send(frames.frame(frames.ASK, b'{"method": "x"}'))
            next(steps)
            answers.append(json.loads(ready.channel.recv(1 << 16)[frames.HEADER.size :]))
    assert ["error" in one for one in answers] == [False, False, True, True]
    assert answers[2]["error"]["code"] == "quota"  # type: ignore[index]
    assert ended.value.value.fault.code == "tool.protocol"
    assert ended.value.value.used.host_calls == 5


def test_what_a_call_used_is_kept_and_bounded(ready: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USED_MAX", 1)

    class Used(Answers):
        def answer(self, method, params, scope, until):
            yield from ()
            last = method == "last"
            if not last:
                ready.send(frames.frame(frames.ASK, b'{"method": "last"}'))
            else:
                ready.send(DONE)
            return HostAnswer(result=None, error="", message="", hosts=(f"{method}:443",), secrets=("KEY",), echoed=("KEY",), kv="kv.get")

    ready.send(frames.frame(frames.ASK, b'{"method": "first"}'))
    used = ready.run(calls=Used()).used
    assert (used.hosts, used.secrets, used.echoed, used.kv, used.host_calls, used.more) == (("first:443",), ("KEY",), ("KEY",), (("kv.get", 2),), 2, True)


# --- between calls, and the end


@pytest.mark.parametrize("said", [b"x", frames.frame(frames.DONE), frames.HEADER.pack(0, 1)])
def test_a_worker_that_speaks_unasked_is_not_idle(ready: Fake, said: bytes) -> None:
    ready.send(said)
    assert not ready.worker.is_idle()


def test_a_worker_with_half_a_message_left_is_not_idle(ready: Fake) -> None:
    ready.send(DONE + b"x")
    assert ready.run().fault is None
    assert not ready.worker.is_idle()


def test_a_worker_that_ended_is_not_idle(ready: Fake) -> None:
    ready.channel.close()
    assert not ready.worker.is_idle()


def test_killing_ends_the_process_and_closes_everything(ready: Fake) -> None:
    ready.worker.kill()
    assert ready.sleeper.wait(SECONDS) == -signal.SIGKILL
    assert ready.channel.recv(1) == b""
    ready.worker.kill()


def test_a_process_that_is_gone_already_can_be_killed(ready: Fake) -> None:
    ready.sleeper.kill()
    ready.sleeper.wait()
    assert ready.worker.has_ended(5)
    ready.worker.kill()
