"""Installed packages: what each may do, what changed in it, what was said of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import apsw
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.render import render
from mpp.console.views.packages import agreed_words, before, Compared, compared, Event, history, line_of, Opened, order, PackageLine, PackageView, view_of
from mpp.errors import MppError
from mpp.host.audit.index import ask
from mpp.host.audit.searching import find, lines_of
from mpp.host.judging import BY_POLICY
from mpp.host.stops import StopStore
from mpp.host.store import Installed, PackageStore
from mpp.host.store.comparing import differences
from mpp.host.stores.approvals import ApprovalsStore
from mpp.host.withdrawn import load_statuses, Status
from mpp.model.value import value
from mpp.stages.approval import Consent
from mpp.stages.audit import Condition, Wanted

HISTORY_ROWS_MAX = 50
"""Entries in the history of one package. Reason: two screens; the list of calls has all."""

TENANT = "local"
"""The tenant of what a person of this home agrees to."""


@value
class Seen:
    """All of one page of a package."""

    view: PackageView
    before: Compared | None
    before_version: str
    """Of the next lower installed version; empty: there is none."""
    agreed: str
    agreed_at: int
    status: Status | None
    events: tuple[Event, ...]


def routes(desk: Desk) -> list[BaseRoute]:
    async def listed(request: Request) -> Response:
        lines, fault = await work(_list, desk)
        return render(request, "packages.html", lines=lines, fault=fault, is_any=any(one.registry.words != "-" for one in lines))

    async def one(request: Request) -> Response:
        places = request.path_params
        return render(request, "package.html", seen=await work(_one, desk, places["package_id"], places.get("content", "")))

    return [Route("/packages", listed), Route("/packages/{package_id}", one), Route("/packages/{package_id}/{content}", one)]


def _list(desk: Desk) -> tuple[tuple[PackageLine, ...], MppError | None]:
    """A lockfile that cannot be read serves nothing, and is said so."""
    store = _store(desk)
    try:
        rows = store.all()
    except MppError as fault:
        return (), fault
    statuses, stops = load_statuses(desk.home), StopStore(desk.home.stops).current()
    return tuple(line_of(one, statuses, stops) for one in order(_opened(store, rows))), None


def _store(desk: Desk) -> PackageStore:
    return PackageStore(desk.home, desk.trust(), desk.clock)


def _opened(store: PackageStore, rows: Sequence[Installed]) -> tuple[Opened, ...]:
    return tuple(_open(store, row) for row in rows)


def _open(store: PackageStore, row: Installed) -> Opened:
    try:
        return Opened(row=row, package=store.open(row), fault=None)
    except MppError as fault:
        return Opened(row=row, package=None, fault=fault)


def _one(desk: Desk, package_id: str, content: str) -> Seen:
    store = _store(desk)
    rows = _opened(store, [row for row in store.all() if row.package_id == package_id])
    chosen = [one for one in order(rows) if (one.row.content_hash == content if content else one.row.active)] or ([] if content else [*order(rows)])
    if not chosen:
        raise HTTPException(404)
    one = chosen[0]
    old = before(one, rows)
    consent = _consent(desk, one.row)
    statuses, stops = load_statuses(desk.home), StopStore(desk.home.stops).current()
    return Seen(
        view=view_of(one, rows, statuses, stops, store.tool_names(package_id)),
        before=_compared(old, one),
        before_version="" if old is None else old.row.version,
        agreed=agreed_words(consent),
        agreed_at=0 if consent is None else consent.at,
        status=statuses.get(one.row.content_hash),
        events=_history(desk, package_id, tuple(other.row.content_hash for other in rows)),
    )


def _compared(old: Opened | None, new: Opened) -> Compared | None:
    """None where there is nothing to compare with, or one of the two is not believed any more."""
    if old is None or old.package is None or new.package is None:
        return None
    return compared(old.package, new.package, differences(old.package, new.package))


def _consent(desk: Desk, row: Installed) -> Consent | None:
    """To look makes no store. That a policy allowed something is nobody's yes."""
    if not os.path.exists(desk.home.approvals):
        return None
    store = ApprovalsStore(desk.home.approvals)
    try:
        found = store.consent(TENANT, row.publisher_id, row.package_id)
    finally:
        store.close()
    return None if found is None or found.by.startswith(BY_POLICY) else found


def _history(desk: Desk, package_id: str, contents: tuple[str, ...]) -> tuple[Event, ...]:
    places = desk.home.log
    if not desk.record().is_there():
        return ()
    whole = Wanted(kinds=("package", "consent", "stop"), conditions=(Condition("package", (package_id,)),))
    versions = Wanted(kinds=("stop",), conditions=(Condition("content", contents),))

    def question(connection: apsw.Connection) -> list[int]:
        return sorted({*find(connection, whole, HISTORY_ROWS_MAX), *find(connection, versions, HISTORY_ROWS_MAX)})

    return history(lines_of(places, ask(places, question)[-HISTORY_ROWS_MAX:]))
