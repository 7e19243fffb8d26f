"""The door of the console: every request passes here before any page sees it.

In this order: the head of the request, the session, the rate, the form. What fails is answered here, with a page that says what to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mpp.console.headers import NO_STORE, SECURITY, Head, cookie_name, is_from_here, is_use, judge_form, judge_head, read_head
from mpp.console.limits import FORM_BYTES_MAX, FORM_FIELDS_MAX, FORM_SECONDS_MAX, STRANGERS_PER_MINUTE
from mpp.console.rates import Rate
from mpp.console.render import Shown, error_page
from mpp.console.sessions import Session, Sessions

ENTER = "/enter"
STATIC = "/static/"
OPEN = (ENTER,)
"""What somebody without a session may see, beside the style sheet."""

HARMLESS = frozenset((
    ENTER, "/leave", "/privacy", "/policy", "/policy/save", "/health/check", "/health/verify", "/compliance", "/compliance/report.html", "/compliance/report.json",
))  # fmt: skip
"""Forms that change nothing of the home; a console that only shows takes them."""

FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field
FORM_KEY = "mpp.form"
"""Under which name the scope of a request holds the fields of its form."""


class Guard:
    """The application, with the door in front of it."""

    def __init__(self, inner: ASGIApp, sessions: Sessions, port: int, *, read_only: bool = False) -> None:
        self._inner, self._sessions, self._port, self._read_only = inner, sessions, port, read_only
        self._strangers = Rate(STRANGERS_PER_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        head = read_head(scope["method"], scope["path"], scope["headers"], cookie_name(self._port))
        session = self._session(head)
        scope["mpp.shown"] = Shown(session=session, read_only=self._read_only, path=head.path)
        # For what lasts longer than the request: a session that has ended is told nothing more.
        scope["mpp.may"] = lambda: session is not None and self._sessions.holds(session)
        status = self._judge(head, scope, session)
        if not status and head.method == "POST":
            status = await self._take_form(request, head, session)
        answer = self._refused(request, head, status, is_in=session is not None) if status else None
        await (answer or self._inner)(scope, receive, _closing(send, head.path))

    def _session(self, head: Head) -> Session | None:
        # Attack: two cookies of our name, one of them set by a page at another port.
        if len(head.cookies) != 1 or not is_from_here(head):
            return None
        return self._sessions.find(head.cookies[0], is_use=is_use(head))

    def _judge(self, head: Head, scope: Scope, session: Session | None) -> int:
        raw = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
        status = judge_head(head, raw, scope["query_string"], self._port)
        if status:
            return status
        if not (session.rate if session is not None else self._strangers).take():
            return 429
        is_open = head.path in OPEN or (head.path.startswith(STATIC) and head.method != "POST")
        return 0 if session is not None or is_open else 401

    async def _take_form(self, request: Request, head: Head, session: Session | None) -> int:
        """The status of a refusal; else the fields are in the scope."""
        status = judge_form(head)
        if status:
            return status
        if self._read_only and head.path not in HARMLESS:
            return 403
        fields, status = await _read_form(request)
        if status:
            return status
        # The page to enter has no session yet: what it sends is the token itself, which no other page knows.
        if session is not None and head.path != ENTER and not session.is_own_form(_last(fields, FORM_TOKEN)):
            return 403
        request.scope[FORM_KEY] = fields
        return 0

    def _refused(self, request: Request, head: Head, status: int, *, is_in: bool) -> Response:
        if status == 401 and head.method != "POST" and head.dest in {"", "document"}:
            return Response(status_code=303, headers={"location": ENTER})
        # A stranger's Host is not answered with a page: it would be of the stranger's origin.
        if status == 421 or not is_in:
            return Response(f"{status}\n", status_code=status, media_type="text/plain")
        return error_page(request, status)


def _last(fields: Mapping[str, tuple[str, ...]], name: str) -> str:
    found = fields.get(name, ())
    # Attack: the field twice, of which the check reads one and the page the other.
    return found[0] if len(found) == 1 else ""


async def _read_form(request: Request) -> tuple[dict[str, tuple[str, ...]], int]:
    """The fields, or the status of a refusal. Attack: a body without end, one that never comes whole, one of a million fields."""
    data = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS_MAX):
            async for piece in request.stream():
                data += piece
                if len(data) > FORM_BYTES_MAX:
                    return {}, 413
        pairs = parse_qsl(data.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX, errors="strict")
    except TimeoutError:
        return {}, 408
    except (ValueError, ClientDisconnect):
        return {}, 400
    found: dict[str, tuple[str, ...]] = {}
    for name, item in pairs:
        # Browsers end lines of a text field with two characters.
        found[name] = (*found.get(name, ()), item.replace("\r\n", "\n"))
    return found, 0


def _closing(send: Send, path: str) -> Send:
    """Put the headers of every answer in front."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in SECURITY}
            kept = [(name, item) for name, item in message.get("headers", ()) if name.decode("latin-1").lower() not in ours]
            names = {name.lower() for name, _ in kept}
            more = [(name.encode(), item.encode()) for name, item in SECURITY]
            if not path.startswith(STATIC) or b"cache-control" not in names:
                kept = [(name, item) for name, item in kept if name.lower() != b"cache-control"]
                more.append((b"cache-control", NO_STORE.encode()))
            message = {**message, "headers": [*kept, *more]}
        await send(message)

    return with_headers
