"""Keys that are fetched from an issuer: by its own metadata, over https or from this machine, bounded, kept for a while, asked for again seldom."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mpp.errors import MppError, RemoteFailed
from mpp.host import issuer_keys
from mpp.host.issuer_keys import IssuerKeys, KEYS_AGAIN_SECONDS, KEYS_FRESH_SECONDS, KEYS_KEPT_SECONDS_MAX, KeySource, fetch_keys, is_issuer
from mpp.host.oidc import IssuerKey
from mpp.host.services.http_client import Client
from tests.unit.host.access_tokens import jwks
from tests.unit.host.http_sites import answer, authority, Site
from tests.unit.host.id_tokens import keys

PATIENCE = 20.0
RFC_8414, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


def path_of(request: bytes) -> str:
    return request.split(b" ", 2)[1].decode()


class Issuer:
    """A site that is an issuer: what it says of itself, and its keys."""

    def __init__(self, *, path: str = "", at: str = RFC_8414, tls: bool = False, name: str = "127.0.0.1") -> None:
        self.keys = jwks("ed")
        self.changes: dict[str, Any] = {}
        self.path, self.at = path, at
        self.site = Site(self.respond, tls=tls)
        self.issuer = f"{'https' if tls else 'http'}://{name}:{self.site.port}{path}"

    def respond(self, request: bytes) -> bytes:
        wanted = {RFC_8414: RFC_8414 + self.path, OPENID: self.path + OPENID}[self.at]
        if path_of(request) == wanted:
            return answer(json.dumps({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.changes}).encode())
        return answer(self.keys) if path_of(request) == self.path + "/keys" else answer(b"no", status="404 Not Found")

    @property
    def asked(self) -> list[str]:
        return [path_of(request) for request in self.site.requests]


@pytest.mark.parametrize("at", [RFC_8414, OPENID])
@pytest.mark.parametrize("path", ["", "/tenant/7"])
def test_keys_are_where_the_metadata_says(at: str, path: str) -> None:
    issuer = Issuer(path=path, at=at)
    with issuer.site:
        assert fetch_keys(KeySource(issuer=issuer.issuer)) == (keys()["ed"],)
    assert issuer.asked[-1] == path + "/keys"


def test_over_tls_with_an_authority_of_its_own() -> None:
    issuer = Issuer(tls=True, name="localhost")
    with issuer.site:
        with pytest.raises(RemoteFailed, match="certificate"):
            fetch_keys(KeySource(issuer=issuer.issuer, private=True))
        assert fetch_keys(KeySource(issuer=issuer.issuer, private=True, ca_file=authority()[0])) == (keys()["ed"],)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://id.example.com", True), ("https://id.example.com/tenant", True), ("http://127.0.0.1:8080", True), ("http://[::1]:8080", True), ("http://localhost", True),
        ("http://id.example.com", False), ("https://id.example.com?x=1", False), ("https://ada:pw@id.example.com", False), ("ftp://id.example.com", False),
        ("https://id.example.com/../x", False), ("id.example.com", False), ("", False), ("http://127.0.0.1.example.com", False),
    ],
)  # fmt: skip
def test_addresses_of_issuers(address: str, good: bool) -> None:
    assert is_issuer(address) is good


def refused(source: KeySource) -> str:
    with pytest.raises(MppError) as refusal:
        fetch_keys(source, 2.0)
    return refusal.value.message


def test_metadata_of_another_issuer_is_not_believed() -> None:
    issuer = Issuer()
    issuer.changes = {"issuer": issuer.issuer + "/other"}
    with issuer.site:
        assert "another issuer" in refused(KeySource(issuer=issuer.issuer))


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/keys",
        "http://10.0.0.1/keys",
        "http://id.example.com/keys",
        "https://10.0.0.1/keys",
        "https://169.254.169.254/keys",
        "file:///etc/passwd",
        "https://a b/",
    ],
)
def test_where_keys_are_never_fetched_from(place: str) -> None:
    issuer = Issuer()
    issuer.changes = {"jwks_uri": place}
    with issuer.site:
        assert "cannot be fetched" in refused(KeySource(issuer=issuer.issuer))


def test_an_issuer_far_away_cannot_lead_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: metadata of a name in the network whose keys are said to be at a service of this machine."""
    inner = Issuer()
    asked: list[str] = []

    def metadata(source: KeySource, address: str, *rest: Any, **more: Any) -> bytes | None:
        asked.append(address)
        if len(asked) == 1:
            return json.dumps({"issuer": source.issuer, "jwks_uri": f"{inner.issuer}/keys"}).encode()
        return real(source, address, *rest, **more)

    real = issuer_keys._get
    monkeypatch.setattr(issuer_keys, "_get", metadata)
    with inner.site:
        assert "over https only" in refused(KeySource(issuer="https://id.example.com"))
        assert inner.site.connections == 0


def test_a_public_name_with_an_address_of_this_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: the name of an issuer, or of where its keys are, that resolves into the network of this host."""
    inner = Issuer(tls=True)
    monkeypatch.setattr(issuer_keys, "Client", lambda config: Client(config, lambda _, port: [("127.0.0.1", port)]))
    with inner.site:
        source = KeySource(issuer=f"https://id.example.com:{inner.site.port}", ca_file=authority()[0])
        assert "not public" in refused(source)
        assert inner.site.connections == 0
        # Only where the owner says so is it gone to; then its certificate is of another name.
        assert "certificate" in refused(replace(source, private=True))


ENDLESS = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + b"{" * 400_000,
    answer(b"[]"), answer(b"{}"), answer(b"no json"), answer(b"", status="302 Found", headers="Location: http://127.0.0.1:1/keys\r\n"),
    answer(b"{}", status="500 Internal Server Error"), answer(b'{"keys":[]}'), b"noise\r\n\r\n",
    answer(json.dumps({"keys": [json.loads(jwks("ed"))["keys"][0]] * 2}).encode()),
]  # fmt: skip


@pytest.mark.parametrize("said", ENDLESS)
def test_what_is_no_set_of_keys(said: bytes) -> None:
    issuer = Issuer()
    answers = issuer.site.respond
    issuer.site.respond = lambda request: said if path_of(request) == "/keys" else answers(request)
    with issuer.site:
        refused(KeySource(issuer=issuer.issuer))
        issuer.site.respond = lambda _: said
        refused(KeySource(issuer=issuer.issuer))


def test_an_issuer_that_says_nothing_is_given_up() -> None:
    hold = threading.Event()
    with Site(lambda _: hold.wait(PATIENCE) and None) as site:
        with pytest.raises(RemoteFailed, match="cannot be fetched"):
            fetch_keys(KeySource(issuer=f"http://127.0.0.1:{site.port}"), 0.2)
        hold.set()


# -- what is kept, and how often it is asked for


class Asked:
    """An issuer whose keys are in a variable, and a clock."""

    def __init__(self) -> None:
        self.now, self.times = 1000.0, 0
        self.found: tuple[IssuerKey, ...] | MppError = (keys()["ed"],)
        self.begins, self.may_end = threading.Semaphore(0), threading.Event()
        self.may_end.set()
        self.words: list[str] = []
        self.of = IssuerKeys(KeySource(issuer="https://id.example.com"), now=lambda: self.now, fetch=self.fetch, told=self.words.append)

    def fetch(self, _: KeySource) -> tuple[IssuerKey, ...]:
        self.times += 1
        self.begins.release()
        self.may_end.wait(PATIENCE)
        if isinstance(self.found, MppError):
            raise self.found
        return self.found

    def settled(self, is_so: Callable[[], bool]) -> None:
        for _ in range(2000):
            if is_so():
                return
            threading.Event().wait(0.005)
        raise AssertionError("it did not come to that")


def test_unknown_keys_are_asked_for_at_most_once_a_minute() -> None:
    at = Asked()
    assert at.of.is_due()
    at.of.renew()
    assert (at.of.keys(), at.times, at.of.is_due()) == ((keys()["ed"],), 1, False)
    for _ in range(1000):
        at.of.renew()
    at.now += KEYS_AGAIN_SECONDS
    at.of.renew()
    assert at.times == 1
    at.now += 1
    assert at.of.is_due()
    at.found = (keys()["ec"],)
    at.of.renew()
    assert (at.of.keys(), at.times) == ((keys()["ec"],), 2)


def test_what_is_no_longer_fresh_counts_while_it_is_fetched_anew() -> None:
    at = Asked()
    at.of.renew()
    at.begins.acquire()
    at.may_end.clear()
    at.found = (keys()["ec"],)
    at.now += KEYS_FRESH_SECONDS + 1
    for _ in range(50):
        assert at.of.keys() == (keys()["ed"],)
    assert at.begins.acquire(timeout=PATIENCE)
    assert at.of.is_due()
    at.may_end.set()
    at.settled(lambda: at.of.keys() == (keys()["ec"],))
    assert at.times == 2


def test_an_issuer_that_is_down_is_borne_for_a_day() -> None:
    at = Asked()
    at.of.renew()
    at.found = RemoteFailed("remote.connection", "it is down", hint="wait")
    at.now += KEYS_KEPT_SECONDS_MAX
    at.of.renew()
    assert at.of.keys() == (keys()["ed"],)
    assert at.words == ["the keys of https://id.example.com were not fetched: it is down [remote.connection]"]
    at.now += 1
    assert at.of.keys() == ()
    at.found = (keys()["ed"],)
    at.now += KEYS_AGAIN_SECONDS
    at.of.renew()
    assert at.of.keys() == (keys()["ed"],)
