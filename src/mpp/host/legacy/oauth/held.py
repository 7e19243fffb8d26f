"""The tokens of this home: sealed among its secrets, one process at a time renews them, and nothing shows them. Spec: legacy V-74 and V-75."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, MppError, RemoteFailed
from mpp.files import locked, make_private_folder
from mpp.host.legacy.oauth.discovery import is_within, issuer_of
from mpp.host.legacy.oauth.limits import EARLY_SECONDS
from mpp.host.legacy.oauth.tokens import anew, Client, client_of, obtain, renew, revoke, Tokens
from mpp.host.legacy.oauth.web import Web
from mpp.host.legacy.types import Login, Server
from mpp.host.secret_entry import make_entry, SECRET_BYTES_MAX
from mpp.host.secret_store import SecretStore
from mpp.host.services.secrets import resolve_env
from mpp.ports import Clock

_FIELDS = ("issuer", "resource", "token_at", "revoke_at", "access", "refresh")


def name_of(server: str) -> str:
    """Under which name its tokens are kept. No package can declare it, for the dash, and no server has a variable of that name."""
    return f"oauth-{server}"


def keep(store: SecretStore, server: Server, tokens: Tokens, now: int) -> None:
    found = {key: getattr(tokens, key) for key in _FIELDS} | {"until": tokens.until, "client": [tokens.client.id, tokens.client.method, tokens.client.secret]}
    text = json.dumps(found, separators=(",", ":"))
    if len(text) > SECRET_BYTES_MAX:
        raise RemoteFailed("remote.answer", f"the tokens take more than {SECRET_BYTES_MAX} bytes", where=tokens.issuer, hint="ask for fewer scopes")
    # A secret of that name that somebody stored for something else stays what it is.
    store.put(make_entry(name_of(server.name), text, created=now, packages=(server.package_id,)), replace=False)


def held(store: SecretStore, server: Server) -> Tokens | None:
    """None where nobody is logged in, or was at another issuer than the owner agreed to."""
    entry = store.load().get(name_of(server.name))
    if entry is None or server.login is None or entry.packages != (server.package_id,):
        return None
    try:
        found = json.loads(entry.value)
        client_id, method, secret = map(str, found["client"])
        tokens = Tokens(client=Client(id=client_id, method=method, secret=secret), until=int(found["until"]), **{key: str(found[key]) for key in _FIELDS})
    except (ValueError, KeyError, TypeError):
        raise HostFailed(
            "host.secret", "what is kept of a login does not read", where=name_of(server.name), hint="log in anew: mpp legacy login NAME"
        ) from None
    # Attack: a server that was taken out and added again, with another address or issuer, is sent what the first one gave.
    return tokens if tokens.issuer == server.login.issuer and is_within(server.url, tokens.resource) else None


def forget(store: SecretStore, server: Server, environment: Mapping[str, str], web: Web) -> bool:
    """Remove them here, whatever the issuer says; then tell it that they are over. Was it told?"""
    if server.login is None or getattr(store.load().get(name_of(server.name)), "packages", ()) != (server.package_id,):
        return False
    try:
        tokens = held(store, server)
        secret = secret_of(server.login, server, store, environment)
    except MppError:
        tokens, secret = None, ""
    store.remove(name_of(server.name))
    try:
        return tokens is not None and revoke(web, armed(tokens, secret) if server.login.secret else tokens)
    except RemoteFailed:
        return False


def secret_of(login: Login, server: Server, store: SecretStore, environment: Mapping[str, str]) -> str:
    """The client's own secret, as the owner stored it."""
    return dict(resolve_env((login.secret,), server.package_id, store, environment))[login.secret] if login.secret else ""


class Bearer:
    """The token that goes with each request to one server. Safe to use from many threads and processes."""

    def __init__(
        self, server: Server, login: Login, store: SecretStore, environment: Mapping[str, str], clock: Clock, web: Callable[[], Web]
    ) -> None:  # fmt: skip
        self._server, self._login, self._store, self._environment, self._clock, self._web = server, login, store, environment, clock, web
        self._lock = threading.Lock()

    def __call__(self, refused: str = "") -> str:
        """A token that holds, as far as is known here; another one than ``refused``, which the server did not take."""
        found = held(self._store, self._server)
        if found is not None and self._holds(found, refused):
            return found.access
        # Attack: a refresh token that is used twice ends the login at careful issuers. Whoever comes later finds what the first one got.
        make_private_folder(os.path.dirname(self._store.path))
        with self._lock, locked(f"{self._store.path}.{name_of(self._server.name)}.lock", "the login of a server"):
            found = held(self._store, self._server)
            if found is None or not self._holds(found, refused):
                found = self._renewed(found)
                keep(self._store, self._server, found, self._clock.now())
            return found.access

    def _holds(self, found: Tokens, refused: str) -> bool:
        return found.access != refused and (found.until == 0 or found.until - EARLY_SECONDS > self._clock.now())

    def _renewed(self, before: Tokens | None) -> Tokens:
        login, now, web = self._login, self._clock.now(), self._web()
        try:
            secret = secret_of(login, self._server, self._store, self._environment)
            if login.own:
                return own_tokens(web, login, before.resource if before is not None else self._server.url, secret, now)
            if before is None or not before.refresh:
                raise anew(login.issuer)
            if login.secret:
                # The owner's secret is kept under its own name alone; it may be another one by now.
                return armed(renew(web, armed(before, secret), now), "")
            return renew(web, before, now)
        finally:
            web.close()


def own_tokens(web: Web, login: Login, resource: str, secret: str, now: int) -> Tokens:
    """For the client itself, without a person. RFC 6749, section 4.4."""
    issuer = issuer_of(web, login.issuer)
    grant = {"grant_type": "client_credentials", **({"scope": " ".join(login.scopes)} if login.scopes else {})}
    return armed(obtain(web, issuer, client_of(issuer, login.client_id, secret), resource, grant, now), "")


def armed(tokens: Tokens, secret: str) -> Tokens:
    """With the secret that the owner stored for the client; with none to keep."""
    return replace(tokens, client=replace(tokens.client, secret=secret))
