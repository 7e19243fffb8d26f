"""The service as a process: started at need, ended with its host, replaced when it died."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mpp.host.services import http, http_process
from mpp.host.services.http import HttpService
from mpp.host.services.http_fetch import shown
from mpp.host.services.http_frames import pack_hop
from mpp.host.services.http_process import answer_one, serve
from mpp.host.services.http_types import Hop, HopAnswer, HttpConfig, HttpRefusal, HttpResponse, Stopped, Target
from mpp.ports import Wait
from tests.unit.host.http_sites import VALUE, Site, answer, authority, drive, get, local, rights, secret

KEY = "k" * 64
PATIENCE = 60.0
"""Seconds for what takes milliseconds on a machine that does nothing else."""


@pytest.fixture(scope="module")
def service():
    made = HttpService(HttpConfig(extra_ca_file=authority()[0]))
    yield made
    made.close()


def ask(service: HttpService, request, given, secrets=(), seconds: float = PATIENCE):
    return drive(service.fetch(request, given, secrets, time.monotonic() + seconds))


def localhost(*sites: Site, package: str = "org.example.tool"):
    return local(*sites, name="localhost", package=package)


def test_a_fetch_through_the_process(service):
    with Site(lambda request: answer(request[-5:], headers="X: y\r\n"), tls=True) as site:
        given = (secret(f"localhost:{site.port}"),)
        found = ask(service, get(f"https://localhost:{site.port}/", method="POST", body=b"12345"), localhost(site), given)
        assert isinstance(found, HttpResponse)
        assert (found.status, found.body, found.secrets) == (200, b"12345", ("API_KEY",))
        assert VALUE.encode() in site.requests[0]
        assert shown(found) == {"status": 200, "headers": [["X", "y"]], "body": "MTIzNDU=", "url": f"https://localhost:{site.port}/"}


def test_the_parameters_of_a_guest(service):
    with Site(lambda _: answer()) as site:
        until = time.monotonic() + PATIENCE
        found = drive(service.answer({"method": "GET", "url": f"http://localhost:{site.port}/"}, localhost(site), (), until))
        assert isinstance(found, HttpResponse)
        refused = drive(service.answer({"method": "GET"}, localhost(site), (), until))
        assert isinstance(refused, HttpRefusal)
        assert refused.code == "bad_request"


def test_large_bodies_pass_both_ways(service):
    body = os.urandom(3_000_000)
    with Site(lambda request: answer(request.partition(b"\r\n\r\n")[2])) as site:
        found = ask(service, get(f"http://localhost:{site.port}/", method="PUT", body=body), localhost(site))
        assert found.body == body


def test_a_hundred_fetches_at_once(service):
    with Site(lambda request: answer(request.split(b" ")[1])) as site:
        given = [localhost(site, package=f"org.example.tool{n}") for n in range(4)]
        with ThreadPoolExecutor(100) as pool:
            found = list(pool.map(lambda n: ask(service, get(f"http://localhost:{site.port}/{n}"), given[n % 4]), range(100)))
        assert [one.body for one in found] == [f"/{n}".encode() for n in range(100)]


def test_slow_sites_of_one_package_do_not_hold_up_another(service):
    gate = threading.Event()

    def slow(request: bytes) -> bytes:
        if b"/slow" in request.split(b"\r\n")[0]:
            gate.wait(PATIENCE)
        return answer()

    with Site(slow) as site, ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask, service, get(f"http://localhost:{site.port}/slow"), localhost(site)) for _ in range(50)]
        found = ask(service, get(f"http://localhost:{site.port}/"), localhost(site, package="org.example.another"))
        assert found.status == 200
        gate.set()
        assert {one.result().status for one in asked} == {200}


def test_a_service_that_is_killed_is_unavailable_once(service):
    asked = threading.Event()
    gate = threading.Event()

    def hold(request: bytes) -> bytes:
        if b"/hold" in request.split(b"\r\n")[0]:
            asked.set()
            gate.wait(PATIENCE)
        return answer()

    with Site(hold) as site, ThreadPoolExecutor(1) as pool:
        ask(service, get(f"http://localhost:{site.port}/"), localhost(site))
        first = service.pid
        held = pool.submit(ask, service, get(f"http://localhost:{site.port}/hold"), localhost(site))
        assert asked.wait(PATIENCE)
        os.kill(first, signal.SIGKILL)
        refused = held.result()
        assert (refused.code, refused.observed) == ("unavailable", (f"localhost:{site.port}",))
        assert ask(service, get(f"http://localhost:{site.port}/"), localhost(site)).status == 200
        assert service.pid != first
        gate.set()


def test_a_call_that_ends_stops_the_request_in_the_service(service):
    came, gone = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def watch() -> None:
        conn, _ = listener.accept()
        came.set()
        with conn:
            while conn.recv(1000):
                pass
            gone.set()

    threading.Thread(target=watch, daemon=True).start()
    site = type("Port", (), {"port": port})
    steps = service.fetch(get(f"http://localhost:{port}/"), localhost(site), (), time.monotonic() + PATIENCE)
    wait = next(steps)
    assert isinstance(wait, Wait)
    while not came.wait(0.01):
        # It may wait for its service before it waits for an answer.
        if select.select([] if wait.writing else [wait.fd], [wait.fd] if wait.writing else [], [], 0)[:2] != ([], []):
            wait = next(steps)
    steps.close()
    assert gone.wait(PATIENCE), "the connection is closed as soon as nobody waits"
    listener.close()


def test_the_end_of_the_call_is_kept_even_if_the_service_says_nothing(service):
    with Site(lambda _: answer()) as site:
        ask(service, get(f"http://localhost:{site.port}/"), localhost(site))
        os.kill(service.pid, signal.SIGSTOP)
        try:
            found = ask(service, get(f"http://localhost:{site.port}/"), localhost(site), seconds=1)
            assert (found.code, found.observed) == ("deadline", (f"localhost:{site.port}",))
        finally:
            os.kill(service.pid, signal.SIGCONT)


def status_of(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def test_the_process_holds_little(service, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    own = HttpService()
    try:
        with Site(lambda _: answer()) as site:
            assert ask(own, get(f"http://localhost:{site.port}/"), localhost(site)).status == 200
        status = status_of(own.pid)
        assert (status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapPrm"], 16)) == ("1", 0, 0)
        if os.geteuid() == 0:
            with open(f"/proc/{own.pid}/environ", "rb") as file:
                assert file.read().rstrip(b"\0").split(b"\0") == [b"MALLOC_ARENA_MAX=2"]
            files = [os.readlink(f"/proc/{own.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{own.pid}/fd")]
            assert all(one.startswith(("socket:", "pipe:", "anon_inode:", "/dev/null")) for one in files), files
    finally:
        own.close()
    assert own.pid == 0
    assert ask(own, get("http://localhost/"), rights()).code == "not_declared"


def test_a_closed_service_stays_closed():
    own = HttpService()
    own.close()
    with Site(lambda _: answer()) as site:
        assert ask(own, get(f"http://localhost:{site.port}/"), localhost(site)).code == "unavailable"


def test_a_service_that_cannot_start_is_unavailable(monkeypatch):
    with Site(lambda _: answer()) as site:
        for broken in ("/nonexistent/python", "/bin/false"):
            own = HttpService()
            monkeypatch.setattr(sys, "executable", broken)
            assert ask(own, get(f"http://localhost:{site.port}/"), localhost(site)).code == "unavailable"
            own.close()


def test_a_service_that_ends_with_its_host():
    code = (
        "import time; from tests.unit.host.http_sites import *; from mpp.host.services.http import HttpService\n"
        "s = HttpService(); site = Site(lambda _: answer())\n"
        "r = drive(s.fetch(get(f'http://localhost:{site.port}/'), local(site, name='localhost'), (), time.monotonic() + 60))\n"
        "print(s.pid, r.status, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={"PYTHONPATH": os.pathsep.join(sys.path)}) as host:
        pid, status = host.stdout.readline().split()
        assert status == b"200"
        host.kill()
    for _ in range(3000):
        try:
            if status_of(int(pid))["State"].startswith("Z"):
                break
        except OSError:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the service outlived its host")


def test_a_service_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(http, "STOP_SECONDS_MAX", 0.05)
    own = HttpService()
    with Site(lambda _: answer()) as site:
        ask(own, get(f"http://localhost:{site.port}/"), localhost(site))
    pid = own.pid
    os.kill(pid, signal.SIGSTOP)
    own.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


HARDENED = """
import sys; sys.path[:0] = sys.argv[1].split(":")
import os, resource, socket
from mpp.host.services.http_process import harden
from mpp.jail import landlock
from mpp.jail.syscalls import prctl
folder = sys.argv[2]
harden(os.getppid(), readable=(folder + "/allowed", sys.base_prefix, "/usr", "/lib", "/absent"), landlock_abi=landlock.version() if sys.argv[3] == "yes" else 0)
def tries(step):
    try: step(); return "done"
    except OSError as fault: return type(fault).__name__
print(tries(lambda: open(folder + "/allowed/file").read()), tries(lambda: open(folder + "/home/key").read()),
      tries(lambda: os.listdir(folder + "/home")), tries(lambda: open(folder + "/allowed/new", "w")), tries(lambda: socket.create_server(("127.0.0.1", 0)).close()),
      prctl(3), resource.getrlimit(resource.RLIMIT_CORE)[1], resource.getrlimit(resource.RLIMIT_FSIZE)[1])
"""


@pytest.mark.parametrize("landlock", ["yes", "no"])
def test_the_files_of_the_host_are_out_of_reach(tmp_path, landlock):
    from mpp.jail.landlock import version

    for name in ("allowed", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "allowed" / "file").touch()
    (tmp_path / "home" / "key").touch()
    done = subprocess.run(
        [sys.executable, "-I", "-c", HARDENED, ":".join(sys.path), str(tmp_path), landlock], capture_output=True, text=True, check=True, env={}
    )
    found = done.stdout.split()
    assert (found[0], found[4]) == ("done", "done")
    assert found[5:] == ["0", "0", "0"], "not dumpable, no core file, no file at all"
    if landlock == "yes" and version():
        assert found[1:4] == ["PermissionError"] * 3
    else:
        assert found[1:3] == ["done", "done"]


def test_a_service_that_speaks_nonsense_is_unavailable(monkeypatch):
    """A service that was taken over: what it says before and instead of an answer."""
    for said, wanted in ((b"\x02", ()), (b"\x01" + b"\xff" * 100, (f"localhost:{1}",)), (b"\x01", (f"localhost:{1}",)), (b"", ())):
        own = HttpService()
        opened: list[int] = []
        kept: list[socket.socket] = []

        def channel(key: str, said=said, opened=opened, kept=kept):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.sendall(said)
            theirs.shutdown(socket.SHUT_WR)
            opened.append(1)
            kept.append(theirs)
            return ours

        monkeypatch.setattr(own, "_open_channel", channel)
        found = ask(own, get("http://localhost:1/"), local(type("Port", (), {"port": 1}), name="localhost"))
        assert (found.code, found.observed, len(opened)) == ("unavailable", wanted, 1 if wanted else 2)
        for one in kept:
            one.close()
        own.close()


# --- the loop of the service, in this process


HOP = Hop(
    key=KEY,
    target=Target(scheme="http", host="api.example.com", port=80, path="/"),
    method="GET",
    headers=(),
    body=b"",
    private=False,
    secrets=(),
    remaining_ms=1000,
)
ANSWER = HopAnswer(status=200, headers=(), body=b"ok", echoed=())


def rest(channel: socket.socket) -> bytes:
    channel.settimeout(5)
    found = b""
    while piece := channel.recv(65536):
        found += piece
    return found


class Loop:
    """``serve`` in a thread."""

    def __init__(self, exchange, config: HttpConfig | None = None) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.theirs, self.rested = theirs, threading.Event()
        self.thread = threading.Thread(target=serve, args=(theirs, exchange, config or HttpConfig(), self.rested.set), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.close()
        self.thread.join(PATIENCE)
        self.theirs.close()
        assert not self.thread.is_alive()

    def channel(self, key: str = KEY) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [key.encode()], [theirs.fileno()])
        return ours


def test_the_loop_rests_when_nothing_comes(monkeypatch):
    monkeypatch.setattr(http_process, "IDLE_SECONDS_MAX", 0.02)
    with Loop(lambda hop, patience: ANSWER) as loop:
        assert loop.rested.wait(PATIENCE)
        with loop.channel() as channel:
            data = pack_hop(HOP)
            channel.sendall(data[:20])
            time.sleep(0.05)
            channel.sendall(data[20:])
            assert rest(channel).endswith(b"ok")


def test_the_main_program_ends_with_its_control_socket(monkeypatch):
    done: list[object] = []
    monkeypatch.setattr(http_process, "harden", lambda *given, **more: done.append((given, more)))
    monkeypatch.setattr(http_process.os, "_exit", done.append)
    monkeypatch.setattr(http_process.threading, "stack_size", done.append)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    http_process.main([str(theirs.detach()), "17", "/ca.pem", "1000", "3", "2"])
    (parent,), more = done[0]
    assert (parent, "/ca.pem" in more["readable"], done[-1]) == (17, True, 0)


def test_a_control_socket_that_breaks_ends_the_loop():
    left, right = socket.socketpair()
    left.close()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as alone:
        serve(alone, lambda hop, patience: ANSWER, HttpConfig(), lambda: None)
    right.close()


def test_a_service_that_takes_nothing_more_is_too_busy(service):
    with Site(lambda _: answer()) as site:
        given = localhost(site)
        ask(service, get(f"http://localhost:{site.port}/"), given)
        pid = service.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            until = time.monotonic() + 30
            steps = [service.fetch(get(f"http://localhost:{site.port}/"), given, (), until) for _ in range(400)]
            ended = []
            for one in steps:
                try:
                    next(one)
                except StopIteration as stop:
                    ended.append(stop.value)
            assert ended
            assert {one.code for one in ended} == {"unavailable"}
            for one in steps:
                one.close()
        finally:
            os.kill(pid, signal.SIGCONT)
        for _ in range(3000):
            if isinstance(ask(service, get(f"http://localhost:{site.port}/"), given), HttpResponse):
                break
            time.sleep(0.01)
        else:
            pytest.fail("the service stays too busy")
        assert service.pid == pid, "it was busy, not broken"


def test_the_loop_answers_each_channel():
    with Loop(lambda hop, patience: ANSWER) as loop:
        for _ in range(3):
            with loop.channel() as channel:
                channel.sendall(pack_hop(HOP))
                assert rest(channel).endswith(b"ok")
        with loop.channel() as channel:
            channel.shutdown(socket.SHUT_WR)
            assert rest(channel) == b""
        loop.control.send(KEY.encode())  # without a descriptor: nothing to do
        with loop.channel() as channel:
            channel.sendall(pack_hop(HOP))
            assert rest(channel).endswith(b"ok")


@pytest.mark.parametrize("sent", [b"\xff" * 100, pack_hop(HOP) + b"x"])
def test_the_loop_closes_a_channel_that_makes_no_sense(sent):
    with Loop(lambda hop, patience: ANSWER) as loop, loop.channel() as channel:
        channel.sendall(sent)
        assert rest(channel) == b""


def test_a_hop_under_another_key_than_its_channel_is_not_carried_out():
    with Loop(lambda hop, patience: ANSWER) as loop, loop.channel("x" * 64) as channel:
        channel.sendall(pack_hop(HOP))
        assert rest(channel) == b""


def test_channels_beyond_the_queue_are_closed(monkeypatch):
    monkeypatch.setattr(http_process, "WAITING_MAX", 1)
    gate = threading.Event()

    def hold(hop, patience):
        gate.wait(PATIENCE)
        return ANSWER

    with Loop(hold, HttpConfig(at_once=1)) as loop:
        channels = [loop.channel() for _ in range(3)]
        channels[0].sendall(pack_hop(HOP))
        assert rest(channels[2]) == b""
        loop.control.close()
        loop.thread.join(PATIENCE)
        assert rest(channels[1]) == b"", "what waits ends with the host"
        gate.set()
        for one in channels:
            one.close()


def test_without_a_thread_the_channel_is_closed(monkeypatch):
    with Loop(lambda hop, patience: ANSWER) as loop:
        real = threading.Thread.start

        def refuse(self):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        with loop.channel() as channel:
            assert rest(channel) == b""
        monkeypatch.setattr(threading.Thread, "start", real)
        with loop.channel() as channel:
            channel.sendall(pack_hop(HOP))
            assert rest(channel).endswith(b"ok")


def test_a_host_that_hangs_up_ends_the_patience():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(pack_hop(HOP))
        quiet, other = socket.socketpair()

        def wait(hop, patience):
            ours.close()
            patience.wait(quiet.fileno())
            return ANSWER

        with quiet, other, pytest.raises(Stopped) as caught:
            answer_one(KEY, theirs, wait)
        assert caught.value.code == "unavailable"
