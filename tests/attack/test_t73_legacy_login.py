"""T73: a server over HTTP, an issuer, or a page in a browser that is hostile while somebody logs in: it sends us elsewhere, answers for another, never ends, and wants what is not its own."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from mpp.errors import MppError, Refused, RemoteFailed, ToolFailed
from mpp.host.home import Home
from mpp.host.legacy.http_connection import HttpConnection
from mpp.host.legacy.oauth.callback import Callback
from mpp.host.legacy.oauth.discovery import issuer_of
from mpp.host.legacy.oauth.held import held, name_of
from mpp.host.legacy.oauth.limits import ANSWER_BYTES_MAX, LIFE_SECONDS_MAX, PAGE_BYTES_MAX
from mpp.host.legacy.oauth.login import login_of
from mpp.host.legacy.oauth.web import Web
from mpp.host.legacy.types import Login
from mpp.host.services.http_addresses import Sockaddr
from mpp.host.services.secrets import resolve_env, resolve_secrets
from mpp.model.capabilities import Secret
from tests.unit.host.http_sites import answer, Site
from tests.unit.host.legacy.login_world import browse, Desk, get, Protected, said, SECONDS
from tests.unit.host.legacy.test_reaching import ask, words

RESOURCE, ISSUER = "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server/id"
FAR = "https://mcp.example.com/mcp"


@pytest.fixture
def far() -> Iterator[Protected]:
    made = Protected()
    with made.site:
        yield made


@pytest.fixture
def desk(far: Protected, home: Path) -> Desk:
    home.mkdir(mode=0o700)
    return Desk(far, Home(path=str(home)))


@pytest.fixture
def trap() -> Iterator[Site]:
    """Somebody else on this machine, who must hear nothing."""
    with Site(lambda _: answer(b"{}")) as made:
        yield made


def refused(work: Callable[[], object]) -> MppError:
    with pytest.raises(MppError) as fault:
        work()
    return fault.value


# -- metadata that leads elsewhere


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "192.168.1.1", "169.254.169.254", "100.100.100.200", "::1", "fd00::1", "fe80::1", "::ffff:127.0.0.1"])  # fmt: skip
def test_a_public_name_that_leads_into_this_network_is_not_asked(address: str) -> None:
    def resolve(_host: str, port: int) -> list[Sockaddr]:
        return [(address, port, 0, 0)] if ":" in address else [(address, port)]

    web = Web(FAR, (), resolve=resolve)
    for url in ("https://id.example.com/.well-known/oauth-authorization-server", FAR):
        assert "not public" in refused(lambda url=url: web.ask("GET", url)).message
    web.close()


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.com", "http://127.0.0.1:8080", "http://localhost", "https://127.0.0.1:1", "https://[::1]:1", "https://169.254.169.254", "https://10.0.0.7", "https://0x7f000001",
        "https://id.example.com@127.0.0.1", "https://id.example.com\\@127.0.0.1", "file:///etc/passwd", "gopher://127.0.0.1:70", "https://id.example.com/../x", "https://", "https://id.example.com?x=1", "",
    ],
)  # fmt: skip
def test_an_issuer_of_a_server_far_away_is_never_here(issuer: str) -> None:
    """Attack: the server says whom to ask, and names a service of this machine, or a way without TLS."""

    def resolve(host: str, port: int) -> list[Sockaddr]:
        return [("127.0.0.1" if host[:3] in {"127", "loc", "0x7"} else host.strip("[]"), port)]

    web = Web(FAR, (), resolve=resolve)
    assert isinstance(refused(lambda: issuer_of(web, issuer)), RemoteFailed)
    web.close()


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://localhost:{port}", "https://127.0.0.1:{port}", "https://localhost:{port}"])
def test_a_service_of_this_machine_hears_nothing_of_a_server_far_away(trap: Site, address: str) -> None:
    web = Web(FAR, ())
    url = address.format(port=trap.port)
    for work in (lambda: issuer_of(web, url), lambda: web.ask("POST", url), lambda: web.judged(url) if url.startswith("http:") else web.ask("GET", url)):
        refused(work)
    assert (trap.connections, trap.requests) == (0, [])
    web.close()


def test_an_issuer_has_no_query(far: Protected) -> None:
    web = Web(far.url, ())
    far.changes[RESOURCE] = {"authorization_servers": [far.issuer + "?x=1"]}
    assert "no query" in refused(lambda: login_of(web, far.url, Login(issuer=""))).message
    web.close()


def test_a_policy_may_name_an_issuer_of_this_network() -> None:
    with Site(lambda _: answer(b"{}", status="404 Not Found"), tls=True) as site:
        name = "api.example.com"
        for private, words in (((), "not public"), ((f"{name}:{site.port}",), "certificate")):
            web = Web(FAR, private, resolve=lambda _host, port: [("127.0.0.1", port)])
            assert words in refused(lambda web=web: issuer_of(web, f"https://{name}:{site.port}")).message
            web.close()


def test_a_server_does_not_keep_what_it_says_at_another_place(far: Protected, trap: Site) -> None:
    where = f'Bearer resource_metadata="http://127.0.0.1:{trap.port}/x"'
    far.changes["/mcp"] = lambda: answer(b"", status="401 Unauthorized", headers=f"WWW-Authenticate: {where}\r\n")
    web = Web(far.url, ())
    assert "another place" in refused(lambda: login_of(web, far.url, Login(issuer=""))).message
    assert trap.requests == []
    web.close()


@pytest.mark.parametrize("path", [RESOURCE, ISSUER, "/id/token", "/id/register", "/id/revoke"])
def test_a_redirect_is_not_followed(desk: Desk, far: Protected, trap: Site, path: str) -> None:
    moved = answer(b"", status="307 Temporary Redirect", headers=f"Location: http://127.0.0.1:{trap.port}/x\r\n")
    far.changes[path] = lambda: moved
    with suppress(MppError):
        desk.log_in()
    assert trap.requests == []


@pytest.mark.parametrize("name", ["authorization", "token", "registration", "revocation"])
@pytest.mark.parametrize("address", ["http://id.example.com/x", "javascript:alert(1)", "https://a@b.example.com/", "x" * 3000, 7, {"a": 1}])
def test_places_of_an_issuer_are_judged_before_anything_is_sent(desk: Desk, far: Protected, name: str, address: Any) -> None:
    far.changes[ISSUER] = {f"{name}_endpoint": address}
    shown: list[str] = []
    assert isinstance(refused(lambda: desk.log_in(show=shown.append)), RemoteFailed)
    assert shown == []
    assert not {"/id/register", "/id/token"} & {path for path, _ in far.asked}


# -- one who answers for another


@pytest.mark.parametrize(
    "resource", ["https://bank.example.com/mcp", "http://127.0.0.1:1/mcp", "{base}/other", "{base}/mc", "{base}/mcp/below", "{base}/mcp?x=1", "", None, 7]
)
def test_a_server_gets_no_token_for_another_one(far: Protected, resource: Any) -> None:
    far.changes[RESOURCE] = {"resource": resource.format(base=far.base) if isinstance(resource, str) else resource}
    web = Web(far.url, ())
    assert isinstance(refused(lambda: login_of(web, far.url, Login(issuer=""))), RemoteFailed)
    web.close()


@pytest.mark.parametrize("issuer", ["https://bank.example.com", "{issuer}/", "{base}", None, 7])
def test_an_issuer_does_not_answer_for_another_one(desk: Desk, far: Protected, issuer: Any) -> None:
    far.changes[ISSUER] = {"issuer": issuer.format(issuer=far.issuer, base=far.base) if isinstance(issuer, str) else issuer}
    assert "another issuer" in refused(desk.log_in).message


@pytest.mark.parametrize("iss", ["https://bank.example.com", ""])
def test_a_mix_up_ends_the_login(desk: Desk, far: Protected, iss: str) -> None:
    """The code is not sent anywhere. Left out where it was promised is wrong too."""
    far.changes["/id/authorize"] = {"iss": iss}
    assert "another issuer" in refused(desk.log_in).message
    assert far.issued == 0
    assert len(far.codes) == 1


def test_a_server_that_names_another_issuer_later_gets_nothing(desk: Desk, far: Protected) -> None:
    """Attack: the rug pull of a login."""
    desk.log_in()
    far.changes[RESOURCE] = {"authorization_servers": [far.base]}
    assert "another issuer now" in refused(desk.log_in).message
    # What renews itself goes to the issuer that somebody agreed to, whatever the server says now.
    desk.clock.at += SECONDS
    assert desk.bearer()() == "access-2"
    assert {path for path, _ in far.asked if path.endswith("token")} == {"/id/token"}


def test_a_promise_of_pkce_is_wanted(desk: Desk, far: Protected) -> None:
    for methods in (["plain"], None, []):
        far.changes[ISSUER] = {"code_challenge_methods_supported": methods}
        assert "PKCE" in refused(desk.log_in).message


# -- answers that never end, or that are none


def test_ten_megabytes_are_not_read(desk: Desk, far: Protected) -> None:
    sent: list[int] = []

    def flood() -> bytes:
        sent.append(1)
        return answer(b" " * 10_000_000)

    for path in (RESOURCE, ISSUER, "/id/register", "/id/token"):
        far.changes[path] = flood
        assert f"{ANSWER_BYTES_MAX} bytes" in refused(desk.log_in).message
        del far.changes[path]
    assert len(sent) == 4


def test_ten_megabytes_in_a_few_kilobytes_are_not_opened(desk: Desk, far: Protected) -> None:
    import gzip

    far.changes["/id/token"] = lambda: answer(gzip.compress(b" " * 10_000_000), headers="Content-Encoding: gzip\r\n")
    assert "inflates" in refused(desk.log_in).message


def test_a_slow_answer_ends_in_time() -> None:
    """A byte now and then, for as long as it likes."""

    def drip(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n")
            for _ in range(3000):
                line.sendall(b" ")
                time.sleep(0.1)

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: drip(listener.accept()[0]), daemon=True).start()
    web = Web("http://127.0.0.1/mcp", (), seconds=0.5)
    begun = time.monotonic()
    assert "time" in refused(lambda: web.ask("POST", f"http://127.0.0.1:{listener.getsockname()[1]}/token")).message
    # It would be five minutes.
    assert time.monotonic() - begun < 60
    listener.close()
    web.close()


@pytest.mark.parametrize(
    "change",
    [
        {"token_type": "mac"}, {"token_type": None}, {"access_token": None}, {"access_token": "a\r\nX-Other: 1"}, {"access_token": "a b"}, {"access_token": ""}, {"access_token": "x" * 7000},
        {"access_token": ["a"]}, {"refresh_token": "r\n"}, {"refresh_token": 7}, {"access_token": "\u00e9"},
    ],
)  # fmt: skip
def test_tokens_that_are_none_are_not_kept(desk: Desk, far: Protected, change: dict[str, Any]) -> None:
    far.changes["/id/token"] = change
    assert isinstance(refused(desk.log_in), RemoteFailed)
    assert name_of("board") not in desk.store.load()


@pytest.mark.parametrize(("said_to_last", "lasts"), [(-1, 0), (True, 0), ("600", 0), (10**12, LIFE_SECONDS_MAX), (1.5, 1), ([], 0)])
def test_a_life_that_is_no_number_is_none(desk: Desk, far: Protected, said_to_last: Any, lasts: int) -> None:
    far.changes["/id/token"] = {"expires_in": said_to_last}
    desk.log_in()
    tokens = held(desk.store, desk.server)
    assert tokens is not None
    assert tokens.until == (desk.clock.now() + lasts if lasts else 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b"nul" + b"l", b"[" * 5000])
def test_what_is_no_object_is_refused(desk: Desk, far: Protected, body: bytes) -> None:
    for path in (ISSUER, "/id/token"):
        far.changes[path] = lambda: answer(body)
        assert isinstance(refused(desk.log_in), RemoteFailed)
        del far.changes[path]


# -- what must not be told


def test_no_message_quotes_what_an_issuer_says(desk: Desk, far: Protected) -> None:
    desk.log_in()
    desk.clock.at += SECONDS
    quoted = {"error": "Invalid refresh-1 <script>", "error_description": "refresh-1"}
    far.changes["/id/token"] = lambda: said(quoted, None, status="400 Bad Request")
    fault = refused(desk.bearer())
    assert "status 400" in fault.message
    assert "refresh-1" not in f"{fault} {fault.message} {fault.hint} {fault.where}"


def test_no_package_and_no_other_server_gets_the_tokens(desk: Desk) -> None:
    desk.log_in()
    name = name_of("board")
    for package in ("com.evil.tool", "legacy.other"):
        with pytest.raises(Refused, match=r"secret\.package"):
            resolve_env((name,), package, desk.store, {})
    with pytest.raises(Refused, match=r"secret\.binding"):
        resolve_secrets((Secret(name=name, host="evil.example.com", header="Authorization", format="{secret}"),), "com.evil.tool", desk.store, {})


TOKEN, KEY = "tok-" + "Zq8/" * 10, "9f" * 12
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str, "base64": lambda text: base64.b64encode(text.encode()).decode(), "hex": lambda text: text.encode().hex(), "percent": lambda text: quote(text, safe=""),
    "inside": lambda text: f"Authorization: Bearer {text}, thank you",
}  # fmt: skip


@pytest.mark.parametrize("secret", [TOKEN, KEY])
@pytest.mark.parametrize("form", FORMS)
def test_a_server_does_not_tell_an_agent_the_token(desk: Desk, far: Protected, form: str, secret: str) -> None:
    """Attack: an agent that has the token needs this host no more. A server can always find a form that nobody knows; the usual ones are known."""
    far.changes["/id/token"] = {"access_token": TOKEN}
    desk.log_in()
    far.access = {TOKEN}
    found = HttpConnection(far.url, {"X-Key": f"Key {KEY}"}, (), desk.bearer())
    found.open(10)
    assert words(ask(found)) == "ada"
    far.says = FORMS[form](secret)
    try:
        heard = words(ask(found))
    except ToolFailed as fault:
        # In a form that has no fixed length the whole is withheld.
        heard = f"{fault} {fault.message}"
    assert secret not in heard
    assert far.says not in heard
    found.close()


def test_the_page_holds_no_secret(desk: Desk, far: Protected) -> None:
    """What stands in an address stands in histories: the proof of PKCE is not in it, and a code without it is worth nothing."""
    pages: list[str] = []

    def show(url: str) -> None:
        pages.append(url)
        browse(url)

    desk.log_in(show=show)
    verifier = next(form["code_verifier"] for path, form in far.asked if path == "/id/token")
    assert verifier not in pages[0]
    assert set(parse_qs(urlsplit(pages[0]).query)) == {
        "response_type",
        "client_id",
        "redirect_uri",
        "state",
        "code_challenge",
        "code_challenge_method",
        "resource",
    }


# -- the page on this machine


def test_the_page_takes_no_answer_but_its_own() -> None:
    """Attack: pages of a browser, and other users of this machine, that send codes of theirs, or hold the line."""
    with Callback() as back:
        place, path = urlsplit(back.address), urlsplit(back.address).path
        at = (place.hostname or "", place.port or 0)
        idle = socket.create_connection(at)

        def attack() -> None:
            for request in (
                b"GET " + path.encode() + b"?state=guess&code=evil HTTP/1.1\r\n\r\n", b"GET /other?state=good&code=evil HTTP/1.1\r\n\r\n",
                b"GET " + path.encode() + b"?state=good&code=evil&code=evil2 HTTP/1.1\r\n\r\n", b"POST " + path.encode() + b"?state=good&code=evil HTTP/1.1\r\n\r\n",
                b"GET http://evil" + path.encode() + b"?state=good&code=evil HTTP/1.1\r\n\r\n", b"\xff\x00\r\n\r\n", b"GET " + b"x" * (PAGE_BYTES_MAX + 2), b"",
            ):  # fmt: skip
                with suppress(OSError), socket.create_connection(at, 10) as line:
                    line.sendall(request)
                    line.shutdown(socket.SHUT_WR)
                    heard.append(line.recv(64))
            get(f"{back.address}?state=good&code=mine")

        heard: list[bytes] = []
        threading.Thread(target=attack, daemon=True).start()
        assert back.wait("good", 30) == {"state": "good", "code": "mine"}
        idle.close()
    assert not any(b" 200 " in one for one in heard)


@pytest.mark.parametrize("back", [{"code": "", "error": "access_denied"}, {"error": "access_denied"}, {"code": ""}, {"code": "x" * 3000}])
def test_an_issuer_that_lets_nobody_in(desk: Desk, far: Protected, back: dict[str, str]) -> None:
    far.changes["/id/authorize"] = back
    assert "did not let you in" in refused(desk.log_in).message
    assert far.issued == 0


# -- lists and ids without bounds


def test_lists_of_a_server_have_bounds(far: Protected) -> None:
    web = Web(far.url, ())
    for change in (
        {"authorization_servers": [far.issuer] * 9}, {"authorization_servers": far.issuer}, {"authorization_servers": [7]}, {"scopes_supported": [f"s{n}" for n in range(40)]},
        {"scopes_supported": ["a b"]}, {"scopes_supported": ['a"b']}, {"scopes_supported": [""]},
    ):  # fmt: skip
        far.changes[RESOURCE] = change
        assert isinstance(refused(lambda: login_of(web, far.url, Login(issuer=""))), RemoteFailed)
    web.close()


def test_the_scopes_of_a_refusal_go_before_all_others(far: Protected) -> None:
    """Least comes first: what the server asks for now, not all that it knows."""
    where = f'Bearer error="x", scope="read:one write", resource_metadata="{far.base}{RESOURCE}"'
    far.changes["/mcp"] = lambda: answer(b"", status="401 Unauthorized", headers=f"WWW-Authenticate: {where}\r\n")
    web = Web(far.url, ())
    assert login_of(web, far.url, Login(issuer="")).scopes == ("read:one", "write")
    web.close()


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": None}, {"client_id": 7}, {"client_id": "a\r\nb"}, {"client_id": ""}, {"client_secret": 7}, {"client_secret": "a b"}, {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_basic"},
    ],
)  # fmt: skip
def test_a_registration_that_is_none_ends_the_login(desk: Desk, far: Protected, change: dict[str, Any]) -> None:
    far.changes["/id/register"] = change
    shown: list[str] = []
    assert isinstance(refused(lambda: desk.log_in(show=shown.append)), RemoteFailed)
    assert shown == []


def test_an_issuer_that_registers_nobody_says_so(desk: Desk, far: Protected) -> None:
    far.changes["/id/register"] = lambda: said({"error": "invalid_client_metadata"}, None, status="400 Bad Request")
    assert "does not register this host: invalid_client_metadata" in refused(desk.log_in).message


def test_tokens_that_do_not_fit_are_not_kept(desk: Desk, far: Protected) -> None:
    far.changes["/id/token"] = {"access_token": "a" * 5000, "refresh_token": "r" * 5000}
    assert "more than 8192 bytes" in refused(desk.log_in).message
    assert name_of("board") not in desk.store.load()
