"""The registry as a process: where it may listen, what it does beside requests, how it ends."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp_registry.api.app import App
from mpp_registry.opening import Options
from mpp.protocol.registry.peerlist import Peer
from mpp.testing.keys import publisher
from mpp_registry.federation.limits import LIST_RENEW_SECONDS
from mpp_registry.federation.peers import add_peer, peers_of
from mpp_registry.publishing.public import switch
from mpp_registry.serve import check_listening, Door, Job, Listening, read_listen
from mpp_registry.services import Services
from mpp_registry.wiring import is_outside, started
from tests.certificates import make_pair
from tests.registry.api.world import serving, somebody


@pytest.mark.parametrize(("listen", "found"), [
    ("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8765", ("::1", 8765)), ("localhost:1", ("localhost", 1)),
])  # fmt: skip
def test_addresses(listen: str, found: tuple[str, int]) -> None:
    assert read_listen(listen) == found


@pytest.mark.parametrize("listen", ["", "8765", "127.0.0.1", "127.0.0.1:99999", "example.com:80", "999.1.1.1:80", "[::zz]:80", "0.0.0.0:x"])
def test_what_is_no_address(listen: str) -> None:
    with pytest.raises(Refused) as caught:
        read_listen(listen)
    assert caught.value.code == "usage.listen"


@pytest.mark.parametrize("at", [
    Listening(listen="0.0.0.0:0"), Listening(listen="[::]:0"), Listening(tls_cert="a.pem"), Listening(tls_key="a.pem"),
    Listening(accel="/internal/"), Listening(accel="internal", behind_proxy=True), Listening(accel="/a b/", behind_proxy=True),
    Listening(public_files=True),
])  # fmt: skip
def test_nobody_else_reaches_a_registry_in_the_open(at: Listening) -> None:
    with pytest.raises(Refused) as caught:
        check_listening(at)
    assert caught.value.code == "usage.option"


def test_others_may_reach_it_with_tls_or_behind_something_that_speaks_it() -> None:
    check_listening(Listening(listen="0.0.0.0:0", behind_proxy=True))
    check_listening(Listening(listen="0.0.0.0:0", tls_cert="a", tls_key="b"))


@pytest.mark.parametrize(("at", "url", "outside"), [
    (Listening(), "", False), (Listening(), "http://localhost:1", False), (Listening(), "https://packages.example.com", True),
    (Listening(behind_proxy=True), "", True), (Listening(listen="0.0.0.0:1"), "", True),
])  # fmt: skip
def test_who_is_reached_by_others_asks_for_proofs(at: Listening, url: str, outside: bool) -> None:
    assert is_outside(at, url) == outside


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HostFailed) as caught:
            Door(Listening(listen=f"127.0.0.1:{taken.getsockname()[1]}"))
    assert caught.value.code == "host.listen"


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_certificate_that_is_none(tmp_path: Path, text: str | None) -> None:
    place = tmp_path / "cert.pem"
    if text is not None:
        place.write_text(text)
    with pytest.raises(HostFailed) as caught:
        Door(Listening(listen="127.0.0.1:0", tls_cert=str(place), tls_key=str(place)))
    assert caught.value.code == "host.listen"


def test_a_whole_registry_starts_serves_and_ends(tmp_path: Path) -> None:
    lines: list[str] = []
    with started(Options(data=str(tmp_path / "r")), Listening(listen="127.0.0.1:0"), environment={}, write_line=lines.append) as found:
        assert found.services.settings.url == found.server.url
        ready = threading.Event()
        thread = threading.Thread(target=lambda: found.server.run(ready=ready.set))
        thread.start()
        assert ready.wait(120)
        for target, accept, status, kind in (
            ("/", "text/html", 200, "text/html"), ("/nothing", "text/html", 404, "text/html"), ("/nothing", "*/*", 404, "application/problem+json"),
            ("/v1/peers", "*/*", 200, "application/json"), ("/v1/registry", "*/*", 200, "application/json"),
        ):  # fmt: skip
            assert asked(found.server.url, target, accept) == (status, kind), target
        found.server.stop()
        thread.join(120)
        assert not thread.is_alive()
    assert len(lines) == 5


def asked(url: str, target: str, accept: str) -> tuple[int, str]:
    import http.client

    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
    connection.request("GET", target, headers={"accept": accept})
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status, reply.headers["content-type"].partition(";")[0]


def test_a_job_that_fails_is_told_and_tried_again_and_one_runs_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = threading.Event()
    runs: list[int] = []
    ends: list[int] = []

    def fail() -> None:
        runs.append(1)
        if len(runs) > 1:
            done.set()
        raise HostFailed("host.file", "no luck today")

    def jobs(_services: Services, _app: App) -> list[Job]:
        return [Job(name="hopeless", work=fail, seconds=0.001), Job(name="last", work=lambda: ends.append(1), seconds=3600, at_end=True)]

    with serving(str(tmp_path), jobs=jobs) as world:
        assert done.wait(120)
        assert world.get("/health").status == 200
        assert ends == []
    assert ends == [1]
    assert "error: hopeless: " in capsys.readouterr().err


def test_what_was_counted_is_written_when_it_ends(tmp_path: Path) -> None:
    from mpp_registry.catalog import reading
    from mpp_registry.opening import opened
    from mpp_registry.wiring import jobs

    with serving(str(tmp_path), jobs=jobs) as world:
        world.register(somebody())
        world.publish(somebody())
        world.get("/v1/packages/com.example.hello/versions/0.1.0/download")
        clock, random = world.clock, world.random
    with opened(Options(data=str(tmp_path)), clock=clock, random=random, environment={}) as services, services.database.read() as rows:
        found = reading.package(rows, "com.example.hello")
    assert found is not None
    assert found.downloads == 1


def test_the_registrys_own_work_tells_what_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mpp_registry import wiring
    from mpp_registry.publishing.jobs import JobsRun

    monkeypatch.setattr(wiring, "run_jobs", lambda _: JobsRun(done=(), failed=(("namespaces", "host.dns"),)))
    with serving(str(tmp_path)) as world:
        wiring.clean(world.services)
        wiring.renew(world.services)
    assert "the job namespaces failed: host.dns" in capsys.readouterr().err


def test_a_broken_part_shows_in_health_and_names_nothing(tmp_path: Path) -> None:
    with serving(str(tmp_path)) as world:
        world.services.database.close()
        reply = world.get("/health")
        assert (reply.status, reply.json["status"]) == (503, "failing"), reply
        assert b"registry.db" not in world.get("/v1/search").body


def test_tls(tmp_path: Path) -> None:
    made = make_pair(tmp_path)
    cert, key = str(made.cert), str(made.key)
    at = Listening(listen="127.0.0.1:0", tls_cert=cert, tls_key=key)
    with started(Options(data=str(tmp_path / "r")), at, environment={}, write_line=lambda _: None) as found:
        ready = threading.Event()
        thread = threading.Thread(target=lambda: found.server.run(ready=ready.set))
        thread.start()
        assert ready.wait(120)
        context = ssl.create_default_context(cafile=cert)
        address = found.server.url.removeprefix("https://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", int(address)), timeout=120) as plain, context.wrap_socket(plain, server_hostname="localhost") as wire:
            wire.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        found.server.stop()
        thread.join(120)
    assert b"200 OK" in answer
    assert b"strict-transport-security" in answer


def test_its_work_beside_requests_keeps_public_files_and_the_list_of_peers_fresh(tmp_path: Path) -> None:
    from mpp_registry.wiring import jobs

    by = somebody()
    with serving(str(tmp_path)) as world:
        world.register(by)
        world.publish(by)
        switch(world.services, is_wanted=True)
        add_peer(world.services, Peer(chain=publisher("Other Registry").chain, url="https://other.example", namespaces=("*",)))
        world.clock.moment += LIST_RENEW_SECONDS
        for job in jobs(world.services, world.app):
            job.work()
        assert (tmp_path / "public" / "com.example.hello" / "0.1.0.mpp").is_file()
        with world.services.database.read() as rows:
            assert peers_of(rows, world.services.ledger.roots).at == world.clock.now()
