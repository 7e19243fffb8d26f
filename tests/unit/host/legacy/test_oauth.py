"""Logging in at a server over HTTP: found, agreed to, renewed, taken back. What hostile ones do: tests/attack/test_t73_legacy_login.py."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.host.home import Home
from mpp.host.legacy.http_connection import HttpConnection
from mpp.host.legacy.oauth.callback import Callback
from mpp.host.legacy.oauth.held import forget, held, keep, name_of
from mpp.host.legacy.oauth.login import login_of
from mpp.host.legacy.oauth.tokens import Client, Tokens
from mpp.host.legacy.oauth.web import Web
from mpp.host.legacy.store import read_servers, write_servers
from mpp.host.legacy.types import Entry, Login
from mpp.host.secret_entry import make_entry
from tests.unit.host.http_sites import answer
from tests.unit.host.legacy.login_world import Desk, get, Protected, said, SECONDS
from tests.unit.host.legacy.test_reaching import ask, words

RFC_8414 = "/.well-known/oauth-authorization-server"


@pytest.fixture
def far() -> Iterator[Protected]:
    made = Protected()
    with made.site:
        yield made


@pytest.fixture
def desk(far: Protected, place: Path) -> Desk:
    return Desk(far, Home(path=str(place)), scopes=("read",))


@pytest.fixture
def own(far: Protected, place: Path) -> Desk:
    """By the client's own right."""
    made = Desk(far, Home(path=str(place)), client_id="own", secret="BOARD", own=True)
    made.store.put(make_entry("BOARD", "of the" + "-client", created=1, packages=("legacy.board",)), replace=False)
    return made


def opened(desk: Desk) -> HttpConnection:
    found = HttpConnection(desk.far.url, {}, (), desk.bearer())
    found.open(10)
    return found


# -- what is found


def test_the_server_names_issuer_and_scopes(far: Protected) -> None:
    web = Web(far.url, ())
    assert login_of(web, far.url, Login(issuer="")) == Login(issuer=far.issuer, scopes=("read",))
    assert login_of(web, far.url, Login(issuer=far.issuer, scopes=("write",))).scopes == ("write",)
    web.close()


def test_a_server_that_names_none_or_several_needs_the_owners_word(far: Protected) -> None:
    web, where = Web(far.url, ()), "/.well-known/oauth-protected-resource/mcp"
    for named in ([far.issuer, far.base], [], None):
        far.changes[where] = {"authorization_servers": named}
        with pytest.raises(Refused, match=r"usage\.legacy"):
            login_of(web, far.url, Login(issuer=""))
        assert login_of(web, far.url, Login(issuer=far.issuer)).issuer == far.issuer
    # An early server is its own issuer.
    far.changes[where] = lambda: answer(b"", status="404 Not Found")
    far.changes[RFC_8414] = lambda: said({**far.metadata(), "issuer": far.base}, None)
    assert login_of(web, far.url, Login(issuer="")).issuer == far.base
    far.changes[where] = {"resource": far.base}
    assert login_of(web, far.url, Login(issuer="")).issuer == far.issuer
    web.close()


# -- a person


def test_a_person_logs_in_and_calls_are_made(desk: Desk, far: Protected) -> None:
    desk.log_in()
    found = opened(desk)
    assert words(ask(found)) == "ada"
    found.close()
    page = next(form for path, form in far.asked if path == "/id/authorize")
    assert (page["resource"], page["scope"], len(page["state"])) == (far.url, "read", 64)
    wish = far.clients[page["client_id"]]
    assert (wish["token_endpoint_auth_method"], wish["application_type"]) == ("none", "native")


def test_tokens_are_sealed_and_never_shown(desk: Desk, far: Protected) -> None:
    desk.log_in()
    data = Path(desk.store.path).read_bytes()
    assert b"access-1" not in data
    assert b"refresh-1" not in data
    entry = desk.store.load()[name_of("board")]
    assert (entry.packages, "access" in repr(entry)) == (("legacy.board",), False)
    tokens = held(desk.store, desk.server)
    assert tokens is not None
    assert "access-1" not in f"{tokens} {tokens!r} {tokens.client!r}"
    assert far.refresh == {"refresh-1": tokens.client.id}


def test_a_token_is_renewed_before_its_end_and_by_one_alone(desk: Desk, far: Protected) -> None:
    desk.log_in()
    assert desk.bearer()() == "access-1"
    desk.clock.at += SECONDS - 30
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(desk.bearer()())) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (set(found), far.issued) == ({"access-2"}, 2)


def test_a_token_that_the_server_refuses_is_renewed_and_the_call_made_once_more(desk: Desk, far: Protected) -> None:
    desk.log_in()
    found = opened(desk)
    far.access = set()
    assert words(ask(found)) == "ada"
    assert far.issued == 2
    # One that takes no token at all is not asked for ever.
    far.changes["/mcp"] = lambda: b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(RemoteFailed, match="takes no token"):
        ask(found)
    assert far.issued == 3
    found.close()


def test_a_login_that_is_over_says_so(desk: Desk, far: Protected) -> None:
    with pytest.raises(Refused, match="nobody is logged in"):
        desk.bearer()()
    desk.log_in()
    far.refresh.clear()
    desk.clock.at += SECONDS
    with pytest.raises(Refused, match="nobody is logged in") as fault:
        desk.bearer()()
    assert (fault.value.code, fault.value.hint) == ("secret.missing", "log in: mpp legacy login NAME")


def test_without_a_refresh_token_it_holds_until_it_ends(desk: Desk, far: Protected) -> None:
    far.changes["/id/token"] = {"refresh_token": None, "expires_in": None}
    desk.log_in()
    desk.clock.at += 10 * SECONDS
    assert desk.bearer()() == "access-1"
    with pytest.raises(Refused, match="nobody is logged in"):
        desk.bearer()("access-1")


def test_nobody_comes_back(desk: Desk) -> None:
    with pytest.raises(RemoteFailed, match="nobody came back"):
        desk.log_in(show=lambda _: None, seconds=0.2)


def test_the_port_of_a_client_that_is_registered_with_one() -> None:
    with Callback() as first, pytest.raises(HostFailed, match="cannot listen"):
        Callback(int(first.address.rsplit(":", 1)[1].partition("/")[0]))


def test_an_issuer_that_registers_nobody_needs_a_client(far: Protected, place: Path) -> None:
    far.changes["/.well-known/oauth-authorization-server/id"] = {"registration_endpoint": None}
    with pytest.raises(RemoteFailed, match="registers nobody"):
        Desk(far, Home(path=str(place))).log_in()
    made = Desk(far, Home(path=str(place)), client_id="own", secret="BOARD")
    with pytest.raises(MppError, match=r"secret\.missing"):
        made.log_in()
    made.store.put(make_entry("BOARD", "of the" + "-client", created=1), replace=False)
    made.log_in()
    # The owner's secret is looked up each time, and is not kept a second time.
    made.clock.at += SECONDS
    assert made.bearer()() == "access-2"
    assert "-client" not in made.store.load()[name_of("board")].value


@pytest.mark.parametrize("change", [{"client_secret": "s3", "token_endpoint_auth_method": "client_secret_post"}, {"client_secret": "s4", "token_endpoint_auth_method": "client_secret_basic"}])  # fmt: skip
def test_a_client_that_is_given_a_secret_at_its_registration(desk: Desk, far: Protected, change: dict[str, str]) -> None:
    far.changes["/id/register"] = change
    far.clients["client-1"] = {**change, "redirect_uris": []}
    registered = far.registered

    def register(wish: dict[str, object], given: dict[str, str] | None) -> bytes:
        far.clients.pop("client-1", None)
        return registered({**wish, **change}, given)

    far.registered = register  # type: ignore[method-assign, assignment]
    desk.log_in()
    desk.clock.at += SECONDS
    assert desk.bearer()() == "access-2"


# -- the client's own right


def test_a_host_logs_in_by_itself(own: Desk, far: Protected) -> None:
    found = opened(own)
    assert words(ask(found)) == "ada"
    own.clock.at += SECONDS
    assert words(ask(found)) == "ada"
    assert (far.issued, far.refresh) == (2, {})
    found.close()


# -- the end


def test_what_is_taken_out_is_taken_back(desk: Desk, far: Protected) -> None:
    web = Web(far.url, ())
    assert forget(desk.store, desk.server, {}, web) is False
    desk.log_in()
    assert forget(desk.store, desk.server, {}, web) is True
    assert (far.revoked, name_of("board") in desk.store.load()) == (["refresh-1"], False)
    # Where the issuer cannot be told it is forgotten all the same.
    desk.log_in()
    far.changes["/id/revoke"] = lambda: b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    assert forget(desk.store, desk.server, {}, web) is False
    assert name_of("board") not in desk.store.load()
    web.close()


def test_a_client_with_a_secret_takes_back_by_it(own: Desk, far: Protected) -> None:
    own.log_in()
    web = Web(far.url, ())
    assert forget(own.store, own.server, {}, web) is True
    assert far.revoked == ["access-1"]
    # Without the secret the issuer cannot be told; here it is over all the same.
    own.log_in()
    own.store.remove("BOARD")
    assert forget(own.store, own.server, {}, web) is False
    assert name_of("board") not in own.store.load()
    web.close()


def test_an_issuer_without_a_page_is_for_clients_alone(desk: Desk, far: Protected) -> None:
    far.changes[RFC_8414 + "/id"] = {"authorization_endpoint": None, "code_challenge_methods_supported": None}
    with pytest.raises(RemoteFailed, match="no page for people"):
        desk.log_in()


def test_tokens_of_another_issuer_are_nobodys(desk: Desk, far: Protected) -> None:
    keep(desk.store, desk.server, Tokens(issuer=far.base, resource=far.url, token_at=far.url, revoke_at="", client=Client(id="x"), access="a"), 1)
    assert held(desk.store, desk.server) is None
    desk.log_in()
    assert held(desk.store, desk.server) is not None
    assert held(desk.store, replace(desk.server, url="http://127.0.0.1:1/mcp")) is None
    desk.store.put(make_entry(name_of("board"), "{}", created=1, packages=("com.example.other",)), replace=True)
    # Somebody else's secret of that name stays.
    assert held(desk.store, desk.server) is None
    with pytest.raises(Refused, match=r"secret\.exists"):
        desk.log_in()
    assert forget(desk.store, desk.server, {}, Web(far.url, ())) is False
    assert desk.store.load()[name_of("board")].value == "{}"
    desk.store.put(make_entry(name_of("board"), "{}", created=1, packages=("legacy.board",)), replace=True)
    with pytest.raises(HostFailed, match="does not read"):
        held(desk.store, desk.server)


# -- what is kept of it


def test_a_login_is_kept_with_the_server_and_is_part_of_what_was_agreed_to(desk: Desk) -> None:
    entry = Entry(server=desk.server)
    assert read_servers(write_servers({"board": entry}), where="x") == {"board": entry}
    other = Desk(desk.far, Home(path="/nowhere"), scopes=("write",)).server
    assert Entry(server=other).content_hash != entry.content_hash


def test_a_page_that_was_not_asked_for() -> None:
    with Callback() as back:
        answers: list[int] = []
        threading.Thread(target=lambda: answers.extend(get(f"{back.address}?{query}")[0] for query in ("state=no&code=1", "state=yes&code=2"))).start()
        assert back.wait("yes", 10) == {"state": "yes", "code": "2"}
    assert answers[0] == 400
