"""T40, the network: a hostile tool that wants to go elsewhere, and a hostile server that wants to harm the host or learn a secret.

Sites are real servers on this machine; the policy of the tests opens exactly their ports. Names are resolved by the tests' own resolver.
"""

from __future__ import annotations

import base64
import gzip
import socket
import threading
import time
import zlib

import pytest

from mpp.host.services.http_limits import RESPONSE_BODY_MAX
from mpp.host.services.http_types import HttpRefusal, HttpResponse
from tests.unit.host.http_sites import NAME, OTHER, VALUE, Inline, Site, answer, get, local, rights, rule, secret

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def inline():
    made = Inline()
    yield made
    made.close()


def refused(found: HttpResponse | HttpRefusal, *codes: str) -> HttpRefusal:
    assert isinstance(found, HttpRefusal), found
    assert found.code in codes
    assert VALUE not in found.message
    assert "127.0.0" not in found.message
    return found


def works(inline: Inline, site: Site) -> None:
    """The next call finds everything as it was."""
    site.respond = lambda _: answer(b"next")
    found = inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
    assert isinstance(found, HttpResponse)
    assert found.body == b"next"


# --- a tool that wants to go elsewhere


NOTATIONS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost", "localhost.", "LOCALHOST", "127.0.0.1.", "①②⑦.⓪.⓪.①", "127。0。0。1", "[::1%25lo]", "[0:0:0:0:0:0:0:1]", "127.0.0.1.nip.io", "localtest.me",
    "user@127.0.0.1", "api.example.com@127.0.0.1", "127.0.0.1#@api.example.com", "127.0.0.1?@api.example.com", "127.0.0.1\\@api.example.com", "api.example.com\\@127.0.0.1", "%31%32%37.0.0.1", "169.254.169.254",
    "api.example.com%00.evil.test", "api.example.com\t", "api.example.com\r\nHost: x",
]  # fmt: skip


@pytest.mark.parametrize("host", NOTATIONS)
def test_no_notation_of_an_address_reaches_this_machine(inline, host):
    with Site(lambda _: answer(b"inside")) as site:
        given = rights(rule(NAME, site.port, 80), rule("*.example.org"))
        for url in (f"http://{host}:{site.port}/", f"http://{host}/"):
            refused(inline.fetch(get(url), given), "not_declared", "bad_request")
        assert (site.connections, inline.asked) == (0, [])


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "64:ff9b::a00:1", "0.0.0.0", "8.8.8.8 127.0.0.1", "127.0.0.1 8.8.8.8"],
)
def test_a_declared_name_with_an_address_inside_is_blocked(address):
    with Site(lambda _: answer(b"inside")) as site:
        one = Inline({NAME: address})
        found = refused(one.fetch(get(f"http://{NAME}:{site.port}/"), rights(rule(NAME, site.port))), "blocked_address")
        assert (found.observed, site.connections) == ((), 0)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "127.0.0.1 169.254.169.254"]
)
def test_no_policy_opens_the_metadata_service(address):
    one = Inline({NAME: address})
    given = rights(rule(NAME), private=(f"{NAME}:80", f"{NAME}:443"))
    refused(one.fetch(get(f"http://{NAME}/latest/meta-data/"), given), "blocked_address")


def test_policy_opens_one_port_and_no_other(inline):
    with Site(lambda _: answer()) as site, Site(lambda _: answer(b"inside")) as other:
        given = rights(rule(NAME, site.port, other.port), private=(f"{NAME}:{site.port}",))
        assert isinstance(inline.fetch(get(f"http://{NAME}:{site.port}/"), given), HttpResponse)
        refused(inline.fetch(get(f"http://{NAME}:{other.port}/"), given), "blocked_address")
        assert other.connections == 0


class Rebinding(Inline):
    """A name server whose second answer is another one."""

    def resolve(self, host: str, port: int):
        self.asked.append(host)
        return [("127.0.0.1" if len(self.asked) == 1 else "127.0.0.2", port)]


def test_a_name_that_is_bound_anew_is_asked_once():
    one = Rebinding()
    with Site(lambda _: answer(b"checked")) as site:
        other = socket.create_server(("127.0.0.2", site.port))
        other.settimeout(0.05)
        try:
            for _ in range(5):
                found = one.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
                assert isinstance(found, HttpResponse)
                assert found.body == b"checked"
            assert len(one.asked) == 1
            with pytest.raises(TimeoutError):
                other.accept()
        finally:
            other.close()
            one.close()


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://2130706433:{port}/", "//127.0.0.1:{port}/",
        "http://other.example.org:{port}/", "http://api.example.com:{port}@127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://api.example.com:22/",
    ],
)  # fmt: skip
def test_a_redirect_opens_nothing(inline, place):
    with Site(lambda _: answer(b"inside")) as inside:
        target = place.replace("{port}", str(inside.port))
        with Site(lambda _: answer(status="302 Found", headers=f"Location: {target}\r\n")) as site:
            refused(inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)), "redirect")
            assert (len(site.requests), inside.connections) == (1, 0)


def test_a_redirect_to_a_declared_name_with_an_address_inside_is_blocked():
    one = Inline({OTHER: "10.0.0.1"})
    with Site(lambda _: answer(status="302 Found", headers=f"Location: http://{OTHER}/\r\n")) as site:
        given = rights(rule(NAME, site.port), rule(OTHER), private=(f"{NAME}:{site.port}",))
        found = refused(one.fetch(get(f"http://{NAME}:{site.port}/"), given), "blocked_address")
        assert found.observed == (f"{NAME}:{site.port}",)
        one.close()


def test_a_redirect_never_leaves_tls(inline):
    with (
        Site(lambda _: answer(b"plain")) as plain,
        Site(lambda _: answer(status="302 Found", headers=f"Location: http://{NAME}:{plain.port}/\r\n"), tls=True) as site,
    ):
        refused(inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site, plain)), "redirect")
        assert plain.connections == 0


SMUGGLED = [
    ("X", "a\r\nHost: evil.test"), ("X", "a\nb: c"), ("X", "a\rb"), ("X", "a\0"), ("X\r\nY", "a"), ("X: y\r\nZ", "a"), ("Host", "evil.test"), ("HOST", "evil.test"), ("Content-Length", "0"),
    ("content_length", "0"), ("Transfer-Encoding", "chunked"), ("Transfer_Encoding", "chunked"), ("Transfer-Encoding\t", "chunked"), (" Transfer-Encoding", "chunked"), ("Connection", "Authorization"),
    ("Connection", "close"), ("Upgrade", "h2c"), ("HTTP2-Settings", "x"), ("TE", "trailers"), ("Trailer", "x"), ("Proxy-Authorization", "x"), ("Proxy-Connection", "x"), ("Expect", "100-continue"),
    ("Keep-Alive", "x"), ("Forwarded", "for=127.0.0.1"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "evil.test"), ("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/admin"), ("", "x"), ("ä", "x"),
]  # fmt: skip


@pytest.mark.parametrize("header", SMUGGLED)
def test_no_header_smuggles_a_request(inline, header):
    with Site(lambda _: answer()) as site:
        refused(inline.fetch(get(f"http://{NAME}:{site.port}/", header), local(site)), "bad_request")
        assert site.connections == 0
        works(inline, site)


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nHost: x\r\n\r\nGET", "TRACE", "CONNECT", "PRI", "get", ""])
def test_no_method_smuggles_a_request(inline, method):
    with Site(lambda _: answer()) as site:
        refused(inline.fetch(get(f"http://{NAME}:{site.port}/", method=method), local(site)), "bad_request")
        assert site.connections == 0


# --- a server that wants to harm the host


BOMBS = {
    "gzip": (answer(gzip.compress(bytes(64 * 1024 * 1024), 9), headers="Content-Encoding: gzip\r\n"), "too_large"),
    "deflate": (answer(zlib.compress(bytes(64 * 1024 * 1024), 9), headers="Content-Encoding: deflate\r\n"), "too_large"),
    "gzip in gzip": (answer(gzip.compress(gzip.compress(bytes(1000))), headers="Content-Encoding: gzip, gzip\r\n"), "protocol"),
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "too_large"),
    "chunk": (CHUNKED + b"ffffffff\r\n", "too_large"),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "protocol"),
    "long header": (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000, "protocol"),
    "long trailer": (CHUNKED + b"0\r\n" + b"X: y\r\n" * 100_000, "protocol"),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, "protocol"),
    "both lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "protocol"),
    "chunk lies": (CHUNKED + b"1\r\nhello\r\n0\r\n\r\n", "protocol"),
    "split": (b"HTTP/1.1 200 OK\r\nX: a\rHTTP/1.1 200 OK\r\n\r\n", "protocol"),
    "not http": (b"\x16\x03\x01" * 1000 + b"\n", "protocol"),
    "switching": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "protocol"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_as_a_refusal_and_the_next_call_works(inline, bomb):
    data, code = BOMBS[bomb]
    with Site(lambda _: data) as site:
        refused(inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)), code)
        works(inline, site)
        # What was framed properly leaves the line sound, whatever the body is.
        assert site.connections == (1 if "Content-Encoding" in str(data[:200]) else 2), "a line that spoke nonsense is not used again"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED])
def test_an_endless_body_stops_at_the_limit(inline, head):
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if head == CHUNKED else b"x" * 65536
    with Site(lambda _: head + piece * (RESPONSE_BODY_MAX // 65536 + 2)) as site:
        refused(inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site)), "too_large")
        works(inline, site)


TRICKLES = {
    "silence": (b"", b""),
    "status": (b"", b"H"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "chunks": (CHUNKED, b"1\r\nx\r\n"),
    "chunk line": (CHUNKED, b"0"),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("kind", TRICKLES)
def test_a_trickle_ends_with_the_time(inline, kind):
    first, drop = TRICKLES[kind]
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        conn, _ = listener.accept()
        with conn:
            try:
                conn.sendall(first)
                while not stop.wait(0.01):
                    conn.sendall(drop)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    given = rights(rule(NAME, port), private=(f"{NAME}:{port}",))
    began = time.monotonic()
    refused(inline.fetch(get(f"http://{NAME}:{port}/", timeout_ms=200), given, seconds=600), "timeout", "protocol")
    assert time.monotonic() - began < 60, "far below the time of the call"
    stop.set()
    thread.join(5)
    listener.close()


def test_a_server_that_does_not_read_ends_with_the_time(inline):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        given = rights(rule(NAME, port), private=(f"{NAME}:{port}",))
        found = inline.fetch(get(f"http://{NAME}:{port}/", method="POST", body=bytes(4_000_000), timeout_ms=200), given)
        refused(found, "timeout")


def test_a_handshake_that_never_ends_ends_with_the_time(inline):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        given = rights(rule(NAME, port), private=(f"{NAME}:{port}",))
        refused(inline.fetch(get(f"https://{NAME}:{port}/", timeout_ms=200), given), "timeout")


def test_an_answer_sent_ahead_is_no_answer_to_the_next_request(inline):
    ahead = answer(b"first") + answer(b"poison")
    with Site(lambda _: ahead) as site:
        found = inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site))
        assert isinstance(found, HttpResponse)
        assert found.body == b"first"
        works(inline, site)


def test_an_answer_that_comes_while_nobody_asks_is_thrown_away(inline):
    sent = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        conn, _ = listener.accept()
        conn.recv(10_000)
        conn.sendall(answer(b"first"))
        time.sleep(0.1)
        conn.sendall(answer(b"poison"))
        sent.set()
        second, _ = listener.accept()
        second.recv(10_000)
        second.sendall(answer(b"second"))
        conn.close()
        second.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    given = rights(rule(NAME, port), private=(f"{NAME}:{port}",))
    bodies = [inline.fetch(get(f"http://{NAME}:{port}/"), given).body]
    assert sent.wait(60)
    bodies.append(inline.fetch(get(f"http://{NAME}:{port}/"), given).body)
    assert bodies == [b"first", b"second"]
    thread.join(5)
    listener.close()


def test_one_package_never_speaks_on_the_connection_of_another(inline):
    with Site(lambda _: answer()) as site:
        for package in ("org.example.a", "org.example.b", "org.example.a", "org.example.b"):
            inline.fetch(get(f"http://{NAME}:{site.port}/"), local(site, package=package))
        assert site.connections == 2


# --- secrets


def given_secret(site: Site, **more: str):
    return (secret(f"{NAME}:{site.port}", **more),)


ECHOES = {
    "body": answer,
    "header": lambda request: answer(headers="X-Echo: " + VALUE + "\r\n"),
    "gzip": lambda request: answer(gzip.compress(request), headers="Content-Encoding: gzip\r\n"),
    "deflate": lambda request: answer(zlib.compress(request), headers="Content-Encoding: deflate\r\n"),
    "base64": lambda request: answer(base64.b64encode(request)),
    "hex": lambda request: answer(request.hex().upper().encode()),
    "chunks": lambda request: CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in request) + b"0\r\n\r\n",
    "error": lambda request: answer(b"bad token: " + VALUE.encode(), status="401 Unauthorized"),
    "until the end": lambda request: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + request,
}


@pytest.mark.parametrize("echo", ECHOES)
def test_an_echo_of_the_secret_does_not_reach_the_tool(inline, echo):
    with Site(ECHOES[echo], tls=True) as site:
        found = inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site), given_secret(site))
        assert isinstance(found, HttpResponse), found
        assert VALUE.encode() in site.requests[0]
        everything = repr(found).encode() + found.body
        assert not any(form in everything for form in (VALUE.encode(), VALUE.encode().hex().upper().encode(), base64.b64encode(VALUE.encode()[1:])[2:-6]))
        assert (found.secrets, found.echoed) == (("API_KEY",), ("API_KEY",))


@pytest.mark.parametrize("coding", ["br", "zstd", "x-rot13"])
def test_an_answer_in_an_encoding_that_cannot_be_searched_is_refused(inline, coding):
    with Site(lambda request: answer(request, headers=f"Content-Encoding: {coding}\r\n"), tls=True) as site:
        refused(inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site), given_secret(site)), "protocol")


def test_a_tool_cannot_have_an_echo_in_pieces(inline):
    with Site(lambda request: answer(request[-1:], status="206 Partial"), tls=True) as site:
        for header in (("Range", "bytes=0-0"), ("If-Range", "x"), ("range", "bytes=0-0,1-1")):
            refused(inline.fetch(get(f"https://{NAME}:{site.port}/", header), local(site), given_secret(site)), "not_granted")
        assert site.connections == 0


def test_the_secret_goes_to_its_own_origin_alone(inline):
    with (
        Site(lambda _: answer(), tls=True) as site,
        Site(lambda _: answer()) as plain,
        Site(lambda _: answer(), tls=True) as other_port,
        Site(lambda _: answer(), tls=True) as other,
    ):
        ports = (site.port, plain.port, other_port.port, other.port)
        given = rights(rule(NAME, *ports), rule(OTHER, *ports), private=tuple(f"{host}:{port}" for host in (NAME, OTHER) for port in ports))
        for url in (f"http://{NAME}:{plain.port}/", f"https://{NAME}:{other_port.port}/", f"https://{OTHER}:{other.port}/", f"https://{OTHER}:{site.port}/"):
            found = inline.fetch(get(url), given, given_secret(site))
            assert isinstance(found, HttpResponse)
            assert found.secrets == ()
        sent = b"".join(request for one in (site, plain, other_port, other) for request in one.requests)
        assert VALUE.encode() not in sent
        assert b"Authorization" not in sent


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_secret_is_not_carried_over_a_redirect(inline, status):
    with (
        Site(lambda _: answer(), tls=True) as other,
        Site(lambda _: answer(status=f"{status} Go", headers=f"Location: https://{OTHER}:{other.port}/\r\n"), tls=True) as site,
    ):
        ports = (site.port, other.port)
        given = rights(rule(NAME, *ports), rule(OTHER, *ports), private=(f"{NAME}:{site.port}", f"{OTHER}:{other.port}"))
        found = inline.fetch(get(f"https://{NAME}:{site.port}/"), given, given_secret(site))
        assert isinstance(found, HttpResponse)
        assert VALUE.encode() in site.requests[0]
        assert VALUE.encode() not in other.requests[0]
        assert found.secrets == ("API_KEY",)


def test_after_a_redirect_each_origin_gets_its_own_secret(inline):
    own = "other-" + "origins-own-token"
    with (
        Site(lambda _: answer(), tls=True) as other,
        Site(lambda _: answer(status="307 Go", headers=f"Location: https://{OTHER}:{other.port}/\r\n"), tls=True) as site,
    ):
        given = rights(rule(NAME, site.port), rule(OTHER, other.port), private=(f"{NAME}:{site.port}", f"{OTHER}:{other.port}"))
        secrets = (*given_secret(site), secret(f"{OTHER}:{other.port}", own, name="OTHER_KEY", header="X-Api-Key", layout="{secret}"))
        # The tool's own header of that name was meant for the first origin.
        found = inline.fetch(get(f"https://{NAME}:{site.port}/", ("X-Api-Key", "mine")), given, secrets)
        assert isinstance(found, HttpResponse)
        assert (VALUE.encode() in site.requests[0], own.encode() in site.requests[0]) == (True, False)
        assert other.requests[0].count(b"X-Api-Key") == 1
        assert f"X-Api-Key: {own}".encode() in other.requests[0]
        assert found.secrets == ("API_KEY", "OTHER_KEY")


@pytest.mark.parametrize(
    "form",
    [VALUE.replace(" ", "%20"), "%73k-" + VALUE[3:].replace(" ", "%20"), VALUE.encode().hex(), base64.b64encode(VALUE.encode()).decode().replace("+", "%2B")],
)
def test_a_server_cannot_hand_the_secret_on_in_a_redirect(inline, form):
    with (
        Site(lambda _: answer(), tls=True) as other,
        Site(lambda _: answer(status="302 Go", headers=f"Location: https://{OTHER}:{other.port}/?k={form}\r\n"), tls=True) as site,
    ):
        given = rights(rule(NAME, site.port), rule(OTHER, other.port), private=(f"{NAME}:{site.port}", f"{OTHER}:{other.port}"))
        refused(inline.fetch(get(f"https://{NAME}:{site.port}/"), given, given_secret(site)), "not_granted", "redirect")
        assert other.connections == 0


@pytest.mark.parametrize("host", [NAME, OTHER])
def test_a_tool_that_holds_the_value_cannot_send_it_anywhere(inline, host):
    coded = base64.b64encode(b"u:" + VALUE.encode())
    with Site(lambda _: answer(), tls=True) as site:
        given = local(site, name=host)
        secrets = (secret(f"{NAME}:{site.port}"),)
        base = f"https://{host}:{site.port}/"
        quoted = VALUE.replace("/", "%2F").replace("+", "%2B").replace(" ", "%20")
        for request in (
            get(base + "?k=" + quoted), get(base + quoted), get(base, ("X-Key", VALUE)), get(base, ("X-Key", coded.decode())), get(base, method="POST", body=b"k=" + VALUE.encode()),
            get(base, method="POST", body=coded), get(base, method="POST", body=VALUE.encode().hex().encode()),
        ):  # fmt: skip
            refused(inline.fetch(request, given, secrets), "not_granted")
        assert site.connections == 0


def test_a_tool_cannot_set_the_header_of_the_secret(inline):
    with Site(lambda _: answer(), tls=True) as site:
        for name in ("Authorization", "AUTHORIZATION"):
            refused(inline.fetch(get(f"https://{NAME}:{site.port}/", (name, "Bearer mine")), local(site), given_secret(site)), "bad_request")
        assert site.connections == 0


@pytest.mark.parametrize("value", ["abc\r\nX-Evil: 1", "abc\n", "a\0bcdef"])
def test_a_secret_with_a_line_end_is_not_sent(inline, value):
    with Site(lambda _: answer(), tls=True) as site:
        found = refused(inline.fetch(get(f"https://{NAME}:{site.port}/"), local(site), given_secret(site, value=value)), "unavailable")
        assert value.strip() not in found.message
        assert site.requests == []


def test_an_error_of_tls_says_nothing_of_the_secret():
    from mpp.host.services.http_types import HttpConfig

    one = Inline(config=HttpConfig())
    with Site(lambda _: answer(), tls=True) as site:
        found = refused(one.fetch(get(f"https://{NAME}:{site.port}/"), local(site), given_secret(site)), "tls")
        assert (found.secrets, found.observed, site.requests) == ((), (f"{NAME}:{site.port}",), [])
