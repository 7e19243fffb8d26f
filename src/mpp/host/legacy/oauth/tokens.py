"""Tokens of an issuer: asked for, renewed, taken back. Spec: legacy V-73 and V-74."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import quote_plus, urlencode

from mpp.errors import Refused, RemoteFailed
from mpp.host.legacy.oauth.discovery import Issuer, object_of, OK
from mpp.host.legacy.oauth.limits import LIFE_SECONDS_MAX, TEXT_CHARS_MAX, TOKEN_CHARS_MAX
from mpp.host.legacy.oauth.web import place_of, Web
from mpp.host.services.http_types import Headers, HopAnswer
from mpp.model.jsontext import Json
from mpp.model.value import value

_TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{1,{TOKEN_CHARS_MAX}}}")
"""RFC 6750, section 2.1. Attack: a token with a line end in it, which begins a header of its own."""

_CLIENT = re.compile(rf"[!-~]{{1,{TEXT_CHARS_MAX}}}")
_CODE = re.compile(r"[a-z_]{1,40}")
_FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)
_JSON: Headers = (("content-type", "application/json"),)
CREATED = 201
BASIC, POST, NONE = "client_secret_basic", "client_secret_post", "none"


@value
class Client:
    """As whom this host is known to an issuer."""

    id: str
    method: str = NONE
    secret: str = ""

    def __repr__(self) -> str:
        return f"Client({self.id})"


@value
class Tokens:
    """What a login is worth, and where it is renewed. It never shows itself."""

    issuer: str
    resource: str
    token_at: str
    revoke_at: str
    client: Client
    """Without the secret that the owner stored under a name of his own."""
    access: str
    refresh: str = ""
    until: int = 0
    """When it ends, in seconds since 1970; 0: the issuer did not say."""

    def __repr__(self) -> str:
        """Attack: a token that stands in a log because somebody printed what held it."""
        return f"Tokens({self.issuer})"

    __str__ = __repr__


def client_of(issuer: Issuer, client_id: str, secret: str) -> Client:
    """The owner's own client."""
    if not secret:
        return Client(id=client_id)
    return Client(id=client_id, secret=secret, method=POST if POST in issuer.methods and BASIC not in issuer.methods else BASIC)


def register(web: Web, issuer: Issuer, redirect: str, scopes: tuple[str, ...]) -> Client:
    """RFC 7591: a client for this login."""
    if not issuer.register:
        raise RemoteFailed(
            "remote.answer", "the issuer registers nobody by itself", where=place_of(issuer.issuer), hint="register this host there, and give --client-id"
        )
    wish: dict[str, Json] = {
        "client_name": "MPP", "redirect_uris": [redirect], "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "application_type": "native",
        "token_endpoint_auth_method": NONE, **({"scope": " ".join(scopes)} if scopes else {}),
    }  # fmt: skip
    answer = web.ask("POST", issuer.register, _JSON, json.dumps(wish).encode("ascii"))
    if answer.status not in {OK, CREATED}:
        raise _refused(answer, issuer.register, "the issuer does not register this host")
    data = object_of(answer.body, issuer.register)
    found, secret, method = data.get("client_id"), data.get("client_secret", ""), data.get("token_endpoint_auth_method", NONE)
    if not isinstance(found, str) or not _CLIENT.fullmatch(found) or not isinstance(secret, str) or (secret and not _CLIENT.fullmatch(secret)):
        raise RemoteFailed("remote.answer", "the issuer registered this host without a sound id", where=place_of(issuer.register), hint="give --client-id")
    if method not in {BASIC, POST, NONE} or (method != NONE and not secret):
        raise RemoteFailed("remote.answer", "the issuer wants a proof that is not given here", where=place_of(issuer.register), hint="give --client-id")
    return Client(id=found, secret=secret if method != NONE else "", method=str(method))


def obtain(web: Web, issuer: Issuer, client: Client, resource: str, grant: Mapping[str, str], now: int) -> Tokens:
    """Tokens for a code, or for the client itself."""
    before = Tokens(issuer=issuer.issuer, resource=resource, token_at=issuer.token, revoke_at=issuer.revoke, client=client, access="")
    return _asked(web, before, grant, now)


def renew(web: Web, before: Tokens, now: int) -> Tokens:
    """By its refresh token. Raises Refused ``secret.missing`` where a person must log in anew."""
    return _asked(web, before, {"grant_type": "refresh_token", "refresh_token": before.refresh}, now)


def revoke(web: Web, tokens: Tokens) -> bool:
    """RFC 7009. Was the issuer told?"""
    if not tokens.revoke_at:
        return False
    form, headers = _as_client(tokens.client, {"token": tokens.refresh or tokens.access})
    return web.ask("POST", tokens.revoke_at, (*_FORM, *headers), form).status == OK


def _asked(web: Web, before: Tokens, grant: Mapping[str, str], now: int) -> Tokens:
    # Attack: a token for one server that another one takes, too. RFC 8707: it is for this one.
    form, headers = _as_client(before.client, {**grant, "resource": before.resource})
    answer = web.ask("POST", before.token_at, (*_FORM, *headers), form)
    if answer.status != OK:
        raise _refused(answer, before.token_at, "the issuer gives no token")
    data = object_of(answer.body, before.token_at)
    kind, access, refresh = data.get("token_type"), data.get("access_token"), data.get("refresh_token", before.refresh)
    if not isinstance(kind, str) or kind.lower() != "bearer" or not _is_token(access) or not (refresh == "" or _is_token(refresh)):
        raise RemoteFailed("remote.answer", "the issuer answers without a sound token", where=place_of(before.token_at), hint="ask who runs it")
    return Tokens(
        issuer=before.issuer, resource=before.resource, token_at=before.token_at, revoke_at=before.revoke_at, client=before.client,
        access=str(access), refresh=str(refresh), until=_until(data.get("expires_in"), now),
    )  # fmt: skip


def _is_token(found: Json) -> bool:
    return isinstance(found, str) and _TOKEN.fullmatch(found) is not None


def _until(seconds: Json, now: int) -> int:
    """What is no sound number of seconds says nothing."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return 0
    return now + int(min(seconds, LIFE_SECONDS_MAX))


def _as_client(client: Client, form: Mapping[str, str]) -> tuple[bytes, Headers]:
    """RFC 6749, section 2.3.1."""
    if client.method == BASIC:
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}".encode("ascii")
        return urlencode(form).encode("ascii"), (("authorization", "Basic " + base64.b64encode(pair).decode("ascii")),)
    more = {"client_id": client.id, **({"client_secret": client.secret} if client.method == POST else {})}
    return urlencode({**form, **more}).encode("ascii"), ()


def _refused(answer: HopAnswer, where: str, why: str) -> RemoteFailed | Refused:
    """Of what it says only a code is shown: the rest could quote what was sent."""
    code = ""
    try:
        found = object_of(answer.body, where).get("error")
        code = found if isinstance(found, str) and _CODE.fullmatch(found) else ""
    except RemoteFailed:
        code = ""
    if code == "invalid_grant":
        return anew(where)
    return RemoteFailed("remote.answer", f"{why}: {code or f'status {answer.status}'}", where=place_of(where), hint="try again, or ask who runs the issuer")


def anew(where: str) -> Refused:
    """The login is over."""
    return Refused("secret.missing", "nobody is logged in there any more", where=place_of(where), hint="log in: mpp legacy login NAME")
