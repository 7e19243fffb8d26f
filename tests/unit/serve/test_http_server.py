"""The server: where it listens, what must be set before others may reach it, TLS, its start and its end."""

from __future__ import annotations

import http.client
import os
import resource
import select
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.home import Home
from mpp.host.system import FixedClock, SystemClock, SystemRandom
from mpp.model.agents import AgentIdentity
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.serve import http_server
from mpp.serve.http_server import OPEN_WORDS, HttpOptions, HttpServer, check_options, connections_for, read_listen, serve_http
from mpp.testing.backend import MemoryBackend, said
from mpp.testing.packages import NOW
from tests.certificates import make_pair
from tests.unit.host.access_tokens import RESOURCE, access, write_config
from tests.unit.serve.http_world import bearer, call_bytes, revoke_all, serving, token

HOME = Home(path="/nowhere")


def options(**changes: Any) -> HttpOptions:
    return HttpOptions(**{"home": HOME, **changes})


LISTEN = [("127.0.0.1:8808", ("127.0.0.1", 8808)), ("[::1]:0", ("::1", 0)), ("localhost:1", ("localhost", 1)), ("0.0.0.0:443", ("0.0.0.0", 443))]


@pytest.mark.parametrize(("text", "found"), LISTEN)
def test_places(text: str, found: tuple[str, int]) -> None:
    assert read_listen(text) == found


@pytest.mark.parametrize(
    "text", ["", "8808", "127.0.0.1", "127.0.0.1:65536", "example.com:80", "::1:80", "[::1]", "1.2.3.4.5:80", "999.1.1.1:80", "[::x]:80", "[1::2::3]:1"]
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_listen(text)
    assert refusal.value.code == "usage.listen"


SOUND: list[tuple[dict[str, Any], bool]] = [
    ({}, False),
    ({"listen": "[::1]:0"}, False),
    ({"listen": "0.0.0.0:1", "behind_proxy": True}, True),
    ({"listen": "0.0.0.0:1", "tls_cert": "c", "tls_key": "k"}, True),
    ({"listen": "0.0.0.0:1", "tls_cert": "c", "tls_key": "k", "oauth": "o"}, False),
    ({"behind_proxy": True}, True),
    ({"hosts": ("localhost",)}, False),
    ({"origins": ("https://console.example.com", "http://localhost:3000")}, False),
]


@pytest.mark.parametrize(("changes", "has_tokens"), SOUND)
def test_options_that_go_together(changes: dict[str, Any], has_tokens: bool) -> None:
    check_options(options(**changes), has_tokens=has_tokens)


UNSOUND: list[tuple[dict[str, Any], bool, str]] = [
    ({"listen": "0.0.0.0:1"}, False, "there are no tokens"),
    ({"listen": "0.0.0.0:1", "tls_cert": "c", "tls_key": "k"}, False, "there are no tokens"),
    ({"listen": "0.0.0.0:1"}, True, "in the open"),
    ({"listen": "10.0.0.5:1", "require_token": True}, False, "there are no tokens"),
    ({"hosts": ("mpp.example.com",)}, False, "there are no tokens"),
    ({"hosts": ("mpp.example.com",)}, True, "in the open"),
    ({"behind_proxy": True}, False, "there are no tokens"),
    ({"tls_cert": "c"}, False, "go together"),
    ({"tls_key": "k"}, False, "go together"),
    ({"origins": ("*",)}, False, "no origin"),
    ({"origins": ("https://a/b",)}, False, "no origin"),
    ({"rate": -1}, False, "a rate is"),
    ({"listen": "x"}, False, "no address"),
]


@pytest.mark.parametrize(("changes", "has_tokens", "words"), UNSOUND)
def test_options_that_do_not(changes: dict[str, Any], has_tokens: bool, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_options(options(**changes), has_tokens=has_tokens)
    assert words in refusal.value.message
    assert refusal.value.faults[0].hint


def make(tmp_path: Path, **changes: Any) -> HttpServer:
    return HttpServer(
        MemoryBackend(), options(**{"home": Home(path=str(tmp_path / "home")), "listen": "127.0.0.1:0", **changes}), SystemClock(), SystemRandom()
    )


def test_a_server_on_all_addresses_must_know_its_names(tmp_path: Path) -> None:
    token(tmp_path)
    with pytest.raises(Refused) as refusal:
        make(tmp_path, listen="0.0.0.0:0", behind_proxy=True)
    assert "--allow-host" in refusal.value.faults[0].hint


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path) as served, pytest.raises(HostFailed) as failure:
        make(tmp_path, listen=f"127.0.0.1:{served.port}")
    assert failure.value.code == "host.listen"


def test_a_server_that_was_stopped_before_it_ran(tmp_path: Path) -> None:
    server = make(tmp_path)
    server.stop()
    server.run()
    server.stop()


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A certificate for localhost and its key, as files."""
    made = make_pair(tmp_path)
    return str(made.cert), str(made.key)


def test_tls(tmp_path: Path, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    with serving(tmp_path, tls_cert=cert, tls_key=key) as served:
        assert served.server.url == f"https://127.0.0.1:{served.port}/mcp"
        context = ssl.create_default_context(cafile=cert)
        client = http.client.HTTPSConnection("localhost", served.port, context=context, timeout=20)
        client.request("GET", "/mcp")
        assert client.getresponse().status == 405
        client.close()
        # Plain HTTP to a port with TLS is no HTTP at all.
        assert not served.raw(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 2")


def test_certificates_that_cannot_be_used(tmp_path: Path, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    Path(tmp_path / "bad.pem").write_text("x")
    for pair in ((cert, cert), (key, key), (str(tmp_path / "none.pem"), key), (str(tmp_path / "bad.pem"), key)):
        with pytest.raises(HostFailed) as failure:
            make(tmp_path, tls_cert=pair[0], tls_key=pair[1])
        assert failure.value.code == "host.listen"


def who_am_i(who: Caller, call: ToolCall, live: Live) -> Outcome:
    return said(f"{who.tenant} {who.agent.name} {who.agent.level} {who.user}")


def test_a_token_decides_who_calls(tmp_path: Path) -> None:
    backend = MemoryBackend()
    backend.put("demo__who", who_am_i)
    with serving(tmp_path, backend, local=Caller(agent=AgentIdentity(name="desk", level="launched"))) as served:
        assert served.server.is_open
        assert served.call("demo__who").result["content"][0]["text"] == "local desk launched "
        first, second = token(tmp_path, user="ada"), token(tmp_path, "scout", tenant="other")
        assert served.call("demo__who").status == 401
        assert served.call("demo__who", headers=bearer(first)).result["content"][0]["text"] == "acme planner token ada"
        assert served.call("demo__who", headers=bearer(second)).result["content"][0]["text"] == "other scout token "
        revoke_all(tmp_path)
        assert served.call("demo__who", headers=bearer(first)).status == 401
        assert served.call("demo__who").status == 401


def test_a_token_can_be_demanded(tmp_path: Path) -> None:
    with serving(tmp_path, require_token=True) as served:
        found = served.modern("server/discover")
        assert (found.status, found.headers["www-authenticate"]) == (401, 'Bearer realm="mpp"')
        assert not served.server.is_open


def test_an_issuer_is_named_and_believed(tmp_path: Path) -> None:
    folder = tmp_path / "oauth"
    folder.mkdir()
    with serving(tmp_path, oauth=str(write_config(folder)), behind_proxy=True) as served:
        host = {"Host": "mpp.example.com"}
        for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
            found = served.ask("GET", path, headers=host)
            assert (found.status, found.json["resource"]) == (200, RESOURCE)
        assert served.ask("POST", "/.well-known/oauth-protected-resource", b"{}", headers=host).status == 404
        assert served.ask("GET", "/.well-known/oauth-protected-resource/x", headers=host).status == 404
        assert "resource_metadata=" in served.modern("server/discover", headers=host).headers["www-authenticate"]
        assert served.modern("server/discover", headers={**host, **bearer(access())}).status == 200
        lacking = served.modern("server/discover", headers={**host, **bearer(access(scope="other"))})
        assert (lacking.status, "insufficient_scope" in lacking.headers["www-authenticate"]) == (403, True)


def test_rates(tmp_path: Path) -> None:
    text, fast, other = token(tmp_path, rate=1), token(tmp_path), token(tmp_path, tenant="other")
    with serving(tmp_path, rate=2, tenant_rate=4) as served:
        assert served.call("demo__add", a=1, b=1, headers=bearer(text)).status == 200
        slow = served.call("demo__add", a=1, b=1, headers=bearer(text))
        assert (slow.status, 50 <= int(slow.headers["retry-after"]) <= 60) == (429, True)
        assert [served.call("demo__add", a=1, b=1, headers=bearer(fast)).status for _ in range(3)] == [200, 200, 429]
        # The tenant has one left, whoever asks for it; another tenant has its own.
        assert [served.call("demo__add", a=1, b=1, headers=bearer(token(tmp_path))).status for _ in range(2)] == [200, 429]
        assert served.call("demo__add", a=1, b=1, headers=bearer(other)).status == 200


def test_a_page_that_the_owner_added(tmp_path: Path) -> None:
    page, other = "https://console.example.com", "http://localhost:3000"
    with serving(tmp_path, require_token=True, origins=(page,)) as served:
        asked = {
            "Origin": page,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, mcp-param-region,authorization,x-evil",
        }
        found = served.ask("OPTIONS", headers=asked)
        assert (found.status, found.headers["access-control-allow-origin"]) == (200, page)
        assert found.headers["access-control-allow-headers"] == "content-type, mcp-param-region, authorization"
        assert "access-control-allow-credentials" not in found.headers
        # It may read answers, refusals among them.
        text = token(tmp_path)
        for headers, status in (({}, 401), (bearer(text), 200)):
            answer = served.call("demo__add", a=1, b=2, headers={**headers, "Origin": page})
            assert (answer.status, answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (status, page, "origin")
        # A page of this machine may call where it needs no leave, and reads nothing.
        assert served.ask("OPTIONS", headers={**asked, "Origin": other}).status == 401
        assert "access-control-allow-origin" not in served.call("demo__add", a=1, b=2, headers={**bearer(text), "Origin": other}).headers


NEVER = resource.RLIM_INFINITY
ROOM = [
    ((1024, 1024), (512, 1024)),
    ((1024, 20_000), (4096, 8192)),
    ((1024, 4000), (2000, 4000)),
    ((1024, NEVER), (4096, 8192)),
    ((NEVER, NEVER), (4096, NEVER)),
    ((20_000, 20_000), (4096, 20_000)),
    ((1, 1), (1, 1)),
]


@pytest.mark.parametrize(("limits", "found"), ROOM)
def test_connections_leave_descriptors_for_calls(limits: tuple[int, int], found: tuple[int, int]) -> None:
    assert connections_for(limits) == found


def test_a_process_with_few_descriptors_asks_for_more(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = 1000 if before[1] == NEVER else min(1000, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, before[1]))
    try:
        with serving(tmp_path) as served:
            assert served.call("demo__add", a=1, b=2).status == 200
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == connections_for((low, before[1]))[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_call_that_does_not_end_does_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HTTP_STOP_SECONDS_MAX", 0.05)
    started, ended, seen = threading.Event(), threading.Event(), []

    def wait(who: Caller, call: ToolCall, live: Live) -> Outcome:
        started.set()
        seen.append(select.select([live.gone_fd], [], [], 20)[0] == [live.gone_fd])
        ended.set()
        return said("x")

    with serving(tmp_path, MemoryBackend({"demo__wait": wait})) as served, served.connect() as client:
        client.sendall(call_bytes("demo__wait"))
        assert started.wait(20)
    # The server has not waited for it.
    assert ended.wait(20)
    assert seen == [True]


def test_the_command_says_where_it_serves_and_ends_by_a_signal(tmp_path: Path) -> None:
    home = Home(path=str(tmp_path / "home"))
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        # It serves in this very thread: the signal is taken as soon as the loop runs.
        os.kill(os.getpid(), 15)

    serve_http(MemoryBackend(), options(home=home, listen="127.0.0.1:0"), FixedClock(NOW), SystemRandom(), say=say)
    assert lines[0].startswith("Serving MCP at http://127.0.0.1:")
    assert lines[0].endswith(OPEN_WORDS)


def test_it_says_that_a_token_is_needed(tmp_path: Path) -> None:
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        raise Refused("usage.stopped", "enough", hint="x")

    with pytest.raises(MppError):
        serve_http(
            MemoryBackend(), options(home=Home(path=str(tmp_path)), listen="127.0.0.1:0", require_token=True), FixedClock(NOW), SystemRandom(), say=say
        )  # fmt: skip
    assert lines[0].endswith("; a token is needed")
