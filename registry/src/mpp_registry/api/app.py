"""The application: the endpoints of the table, what other parts mount beside them, and the guard around all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mpp.errors import HostFailed, Refused
from mpp.host.system import SystemClock, SystemRandom
from mpp_registry.api.answering import Answer, document, NEVER, TEXT
from mpp_registry.api.asking import Ask
from mpp_registry.catalog.counting import Downloads
from mpp_registry.api.endpoint import Endpoint, Endpoints, problem_response, Reply, Shared
from mpp_registry.api.guard import Guard, Outside
from mpp_registry.api.log import Health
from mpp_registry.api.mcp_registry import MCP_ENDPOINTS
from mpp_registry.api.metrics import Metrics
from mpp_registry.api.openapi import openapi
from mpp_registry.api.table import ENDPOINTS
from mpp_registry.oci.table import OCI_ENDPOINTS
from mpp_registry.services import Services

OPENAPI = "/v1/openapi.json"

Html: TypeAlias = Callable[[Request, int], Response | None]
"""A page about a status, for whoever asks for pages; None for all others."""


class App:
    """A registry as an ASGI application. Its counter is to be written from time to time, and at the end."""

    def __init__(
        self, services: Services, extras: Sequence[BaseRoute] = (), *, outside: Outside | None = None, spool: str = "",
        endpoints: Sequence[Endpoint] = (), html: Html | None = None, accel: str = "",
    ) -> None:  # fmt: skip
        self.metrics, self.downloads = Metrics(), Downloads()
        around = outside or Outside(clock=SystemClock(), random=SystemRandom(), write_line=_to_stderr)
        shared = Shared(services, self._counted, spool=spool, accel=accel)
        self.table = full_table(self.metrics, endpoints)
        self.starlette = Starlette(routes=[*routes_of(self.table, shared), *extras], exception_handlers=_handlers(html))
        # Attack: a redirect to the same path with a slash more, whose address is made of what the client wrote as host.
        self.starlette.router.redirect_slashes = False
        self._guard = Guard(self.starlette, around, self.metrics)

    def _counted(self, package_id: str) -> None:
        self.metrics.add("mpp_registry_downloads_total")
        self.downloads.add(package_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guard(scope, receive, send)


def make_app(
    services: Services, extras: Sequence[BaseRoute] = (), *, outside: Outside | None = None, endpoints: Sequence[Endpoint] = (), html: Html | None = None,
) -> App:  # fmt: skip
    """``extras``: routes of the web site. ``endpoints``: rows of federation and of fleets. ``html``: pages for what went wrong."""
    return App(services, extras, outside=outside, endpoints=endpoints, html=html)


def routes_of(table: Iterable[Endpoint], shared: Shared) -> list[BaseRoute]:
    """One route for each path, so that another method is told which there are."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for row in table:
        paths.setdefault(row.path, {})[row.method] = row
    return [Route(path, Endpoints(shared, rows), methods=list(rows)) for path, rows in paths.items()]


def full_table(metrics: Metrics, more: Sequence[Endpoint] = ()) -> tuple[Endpoint, ...]:
    """All endpoints. ``more``: those of federation and of fleets."""

    def show(_ask: Ask) -> Answer:
        return Answer(data=metrics.text().encode(), media="text/plain; version=0.0.4; charset=utf-8", cache=NEVER)

    def describe(ask: Ask) -> Answer:
        return document(openapi(table, ask.services.settings.url))

    own = (
        Endpoint(
            method="GET", path="/health", name="health", words="Is the registry well?", tag="about", handle=Health(), auth="open",
            replies=(Reply(status=200, words="It is.", schema="Health"), Reply(status=503, words="A part of it does not answer.", schema="Health")),
        ),
        Endpoint(
            method="GET", path="/metrics", name="metrics", words="Counts, in the text form of Prometheus.", tag="about", handle=show, auth="open",
            replies=(Reply(status=200, words="The counts.", media=TEXT),),
        ),
        Endpoint(
            method="GET", path=OPENAPI, name="openapi", words="This document.", tag="about", handle=describe, auth="open",
            replies=(Reply(status=200, words="OpenAPI 3.1.", schema="OpenApi"), Reply(status=304, words="It is as it was.", media="")),
        ),
    )  # fmt: skip
    table = (*own, *ENDPOINTS, *more, *MCP_ENDPOINTS, *OCI_ENDPOINTS)
    return table


def _handlers(html: Html | None) -> dict[type[Exception], Callable[[Request, Exception], Response]]:
    """A page for a browser, where there is a web site; a problem for all others."""

    def no_route(request: Request, fault: Exception) -> Response:
        status = fault.status_code if isinstance(fault, HTTPException) else 404
        page = html(request, status) if html is not None else None
        return page or _problem(request, status, getattr(fault, "headers", None) or {})

    def failed(request: Request, _fault: Exception) -> Response:
        # Its trace goes to the log of the process, and nowhere else.
        page = html(request, 500) if html is not None else None
        return page or problem_response(HostFailed("registry.failed", "the registry could not do its part"), request.scope)

    return {HTTPException: no_route, Exception: failed}


def _problem(request: Request, status: int, headers: Mapping[str, str]) -> Response:
    if status != 405:
        return problem_response(Refused("registry.absent", "there is no such address", hint="see /v1/openapi.json"), request.scope)
    allowed = ", ".join(sorted(headers.get("Allow", "").split(", ")))
    response = problem_response(Refused("registry.method", "this cannot be done here", hint=f"allowed: {allowed}"), request.scope)
    response.headers["allow"] = allowed
    return response


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
