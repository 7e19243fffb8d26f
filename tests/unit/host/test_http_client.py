"""Hops to real servers on this machine, carried out in this process."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time

import pytest

from mpp.host.services import http_line, http_pool
from mpp.host.services.http_limits import IDLE_EACH_MAX, IDLE_MAX, REDIRECTS_MAX
from mpp.host.services.http_line import Patience, Resolver
from mpp.host.services.http_pool import Place, Pool
from mpp.host.services.http_types import HttpConfig, HttpRefusal, HttpResponse, Stopped, Target
from tests.unit.host.http_sites import NAME, OTHER, VALUE, Inline, Site, answer, authority, get, local, rights, rule, secret


@pytest.fixture
def inline():
    made = Inline()
    yield made
    made.close()


def echo(request: bytes) -> bytes:
    return answer(request)


@pytest.mark.parametrize("tls", [False, True])
def test_a_request_reaches_the_site_and_its_answer_the_guest(inline, tls):
    scheme = "https" if tls else "http"
    with Site(lambda _: answer(b"hi", headers="X-A: b\r\nSet-Cookie: c=d\r\nConnection: keep-alive\r\n"), tls=tls) as site:
        found = inline.fetch(get(f"{scheme}://{NAME}:{site.port}/a?b", ("X-Mine", "1")), local(site))
        assert found == HttpResponse(
            status=200,
            headers=(("X-A", "b"), ("Set-Cookie", "c=d")),
            body=b"hi",
            url=f"{scheme}://{NAME}:{site.port}/a?b",
            observed=(f"{NAME}:{site.port}",),
            secrets=(),
            echoed=(),
        )
        assert site.requests[0].startswith(b"GET /a?b HTTP/1.1\r\nHost: " + f"{NAME}:{site.port}\r\n".encode())
        assert b"\r\nX-Mine: 1\r\n" in site.requests[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_body_is_sent_whole(inline, method):
    body = bytes(range(256)) * 4000
    with Site(lambda request: answer(str(len(request.partition(b"\r\n\r\n")[2])).encode())) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/", method=method, body=body), local(site))
        assert isinstance(found, HttpResponse)
        assert found.body == str(len(body)).encode()
        assert site.requests[0].endswith(body)


def test_an_answer_is_inflated_and_the_head_has_none(inline):
    with Site(lambda request: answer(b"" if request.startswith(b"HEAD") else gzip.compress(b"hello"), headers="Content-Encoding: gzip\r\n")) as site:
        assert inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)).body == b"hello"
        assert inline.fetch(get(f"http://{NAME}:{site.port}/", method="HEAD"), local(site)).body == b""


def test_connections_are_reused_for_one_package_only(inline):
    with Site(echo) as site:
        for _ in range(5):
            inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
        assert site.connections == 1
        inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site, package="org.example.another"))
        assert site.connections == 2
        assert inline.asked == [NAME, NAME], "a name is resolved once for each connection"


def test_a_connection_that_the_server_ends_is_not_reused(inline):
    with Site(lambda _: answer(headers="Connection: close\r\n")) as site:
        for _ in range(3):
            assert inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)).status == 200
        assert site.connections == 3


def test_a_stale_connection_is_replaced_for_what_may_be_repeated(inline):
    calls = []

    def once(request: bytes) -> bytes | None:
        calls.append(request)
        return None if len(calls) == 2 else answer()

    with Site(once) as site:
        for _ in range(2):
            assert inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)).status == 200
        assert (len(calls), site.connections) == (3, 2)


def test_a_request_that_changes_something_is_never_sent_twice(inline):
    calls = []

    def once(request: bytes) -> bytes | None:
        calls.append(request)
        return None if len(calls) == 2 else answer()

    with Site(once) as site:
        inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
        found = inline.fetch(get(f"http://{NAME}:{site.port}/", method="POST"), local(site))
        assert (found.code, len(calls)) == ("protocol", 2)


def test_a_site_that_says_nothing_is_a_protocol_error(inline):
    with Site(lambda _: None) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
        assert (found.code, found.observed, site.connections) == ("protocol", (f"{NAME}:{site.port}",), 1)


def test_nobody_there_is_a_connect_error(inline):
    with Site(echo) as site:
        port, given = site.port, local(site)
    assert inline.fetch(get(f"http://{NAME}:{port}/"), given).code == "connect"


def test_the_next_address_is_tried():
    with Site(echo) as site:
        one = Inline({NAME: "127.0.0.9 127.0.0.1"})
        assert one.fetch(get(f"http://{NAME}:{site.port}/"), local(site)).status == 200
        one.close()


def test_a_name_without_an_address_is_unresolvable():
    def fail(host: str, port: int):
        raise OSError("no such name")

    one = Inline()
    one.client = type(one.client)(HttpConfig(), fail)
    found = one.fetch(get(f"http://{NAME}/"), rights(rule(NAME)))
    assert (found.code, found.observed) == ("unresolvable", ())


def test_a_public_name_is_asked_for_absolutely():
    one = Inline({NAME: "10.0.0.1"})
    assert one.fetch(get(f"http://{NAME}/"), rights(rule(NAME))).code == "blocked_address"
    assert one.asked == [NAME + "."]


def test_a_certificate_for_another_name_is_refused(inline):
    name = "wrong.example.net"
    with Site(echo, tls=True) as site:
        found = inline.fetch(get(f"https://{name}:{site.port}/"), local(site, name=name))
        assert (found.code, site.requests) == ("tls", [])


def test_an_unknown_authority_is_refused():
    one = Inline(config=HttpConfig())
    with Site(echo, tls=True) as site:
        found = one.fetch(get(f"https://{NAME}:{site.port}/"), local(site), (secret(f"{NAME}:{site.port}"),))
        assert (found.code, found.secrets, site.requests) == ("tls", (), [])


def test_plain_text_where_tls_is_due_is_refused(inline):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            conn, _ = listener.accept()
            with conn:
                conn.recv(100)
                conn.sendall(answer(status="400 Bad"))

        threading.Thread(target=serve, daemon=True).start()
        given = rights(rule(NAME, port), private=(f"{NAME}:{port}",))
        assert inline.fetch(get(f"https://{NAME}:{port}/"), given).code == "tls"


def test_old_tls_is_refused(inline):
    with Site(echo, tls=True) as site:
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            site.tls.maximum_version = ssl.TLSVersion.TLSv1_1
        assert inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site)).code == "tls"


@pytest.mark.parametrize("tear", [True, False])
def test_an_answer_without_length_ends_with_a_proper_end_of_tls(inline, tear):
    with Site(lambda _: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome", tls=True, tear=tear) as site:
        found = inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site))
        assert (found.code if tear else found.body) == ("protocol" if tear else b"some")


def test_authorities_that_cannot_be_read_are_the_hosts_fault(tmp_path):
    one = Inline(config=HttpConfig(extra_ca_file=str(tmp_path / "absent.pem")))
    assert one.fetch(get(f"https://{NAME}/"), rights(rule(NAME))).code == "unavailable"


def test_no_memory_is_the_hosts_fault(inline, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr("mpp.host.services.http_client.open_body", full)
    with Site(echo) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
        assert (found.code, found.observed) == ("unavailable", (f"{NAME}:{site.port}",))


def test_an_early_answer_to_a_long_request_counts(inline):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        conn, _ = listener.accept()
        conn.recv(1000)
        conn.sendall(answer(b"too much", status="413 Too Large", headers="Connection: close\r\n"))
        conn.shutdown(socket.SHUT_WR)
        while conn.recv(1 << 20):
            pass
        conn.close()

    threading.Thread(target=serve, daemon=True).start()
    given = rights(rule(NAME, port), private=(f"{NAME}:{port}",))
    assert inline.fetch(get(f"http://{NAME}:{port}/", method="POST", body=bytes(2_000_000)), given).status == 413
    listener.close()


# --- redirects


def redirecting(status: int, place: str):
    return lambda request: answer(status=f"{status} Go", headers=f"Location: {place}\r\n") if b" /start" in request.split(b"\r\n")[0] else answer(request)


@pytest.mark.parametrize(
    ("status", "method", "after"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"), (308, "POST", "POST"), (301, "PUT", "PUT"), (302, "DELETE", "DELETE"),
        (303, "HEAD", "HEAD"), (301, "GET", "GET"),
    ],
)  # fmt: skip
def test_redirects_keep_or_change_the_method(inline, status, method, after):
    body = b"" if method in {"GET", "HEAD"} else b"payload"
    with Site(redirecting(status, "next?x=1#part")) as site:
        headers = (("Content-Type", "text/x"), ("X-Keep", "1"))
        found = inline.fetch(get(f"http://{NAME}:{site.port}/start", *headers, method=method, body=body), local(site))
        assert found.url == f"http://{NAME}:{site.port}/next?x=1"
        second = site.requests[1]
        assert second.startswith(f"{after} /next?x=1 HTTP".encode())
        assert b"X-Keep" in second
        assert (b"Content-Type" in second, second.endswith(b"payload")) == ((True, bool(body)) if after == method else (False, False))


def test_a_redirect_is_given_as_it_is_if_the_guest_wants_that(inline):
    with Site(redirecting(302, "https://anywhere.example.net/")) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/start", follow=False), local(site))
        assert (found.status, dict(found.headers)["Location"]) == (302, "https://anywhere.example.net/")


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_answers_with_a_location_are_no_redirects(inline, status):
    with Site(redirecting(status, "/next")) as site:
        assert inline.fetch(get(f"http://{NAME}:{site.port}/start"), local(site)).status == status


def test_a_redirect_without_a_place_is_an_answer(inline):
    with Site(lambda _: answer(status="302 Found")) as site:
        assert inline.fetch(get(f"http://{NAME}:{site.port}/start"), local(site)).status == 302


def test_redirects_end(inline):
    with Site(lambda _: answer(status="302 Found", headers="Location: /\r\n")) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
        assert (found.code, len(site.requests), found.observed) == ("redirect", REDIRECTS_MAX + 1, (f"{NAME}:{site.port}",))


PLACES = [
    "http://elsewhere.example.net/", "//elsewhere.example.net/", "http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/", "http://0x7f.1/", "ftp://api.example.com/", "javascript:x",
    "http://user@api.example.com/", "http://[", "https://api.example.com:1/", "http:\\\\127.0.0.1\\", "/a b", "/\x01",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_redirect_leads_only_where_a_rule_allows(inline, place):
    with Site(redirecting(302, place)) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/start"), local(site))
        assert isinstance(found, HttpRefusal)
        assert found.code in {"redirect", "protocol"}
        assert len(site.requests) == 1
        assert found.observed == (f"{NAME}:{site.port}",)


def test_two_places_are_none(inline):
    with Site(lambda _: answer(status="302 Found", headers="Location: /a\r\nLocation: /b\r\n")) as site:
        assert inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)).code == "redirect"


def test_credentials_of_the_guest_stay_with_their_origin(inline):
    with Site(echo) as second, Site(redirecting(307, f"http://{OTHER}:{second.port}/next")) as first:
        given = rights(rule(NAME, first.port), rule(OTHER, second.port), private=(f"{NAME}:{first.port}", f"{OTHER}:{second.port}"))
        headers = (("Authorization", "Basic mine"), ("Cookie", "a=b"), ("X-Other", "kept"))
        found = inline.fetch(get(f"http://{NAME}:{first.port}/start", *headers), given)
        assert b"Basic mine" in first.requests[0]
        assert b"X-Other: kept" in second.requests[0]
        assert b"Authorization" not in second.requests[0]
        assert b"Cookie" not in second.requests[0]
        assert found.observed == (f"{NAME}:{first.port}", f"{OTHER}:{second.port}")


# --- time


def test_the_time_of_the_guest_and_of_the_call_are_told_apart(inline):
    gate = threading.Event()
    with Site(lambda _: answer() if gate.wait(30) else None) as site:
        assert inline.fetch(get(f"http://{NAME}:{site.port}/", timeout_ms=1000), local(site)).code == "timeout"
        assert inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site), seconds=1).code == "deadline"
        assert inline.fetch(get(f"http://{NAME}:{site.port}/", timeout_ms=1), local(site), seconds=-1).code == "deadline"
        gate.set()


def test_a_resolver_that_hangs_is_left_behind():
    gate = threading.Event()
    resolver = Resolver(lambda host, port: [("127.0.0.1", port)] if gate.wait(60) else [], most=1)
    target = Target(scheme="http", host=NAME, port=80, path="/")
    with pytest.raises(Stopped) as caught:
        resolver.answer(target, Patience(time.monotonic() + 0.05), private=True, key="k")
    assert caught.value.code == "timeout"
    with pytest.raises(Stopped) as caught:
        resolver.answer(target, Patience(time.monotonic() + 60), private=True, key="k")
    assert caught.value.code == "unavailable"
    gate.set()


def test_addresses_that_do_not_answer_share_the_time(monkeypatch):
    sites = [("127.0.0.1", 1), ("127.0.0.1", 2)]
    seen = []

    def never(address, patience, until):
        seen.append(until - time.monotonic())

    monkeypatch.setattr(http_line, "_connect_one", never)
    with pytest.raises(Stopped) as caught:
        http_line.connect(tuple(sites), Patience(time.monotonic() + 1000))
    assert caught.value.code == "connect"
    assert 400 < seen[0] < 510
    assert 900 < seen[1] < 1010


def test_the_families_take_turns():
    six = [(f"2606:4700::{n}", 443, 0, 0) for n in range(3)]
    four = [("8.8.8.8", 443)]
    assert http_line.in_turn((*six, *four)) == [six[0], four[0], six[1], six[2]]
    assert http_line.in_turn(tuple(six)) == six


def test_a_family_that_this_machine_lacks_is_no_line(monkeypatch):
    line = http_line._connect_one(("not an address", 1), Patience(time.monotonic() + 1), time.monotonic() + 1)
    assert line is None


# --- the pool


class FakeLine:
    def __init__(self, quiet: bool = True) -> None:
        self.made = self.used = 0.0
        self.quiet, self.closed = quiet, False

    def is_quiet(self) -> bool:
        return self.quiet

    def close(self) -> None:
        self.closed = True


def place(key: str = "a", host: str = NAME) -> Place:
    return Place(key, "https", host, 443)


def test_the_pool_gives_a_line_once_and_only_for_its_place():
    pool, line = Pool(lambda: 1.0), FakeLine()
    pool.put(place(), line)
    assert pool.take(place("b")) is None
    assert pool.take(place(host=OTHER)) is None
    assert pool.take(Place("a", "http", NAME, 443)) is None
    assert pool.take(place()) is line
    assert pool.take(place()) is None


def test_lines_that_are_old_noisy_or_too_many_are_closed():
    now = [0.0]
    pool = Pool(lambda: now[0])
    noisy, idle, aged = FakeLine(quiet=False), FakeLine(), FakeLine()
    pool.put(place(), noisy)
    assert pool.take(place()) is None
    assert noisy.closed
    pool.put(place(), idle)
    now[0] = 10.0
    assert pool.take(place(), 3.0) is None
    now[0] = http_pool.IDLE_SECONDS_MAX + 0.1
    assert pool.take(place()) is None
    assert idle.closed
    now[0] = http_pool.AGE_SECONDS_MAX + 1
    pool.put(place(), aged)
    assert pool.take(place()) is None
    assert aged.closed
    each = [FakeLine() for _ in range(IDLE_EACH_MAX + 1)]
    for one in each:
        one.made = now[0]
        pool.put(place(), one)
    assert [one.closed for one in each] == [True] + [False] * IDLE_EACH_MAX
    for number in range(IDLE_MAX):
        one = FakeLine()
        one.made = now[0]
        pool.put(place(str(number)), one)
    assert len(pool) == IDLE_MAX
    assert all(one.closed for one in each)
    pool.close()
    assert len(pool) == 0


def test_a_secret_is_sent_and_told(inline):
    with Site(lambda _: answer(b"fine"), tls=True) as site:
        found = inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site), (secret(f"{NAME}:{site.port}"),))
        assert (found.body, found.secrets, found.echoed) == (b"fine", ("API_KEY",), ())
        assert f"Authorization: Bearer {VALUE}\r\n".encode() in site.requests[0]
    assert authority()[0].endswith(".pem")
