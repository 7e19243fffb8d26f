"""Older servers: what each may use, what is kept back of it and why, and a person's yes to what it says now."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.answers import approvers_here, Here
from mpp.console.desk import CHANNEL, Desk, work
from mpp.console.render import error_page, form_of, redirect, render
from mpp.console.views.legacy import digest_of, line_of, Looked, looked_of, ServerLine, ServerView, view_of
from mpp.errors import MppError, Refused
from mpp.host.approver_store import open_approver_key
from mpp.host.audit.log import AuditLog
from mpp.host.legacy.looking import ACCEPTED, at_home, KIND, look_at, Seen
from mpp.host.legacy.keeping import Surroundings
from mpp.host.legacy.pins import agree
from mpp.host.legacy.types import Entry
from mpp.host.told import trust_event
from mpp.model.value import value

OTHERWISE = "It says something else now than what you looked at. Look at the differences again before you accept them."


@value
class Page:
    """One server, and what it said when somebody looked just now."""

    view: ServerView
    looked: Looked | None = None
    approvers: tuple[Here, ...] = ()
    """Whose key can be opened here: a yes needs the passphrase of one."""
    trouble: str = ""
    """Why it is shown once more, though somebody accepted it."""


class Looking:
    """One look at a time: each starts a program of a stranger."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise Refused("usage.legacy", "another older server is being looked at", where=name, hint="wait until it has answered, then try again")
        try:
            yield
        finally:
            self._lock.release()


def routes(desk: Desk) -> list[BaseRoute]:
    looking = Looking()

    async def listed(request: Request) -> Response:
        servers, fault = await work(_list, desk)
        return render(request, "legacy.html", servers=servers, fault=fault)

    async def one(request: Request) -> Response:
        return render(request, "legacy_server.html", page=await work(_one, desk, request.path_params["name"]))

    async def look(request: Request) -> Response:
        return render(request, "legacy_server.html", page=await work(_look, desk, looking, request.path_params["name"]))

    async def accept(request: Request) -> Response:
        name, form = request.path_params["name"], form_of(request)
        if desk.passphrases.is_full():
            return error_page(request, 429, "There were too many wrong passphrases in the last minute.")
        page = await work(_accept, desk, looking, name, form)
        if page.trouble:
            return render(request, "legacy_server.html", http=409, page=page)
        words = f"{name}: what it says of itself now is agreed to; {page.view.line.tools} tools may be called."
        return redirect(request, request.url.path.removesuffix("/accept"), said=words)

    return [
        Route("/legacy", listed),
        Route("/legacy/{name}", one),
        Route("/legacy/{name}/look", look, methods=["POST"]),
        Route("/legacy/{name}/accept", accept, methods=["POST"]),
    ]


def _around(desk: Desk) -> Surroundings:
    return at_home(desk.home, desk.clock, is_fleet=lambda: desk.settings.is_fleet)


def _list(desk: Desk) -> tuple[tuple[ServerLine, ...], MppError | None]:
    try:
        return tuple(line_of(one) for one in _around(desk).store.load().values()), None
    except MppError as fault:
        return (), fault


def _one(desk: Desk, name: str) -> Page:
    return Page(view=view_of(_around(desk).store.find(name)))


def _seen(entry: Entry, about: Surroundings) -> Seen:
    name = entry.server.name
    if entry.stopped is not None:
        raise Refused("usage.legacy", f"the server was given up: {entry.stopped.why}", where=name, hint=f"try it first: mpp legacy test {name}")
    return look_at(entry, about)


def _look(desk: Desk, looking: Looking, name: str) -> Page:
    """Started and ended; nothing of what it says is kept."""
    about = _around(desk)
    entry = about.store.find(name)
    with looking.alone(name):
        seen = _seen(entry, about)
    return Page(view=view_of(entry), looked=looked_of(entry, seen), approvers=_approvers(desk))


def _approvers(desk: Desk) -> tuple[Here, ...]:
    with desk.services() as on:
        return approvers_here(desk, on)


def _accept(desk: Desk, looking: Looking, name: str, form: Mapping[str, str]) -> Page:
    """The same path as `mpp legacy approve`: a person shows who they are, it is heard anew, compared with what they saw, put in place, recorded.

    Attack: a server of this machine that the same browser visits, and which has our cookie from there, accepts itself. A click alone adds nothing (ADR 0050).
    """
    try:
        by, how = _person(desk, form.get("approver", ""), form.get("passphrase", "").encode())
    except Refused as fault:
        if fault.code != "key.passphrase":
            raise
        desk.passphrases.take()
        return replace(_look(desk, looking, name), trouble=f"{fault.message}: {fault.hint}")
    about = _around(desk)
    entry = about.store.find(name)
    with looking.alone(name):
        seen = _seen(entry, about)
    looked = looked_of(entry, seen)
    if not hmac.compare_digest(digest_of(seen).encode(), form.get("digest", "").encode("utf-8", "replace")):
        return Page(view=view_of(entry), looked=looked, approvers=_approvers(desk), trouble=OTHERWISE)
    if looked.differs:
        # The record is open before anything changes: what could not be kept is not done.
        with AuditLog(desk.home, clock=desk.clock, random=desk.random) as log:
            about.store.update(agree(seen.judged))
            log.record(trust_event(KIND, name, ACCEPTED, by=by, how=how, at=desk.now(), channel=CHANNEL), durable=True)
    return Page(view=view_of(about.store.find(name)))


def _person(desk: Desk, approver: str, passphrase: bytes) -> tuple[str, str]:
    """Who says yes, and how it is known: by a key that only the passphrase opens."""
    who = next((one for one in _approvers(desk) if (one.id == approver if approver else one.is_mine)), None)
    if who is None:
        hint = "the key must lie in keys/approvers of this home and have a passphrase; else accept it at a terminal: mpp legacy approve"
        raise Refused("approval.no_key", "there is no such approver's key here", hint=hint)
    _, how = open_approver_key(who.path, passphrase)
    return who.id, how
