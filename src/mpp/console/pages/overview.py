"""The first page of the console."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.checking import Checks, checks_of
from mpp.console.desk import Desk, work
from mpp.console.pages.asking import asked, Indexing, indexing_page
from mpp.console.pages.recording import record_state
from mpp.console.render import render
from mpp.console.views.health import Verified, verified_of
from mpp.console.views.overview import Facts, overview, Overview
from mpp.console.views.periods import period_of, PERIODS, USUAL
from mpp.host.audit.listing import Numbers, numbers
from mpp.host.legacy.store import LegacyStore
from mpp.host.stops import StopStore
from mpp.host.stores.approvals import ApprovalsStore
from mpp.model.value import value
from mpp.stages.audit import STAGES

TOP_ROWS = 8
"""Rows of each list of the most frequent. Reason: a person reads the first ones; the list of calls has all."""

NOTHING = Numbers(
    since=0, until=0, span=1, endings={}, tools=(), agents=(), redactions=(), risks=(), codes=(), times=dict.fromkeys(STAGES, ()), first=None,
)  # fmt: skip


@value
class Page:
    found: Overview
    facts: Facts


def routes(desk: Desk) -> list[BaseRoute]:
    checks = checks_of(desk)

    async def first(request: Request) -> Response:
        name = request.query_params.get("period", USUAL)
        found = await work(_overview, desk, checks, name)
        if isinstance(found, Indexing):
            return indexing_page(request, found)
        return render(request, "overview.html", found=found.found, facts=found.facts, record=found.facts.record, periods=PERIODS)

    return [Route("/", first)]


def _overview(desk: Desk, checks: Checks, name: str) -> Page | Indexing:
    now = desk.now()
    first = asked(desk, lambda connection: connection.execute("SELECT min(at) FROM entry").fetchone()) if name == "all" else None
    if isinstance(first, Indexing):
        return first
    period = period_of(name, now, first[0] if first is not None and isinstance(first[0], int) else None)
    found = asked(desk, lambda connection: numbers(connection, period.since, period.until, TOP_ROWS))
    if isinstance(found, Indexing):
        return found
    facts = Facts(pending=_pending(desk, now), held=_held(desk), stops=_stops(desk), record=record_state(desk), verified=_verified(checks))
    return Page(found=overview(found or NOTHING, period, facts, now), facts=facts)


def _verified(checks: Checks) -> Verified | None:
    """What the last verification that this console ran has said, on whichever page."""
    found = checks.last("record")
    return None if found is None else verified_of(found.document, found.at)


def _pending(desk: Desk, now: int) -> tuple[int, ...]:
    store = ApprovalsStore(desk.home.approvals)
    try:
        return tuple(one.created for tenant in store.tenants(now) for one in store.pending(tenant, now))
    finally:
        store.close()


def _held(desk: Desk) -> int:
    return sum(len(one.held) for one in LegacyStore(desk.home.path).load().values())


def _stops(desk: Desk) -> int:
    found = StopStore(desk.home.stops).current()
    return (found.all is not None) + len(found.packages) + len(found.publishers) + len(found.contents)
