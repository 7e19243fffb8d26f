"""The console as one application: its areas, and the door in front of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from mpp.console.defects import Tell, on_stderr, tell_defect
from mpp.console.desk import Desk
from mpp.console.pages import agents, approvals, calls, compliance, entering, health, legacy, overview, packages, policy, privacy
from mpp.console.render import assets, error_page, fault_page
from mpp.console.security import Guard
from mpp.console.sessions import Sessions
from mpp.errors import MppError

AREAS: tuple[Callable[[Desk], list[BaseRoute]], ...] = (
    overview.routes,
    approvals.routes,
    calls.routes,
    agents.routes,
    privacy.routes,
    packages.routes,
    policy.routes,
    legacy.routes,
    health.routes,
    compliance.routes,
)
"""Each area gives its routes. A further one is its module in mpp.console.pages, and a line here."""

STATIC_KEPT = "private, max-age=31536000, immutable"
"""Their addresses change with their bytes."""


def make_app(desk: Desk, sessions: Sessions, port: int, tell: Tell = on_stderr) -> ASGIApp:
    """``port``: the one that it is served at, which stands in cookies and in what a Host may say. ``tell`` is told what broke."""
    routes = [*entering.routes(sessions, port), Route("/static/{name}", _static), *(route for area in AREAS for route in area(desk))]

    async def broken(request: Request, fault: Exception) -> Response:
        reference = tell_defect(request, fault, desk.random, tell)
        return error_page(request, 500, hint=f"Its reference is {reference}. Where `mpp console` runs, the terminal says under it what broke.")

    # What is an exception here becomes a page: nothing of ours is left to the frames of the server.
    handlers: dict[int | type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {MppError: _fault, HTTPException: _missed, 500: broken}
    inner = Starlette(routes=routes, exception_handlers=handlers)
    inner.router.redirect_slashes = False
    return Guard(inner, sessions, port, read_only=desk.read_only)


async def _static(request: Request) -> Response:
    found = assets().get(request.path_params["name"])
    if found is None:
        return Response("404\n", status_code=404, media_type="text/plain")
    return Response(found.data, headers={"content-type": found.kind, "cache-control": STATIC_KEPT})


async def _fault(request: Request, fault: Exception) -> Response:
    return fault_page(request, fault) if isinstance(fault, MppError) else error_page(request, 500)


async def _missed(request: Request, fault: Exception) -> Response:
    return error_page(request, fault.status_code if isinstance(fault, HTTPException) else 500)
