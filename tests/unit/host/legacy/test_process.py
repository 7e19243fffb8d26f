"""One process of a server: how it is ended when it does not want to, and starters that say nothing of sense."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.legacy import process as process_module
from mpp.host.legacy.launch_plan import LaunchPlan
from mpp.host.legacy.plan import plan_of
from mpp.host.legacy.process import ServerProcess
from tests.unit.host.legacy.world import server, until


def plan(place: Path, *, namespaces: bool = True) -> LaunchPlan:
    return plan_of(server(), {}, environment=os.environ, mpp_home=str(place), namespaces=namespaces)


def quiet(_: socket.socket) -> None:
    """Serves nobody."""


def test_one_that_ends_by_itself_is_not_killed(place: Path) -> None:
    assert ServerProcess(plan(place), quiet).end(gently=True) == 0


@pytest.mark.parametrize("namespaces", [True, False])
def test_one_that_does_not_is(place: Path, namespaces: bool) -> None:
    made = ServerProcess(plan(place, namespaces=namespaces), quiet)
    assert made.end() == 128 + signal.SIGKILL or made.end() == 0
    # To end it again does nothing.
    made.end()
    assert (made.stdin, made._folder == "" or not os.path.exists(made._folder)) == (-1, True)


def test_its_starter_ends_it_when_asked_to(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "STOP_SECONDS_MAX", 5.0)
    made = ServerProcess(plan(place), quiet)
    # As on a kernel without descriptors of processes.
    os.close(made._pidfd)
    made._pidfd = -1
    made.end()
    until(lambda: made._child.poll() is not None)


def test_a_starter_that_hangs_is_killed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "STOP_SECONDS_MAX", 0.2)
    made = ServerProcess(plan(place), quiet)
    os.close(made._pidfd)
    made._pidfd = -1
    os.kill(made._child.pid, signal.SIGSTOP)
    made.end()
    assert made._child.returncode == -signal.SIGKILL


def test_a_server_that_reads_nothing_is_not_waited_for(place: Path) -> None:
    made = ServerProcess(plan(place), quiet)
    try:
        os.killpg(os.getpgid(made._child.pid), 0)
        with pytest.raises(TimeoutError):
            # The server waits for the end of the line, which does not come; its pipe and its buffer are full by then.
            made.write(b"{" + b"x" * 64_000_000, 0.05)
    finally:
        made.end()


STARTERS = [("print('{')", "does not answer"), ("import os; os._exit(3)", "without a word"), ("", "without a word")]


@pytest.mark.parametrize(("program", "words"), STARTERS)
def test_starters_that_say_nothing_of_sense(place: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: str) -> None:
    head = "import sys, socket; control = socket.socket(fileno=int(sys.argv[2])); control.recv(100000); sys.stdout = control.makefile('w'); "
    monkeypatch.setattr(process_module, "START", head + program + ("\nsys.stdout.flush()" if program.startswith("print") else ""))
    with pytest.raises(HostFailed, match=words) as fault:
        ServerProcess(plan(place), quiet)
    assert fault.value.code in {"host.barrier", "host.legacy"}


def test_namespaces_without_rights_in_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on systems where any program may have a namespace of users, and mount nothing in it."""
    plans: list[bool] = []
    plain = ServerProcess

    def restricted(given: LaunchPlan, serve: process_module.Serve) -> ServerProcess:
        plans.append(given.namespaces)
        if given.namespaces or not given.sandboxed:
            raise HostFailed("host.barrier", "operation not permitted")
        return plain(given, serve)

    monkeypatch.setattr(process_module, "ServerProcess", restricted)
    made = process_module.start_process(plan(place), quiet)
    made.end()
    assert (plans, "Landlock" in made.barriers.held["files"]) == ([True, False], True)
    with pytest.raises(HostFailed):
        process_module.start_process(plan(place)._replace(sandboxed=False), quiet)


def test_no_room_for_a_process(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(11, "no more processes")

    monkeypatch.setattr(subprocess, "Popen", none)
    with pytest.raises(HostFailed, match="no more processes"):
        ServerProcess(plan(place), quiet)


def test_the_process_ends_with_the_thread_that_started_it(place: Path) -> None:
    made: list[ServerProcess] = []
    thread = threading.Thread(target=lambda: made.append(ServerProcess(plan(place), quiet)))
    thread.start()
    thread.join()
    until(lambda: made[0]._child.poll() is not None)
    made[0].end()
    assert sys.platform == "linux"
