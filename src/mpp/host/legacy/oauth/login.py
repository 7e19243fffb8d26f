"""A person logs in at a server, once: the page of the issuer in a browser, a code back to this machine, tokens for it. Spec: legacy V-70 to V-74."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from mpp.errors import Refused, RemoteFailed
from mpp.host.legacy.oauth.callback import Callback
from mpp.host.legacy.oauth.discovery import check_issuer, Issuer, issuer_of, resource_of, scopes_of
from mpp.host.legacy.oauth.held import armed, keep, own_tokens, secret_of
from mpp.host.legacy.oauth.limits import LOGIN_SECONDS_MAX, TEXT_CHARS_MAX
from mpp.host.legacy.oauth.tokens import Client, client_of, obtain, register, Tokens
from mpp.host.legacy.oauth.web import place_of, target_of, Web
from mpp.host.legacy.types import Login, Server
from mpp.host.secret_store import SecretStore
from mpp.model.value import value
from mpp.ports import Clock, Random


@value
class Person:
    """Whoever logs in."""

    show: Callable[[str], None]
    """Is given the address of the page to open in a browser."""
    port: int = 0
    """Where the browser comes back to, for clients that are registered with one; 0: any that is free."""
    seconds: float = LOGIN_SECONDS_MAX


def login_of(web: Web, url: str, wish: Login) -> Login:
    """What the owner asked for, with the issuer and the scopes that the server names where the owner named none. A person sees it before anything is sent there."""
    found = resource_of(web, url)
    if wish.issuer and found.issuers and wish.issuer not in found.issuers:
        raise RemoteFailed("remote.answer", "the server trusts other issuers than this one", where=place_of(wish.issuer), hint="leave --issuer out")
    if not wish.issuer and len(found.issuers) > 1:
        raise _which(f"{len(found.issuers)} issuers", url)
    issuer = check_issuer(web, wish.issuer or (found.issuers[0] if found.issuers else _own(web, url)))
    return Login(issuer=issuer, client_id=wish.client_id, secret=wish.secret, scopes=scopes_of(wish.scopes or found.scopes, "--scope"), own=wish.own)


def _own(web: Web, url: str) -> str:
    """Early servers name nobody and are their own issuer."""
    origin = target_of(url).origin
    try:
        return issuer_of(web, origin).issuer
    except RemoteFailed:
        raise _which("no issuer", url) from None


def _which(how: str, url: str) -> Refused:
    return Refused("usage.legacy", f"the server names {how}", where=place_of(url), hint="name the one that you trust: --issuer https://…")


def log_in(
    server: Server, login: Login, web: Web, store: SecretStore, environment: Mapping[str, str], clock: Clock, random: Random, person: Person
) -> None:  # fmt: skip
    """Tokens are kept, or why not is raised."""
    found = resource_of(web, server.url)
    # Attack: a server that names another issuer than the one that its owner agreed to.
    if found.issuers and login.issuer not in found.issuers:
        raise RemoteFailed(
            "remote.answer", "the server trusts another issuer now", where=place_of(login.issuer), hint="if that is right, remove it and add it again"
        )
    secret = secret_of(login, server, store, environment)
    tokens = own_tokens(web, login, found.resource, secret, clock.now()) if login.own else _by_person(login, web, found.resource, secret, clock, random, person)
    keep(store, server, tokens, clock.now())


def _by_person(login: Login, web: Web, resource: str, secret: str, clock: Clock, random: Random, person: Person) -> Tokens:
    issuer = issuer_of(web, login.issuer)
    if not issuer.authorize:
        raise RemoteFailed("remote.answer", "the issuer has no page for people", where=place_of(issuer.issuer), hint="log in as the client itself: --own")
    with Callback(person.port) as back:
        client = client_of(issuer, login.client_id, secret) if login.client_id else register(web, issuer, back.address, login.scopes)
        state, verifier = (random.bytes(32).hex() for _ in range(2))
        person.show(_page(issuer, client, back.address, resource, login.scopes, state, verifier))
        code = _code(back.wait(state, person.seconds), issuer)
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back.address, "code_verifier": verifier}
        found = obtain(web, issuer, client, resource, grant, clock.now())
    return armed(found, "") if login.secret else found


def _page(issuer: Issuer, client: Client, back: str, resource: str, scopes: tuple[str, ...], state: str, verifier: str) -> str:
    """RFC 6749, section 4.1.1; RFC 7636 (S256); RFC 8707."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
    asked = {
        "response_type": "code", "client_id": client.id, "redirect_uri": back, "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
        "resource": resource, **({"scope": " ".join(scopes)} if scopes else {}),
    }  # fmt: skip
    return f"{issuer.authorize}{'&' if '?' in issuer.authorize else '?'}{urlencode(asked)}"


def _code(back: Mapping[str, str], issuer: Issuer) -> str:
    # Attack: the mix-up: an answer of another issuer, whose code would be sent to this one, or the other way round. RFC 9207.
    if back.get("iss", issuer.issuer) != issuer.issuer or (issuer.says_who and "iss" not in back):
        raise RemoteFailed("remote.answer", "another issuer answered", where=place_of(issuer.issuer), hint="do not go on with it; try again")
    code = back.get("code", "")
    if "error" in back or not 0 < len(code) <= TEXT_CHARS_MAX:
        raise RemoteFailed("remote.answer", "the issuer did not let you in", where=place_of(issuer.issuer), hint="try again")
    return code
