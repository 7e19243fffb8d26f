"""What stands around every request: its id, how often its address may ask, headers that hold for all answers, a line of the log, the counts.

It is the outermost application, so that an answer about a failure has all of it too.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from ipaddress import ip_address

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.serve.http_rates import Crowd, Rates, Turn
from mpp_registry.api.endpoint import problem_response, REQUEST_ID
from mpp_registry.api.limits import ADDRESS_WAITING_MAX, RATE_READ, RATE_WRITE_ADDRESS, WAITING_MAX
from mpp_registry.api.metrics import Metrics

ADDRESS = "mpp.address"
ONCE = frozenset((b"host", b"authorization", b"content-type", b"content-length", b"transfer-encoding", b"range", b"if-range", b"origin"))
"""Headers that may stand once. Attack: of two, a proxy in front takes one and this server the other."""

UNLIMITED = frozenset(("/health", "/metrics"))
"""What watches the registry is not kept away when others ask too much."""

HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
)
"""Of every answer that does not set its own. Attack: markup in a document that a browser would run."""

HSTS = "max-age=31536000"
PATH_SHOWN_MAX = 300
_FORWARDED = re.compile(r"[0-9A-Fa-f:.]{2,45}")


@value
class Outside:
    """What the guard needs of the world."""

    clock: Clock
    random: Random
    write_line: Callable[[str], None]
    now: Callable[[], float] = time.monotonic
    behind_proxy: bool = False
    """Something in front of it says who asks, and speaks TLS."""
    is_tls: bool = False


class Guard:
    def __init__(self, app: ASGIApp, outside: Outside, metrics: Metrics) -> None:
        self._app, self._outside, self._metrics = app, outside, metrics
        self._rates = Rates()
        self._crowd = Crowd(WAITING_MAX, ADDRESS_WAITING_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = self._outside.random.bytes(8).hex()
        scope[ADDRESS] = self._address(scope)
        passing = _Passing(scope, send, self._outside, self._metrics)
        try:
            await self._pass(scope, receive, passing.send)
        finally:
            passing.end()

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        address: str = scope[ADDRESS]
        if scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        fault = self._fault(scope, address)
        turn = self._crowd.enter(address) if fault is None else 0
        if fault is None and not isinstance(turn, Turn):
            fault = _crowded(turn)
        if fault is not None:
            await problem_response(fault, scope)(scope, receive, send)
            return
        self._metrics.put("mpp_registry_requests_now", self._crowd.count)
        try:
            await self._app(scope, receive, send)
        finally:
            self._crowd.leave(address)
            self._metrics.put("mpp_registry_requests_now", self._crowd.count)

    def _fault(self, scope: Scope, address: str) -> Refused | None:
        seen: set[bytes] = set()
        for name, _ in scope["headers"]:
            if name in ONCE and name in seen:
                return Refused("registry.header", f"the header {shown(name.decode('latin-1'))} stands twice", hint="send it once")
            seen.add(name)
        is_write = scope["method"] not in {"GET", "HEAD"}
        asked = (f"all {address}", RATE_READ), (f"write {address}", RATE_WRITE_ADDRESS if is_write else 0)
        wait = self._rates.wait(asked, self._outside.now())
        return Refused("registry.rate", f"too many requests from this address; again in {wait} s", hint="ask again later") if wait else None

    def _address(self, scope: Scope) -> str:
        """Who asks. Attack: a header by which everybody chooses an address; only what our own proxy added, at the end, counts."""
        client = scope.get("client")
        address: str = client[0] if client else ""
        if self._outside.behind_proxy:
            written = [text for name, text in scope["headers"] if name == b"x-forwarded-for"]
            last = written[-1].decode("latin-1").rpartition(",")[2].strip() if written else ""
            try:
                address = str(ip_address(last)) if _FORWARDED.fullmatch(last) else address
            except ValueError:
                return address
        return address


def _crowded(status: int) -> Refused:
    """Attack: one address that holds all places with slow downloads."""
    if status == 429:
        return Refused("registry.rate", "this address has too many requests at once", hint="wait for some of them to end")
    return Refused("registry.busy", "the registry is answering as many requests as it can", hint="try again in a moment")


class _Passing:
    """One request on its way out."""

    def __init__(self, scope: Scope, send: Send, outside: Outside, metrics: Metrics) -> None:
        self._scope, self._send, self._outside, self._metrics = scope, send, outside, metrics
        self._begun = outside.now()
        self._status, self._bytes = 0, 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, text in HEADERS:
                headers.setdefault(name, text)
            headers.setdefault("date", formatdate(self._outside.clock.now(), usegmt=True))
            headers["x-request-id"] = self._scope[REQUEST_ID]
            if self._outside.is_tls or self._outside.behind_proxy:
                headers["strict-transport-security"] = HSTS
        elif message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
        await self._send(message)

    def end(self) -> None:
        """Nothing of a header or a query is written down: tokens and proofs of keys travel there."""
        seconds = self._outside.now() - self._begun
        route = getattr(self._scope.get("route"), "path", "none")
        method = self._scope["method"] if self._scope["method"] in METHODS else "other"
        labels = ("route", route), ("method", method), ("status", str(self._status))
        self._metrics.add("mpp_registry_requests_total", 1, labels)
        self._metrics.observe("mpp_registry_request_seconds", seconds, (("route", route),))
        self._metrics.add("mpp_registry_sent_bytes_total", self._bytes)
        if self._status >= 500 or self._status == 0:
            self._metrics.add("mpp_registry_failures_total")
        line = {
            "at": self._outside.clock.now(), "request_id": self._scope[REQUEST_ID], "address": self._scope[ADDRESS], "method": method,
            "path": shown(self._scope["path"], PATH_SHOWN_MAX), "status": self._status, "bytes": self._bytes, "seconds": round(seconds, 4),
        }  # fmt: skip
        self._outside.write_line(json.dumps(line, separators=(",", ":")))


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
