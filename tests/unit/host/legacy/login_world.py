"""A server over HTTP that wants a login, and its issuer, on this machine: as OAuth 2.1 has them, but for what a test changes."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from mpp.host.home import Home
from mpp.host.legacy.oauth.held import Bearer
from mpp.host.legacy.oauth.login import log_in, Person
from mpp.host.legacy.oauth.web import Web
from mpp.host.legacy.types import HTTP, Login, Server
from mpp.host.secret_store import open_secrets, SecretStore
from mpp.host.system import SystemRandom
from tests.unit.host.http_sites import answer, Site

SECONDS = 600
FOUND = 302
TOOL = {"name": "whoami", "description": "Say who is there.", "inputSchema": {"type": "object", "properties": {}}}


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_000_000

    def now(self) -> int:
        return self.at


class Protected:
    """The server at ``/mcp``, its issuer at ``/id``. ``changes`` has, by path, what an answer says otherwise; a callable makes the whole answer."""

    def __init__(self) -> None:
        self.changes: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.clients: dict[str, dict[str, Any]] = {"own": {"client_secret": "of the" + "-client", "redirect_uris": []}}
        self.access: set[str] = set()
        self.refresh: dict[str, str] = {}
        """Refresh tokens that count, by the client that has them."""
        self.revoked: list[str] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.issued = 0
        self.tool, self.says = TOOL, "ada"
        self.site = Site(self.respond)
        self.base = f"http://127.0.0.1:{self.site.port}"
        self.url, self.issuer = f"{self.base}/mcp", f"{self.base}/id"

    # -- what it is asked

    def respond(self, request: bytes) -> bytes:
        top, _, body = request.partition(b"\r\n\r\n")
        method, target, _ = top.split(b"\r\n")[0].decode().split(" ", 2)
        headers = {name.strip().lower(): text.strip() for name, _, text in (line.partition(":") for line in top.decode().split("\r\n")[1:])}
        path, _, query = target.partition("?")
        change = self.changes.get(path)
        if callable(change):
            return bytes(change())
        if path == "/mcp":
            return self.served(method, headers, body)
        form = dict(parse_qsl(query if method == "GET" else body.decode() if b"urlencoded" in top else ""))
        self.asked.append((path, form))
        steps: dict[str, Callable[[], bytes]] = {
            "/.well-known/oauth-protected-resource/mcp": lambda: said(
                {"resource": self.url, "authorization_servers": [self.issuer], "scopes_supported": ["read"]}, change
            ),
            "/.well-known/oauth-authorization-server/id": lambda: said(self.metadata(), change),
            "/id/register": lambda: self.registered(json.loads(body), change),
            "/id/authorize": lambda: self.authorized(form, change),
            "/id/token": lambda: self.given(form, headers, change),
            "/id/revoke": lambda: self.taken_back(form),
        }
        return steps[path]() if path in steps else answer(b"{}", status="404 Not Found")

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": True,
            **{f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in (("authorization", "authorize"), ("token", "token"), ("registration", "register"), ("revocation", "revoke"))},
        }  # fmt: skip

    def served(self, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.access:
            where = f'Bearer resource_metadata="{self.base}/.well-known/oauth-protected-resource/mcp"'
            return answer(b"", status="401 Unauthorized", headers=f"WWW-Authenticate: {where}\r\n")
        message = json.loads(body) if method == "POST" else {}
        if "id" not in message:
            return answer(b"", status="202 Accepted")
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "board", "version": "1"}},
            "tools/list": {"tools": [self.tool]},
            "tools/call": {"content": [{"type": "text", "text": self.says}]},
        }
        return said({"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {})}, None)

    def registered(self, wish: dict[str, Any], change: dict[str, Any] | None) -> bytes:
        name = f"client-{len(self.clients)}"
        self.clients[name] = wish
        return said({"client_id": name, **wish}, change, status="201 Created")

    def authorized(self, form: dict[str, str], change: dict[str, Any] | None) -> bytes:
        assert form["redirect_uri"] in self.clients[form["client_id"]]["redirect_uris"] or form["client_id"] == "own"
        assert (form["response_type"], form["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self.codes)}"
        self.codes[code] = form
        back = {"code": code, "state": form["state"], "iss": self.issuer, **(change or {})}
        return answer(b"", status="302 Found", headers=f"Location: {form['redirect_uri']}?{urlencode({key: one for key, one in back.items() if one})}\r\n")

    def given(self, form: dict[str, str], headers: Mapping[str, str], change: dict[str, Any] | None) -> bytes:
        client = self.client(form, headers)
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
            good = asked is not None and proof == asked["code_challenge"] and (asked["client_id"], asked["redirect_uri"]) == (client, form["redirect_uri"])
        elif form["grant_type"] == "refresh_token":
            good = self.refresh.pop(form["refresh_token"], None) == client
        else:
            good = client == "own"
        if not good or form["resource"] != self.url:
            return said({"error": "invalid_grant", "error_description": form.get("refresh_token", "")}, None, status="400 Bad Request")
        self.issued += 1
        self.access = {f"access-{self.issued}"}
        more = {} if form["grant_type"] == "client_credentials" else {"refresh_token": f"refresh-{self.issued}"}
        self.refresh.update(dict.fromkeys(more.values(), client))
        return said({"access_token": f"access-{self.issued}", "token_type": "Bearer", "expires_in": SECONDS, **more}, change)

    def client(self, form: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """Who asks, if it is proven."""
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if headers.get("authorization", "").startswith("Basic "):
            name, secret = map(unquote_plus, base64.b64decode(headers["authorization"][6:]).decode().split(":"))
        return name if self.clients.get(name, {"client_secret": "?"}).get("client_secret", "") == secret else ""

    def taken_back(self, form: dict[str, str]) -> bytes:
        self.revoked.append(form["token"])
        return answer(b"")


def said(found: dict[str, Any], change: dict[str, Any] | None, status: str = "200 OK") -> bytes:
    body = json.dumps({key: one for key, one in {**found, **(change or {})}.items() if one is not None}).encode()
    return answer(body, status=status, headers="Content-Type: application/json\r\n")


def get(url: str) -> tuple[int, str]:
    """What a browser gets: status, and where to."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    line.request("GET", f"{parts.path}?{parts.query}")
    found = line.getresponse()
    found.read()
    line.close()
    return found.status, found.headers.get("Location", "")


def browse(url: str) -> None:
    """A person who says yes at the page, meanwhile: the one who showed it goes on to wait for the answer."""

    def visit() -> None:
        status, where = get(url)
        if status == FOUND:
            get(where)

    threading.Thread(target=visit, daemon=True).start()


class Desk:
    """A home that logs in at it."""

    def __init__(self, far: Protected, home: Home, **wish: Any) -> None:
        self.far, self.clock, self.store = far, Time(), open_secrets(home)
        self.login = Login(issuer=far.issuer, **wish)
        self.server = Server(name="board", kind=HTTP, url=far.url, login=self.login)

    def log_in(self, show: Callable[[str], None] = browse, seconds: float = 10) -> None:
        web = Web(self.far.url, (), seconds=5)
        try:
            log_in(self.server, self.login, web, self.store, os.environ, self.clock, SystemRandom(), Person(show=show, seconds=seconds))
        finally:
            web.close()

    def bearer(self) -> Bearer:
        return Bearer(self.server, self.login, fresh(self.store), os.environ, self.clock, lambda: Web(self.far.url, ()))


def fresh(store: SecretStore) -> SecretStore:
    """As another process has it."""
    return SecretStore(os.path.dirname(store.path), store._key_path)
