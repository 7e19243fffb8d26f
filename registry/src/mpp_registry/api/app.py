"""The application: the endpoints of the table, what other parts mount beside them, and the guard around all."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mpp.errors import HostFailed, Refused
from mpp.host.system import SystemClock, SystemRandom
from mpp_registry.api.answering import Answer, document, TEXT
from mpp_registry.api.asking import Ask
from mpp_registry.api.counting import Counter
from mpp_registry.api.endpoint import Endpoint, Endpoints, problem_response, Reply, Shared
from mpp_registry.api.guard import Guard, Outside
from mpp_registry.api.metrics import Metrics
from mpp_registry.api.openapi import openapi
from mpp_registry.api.table import ENDPOINTS
from mpp_registry.services import Services

OPENAPI = "/v1/openapi.json"


class App:
    """A registry as an ASGI application. Its counter is to be written from time to time, and at the end."""

    def __init__(self, services: Services, extras: Sequence[BaseRoute] = (), *, outside: Outside | None = None, spool: str = "") -> None:
        self.metrics, self.counter = Metrics(), Counter(services.clock)
        around = outside or Outside(clock=SystemClock(), random=SystemRandom(), write_line=_to_stderr)
        shared = Shared(services, self.counter, spool=spool)
        table = (*ENDPOINTS, *_own(self.metrics, self.counter))
        self.starlette = Starlette(routes=[*routes_of(table, shared), *extras], exception_handlers={HTTPException: _no_route, Exception: _failed})
        # Attack: a redirect to the same path with a slash more, whose address is made of what the client wrote as host.
        self.starlette.router.redirect_slashes = False
        self._guard = Guard(self.starlette, around, self.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guard(scope, receive, send)


def make_app(services: Services, extras: Sequence[BaseRoute] = (), *, outside: Outside | None = None, spool: str = "") -> App:
    """``extras``: routes of the web site, of federation and of fleets, which come after those of the API."""
    return App(services, extras, outside=outside, spool=spool)


def routes_of(table: Iterable[Endpoint], shared: Shared) -> list[BaseRoute]:
    """One route for each path, so that another method is told which there are."""
    paths: dict[str, dict[str, Endpoint]] = {}
    for row in table:
        paths.setdefault(row.path, {})[row.method] = row
    return [Route(path, Endpoints(shared, rows), methods=list(rows)) for path, rows in paths.items()]


def full_table(metrics: Metrics, counter: Counter) -> tuple[Endpoint, ...]:
    return (*ENDPOINTS, *_own(metrics, counter))


def _own(metrics: Metrics, counter: Counter) -> tuple[Endpoint, ...]:
    """Those that are about this process."""

    def show(_ask: Ask) -> Answer:
        metrics.put("mpp_registry_downloads_total", counter.total)
        return Answer(data=metrics.text().encode(), media="text/plain; version=0.0.4; charset=utf-8", cache="no-store")

    def describe(ask: Ask) -> Answer:
        return document(openapi(full_table(metrics, counter), ask.services.settings.url))

    return (
        Endpoint(
            method="GET", path="/metrics", name="metrics", words="Counts, in the text form of Prometheus.", tag="about", handle=show, auth="open",
            replies=(Reply(status=200, words="The counts.", media=TEXT),),
        ),
        Endpoint(
            method="GET", path=OPENAPI, name="openapi", words="This document.", tag="about", handle=describe, auth="open",
            replies=(Reply(status=200, words="OpenAPI 3.1.", schema="OpenApi"),),
        ),
    )  # fmt: skip


def _no_route(request: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    if status == 405:
        allowed = dict(getattr(fault, "headers", None) or {}).get("Allow", "")
        allowed = ", ".join(sorted(allowed.split(", ")))
        response = problem_response(Refused("registry.method", "this cannot be done here", hint=f"allowed: {allowed}"), request.scope)
        response.headers["allow"] = allowed
        return response
    return problem_response(Refused("registry.absent", "there is no such address", hint="see /v1/openapi.json"), request.scope)


def _failed(request: Request, _fault: Exception) -> Response:
    """A fault of ours. Its trace goes to the log of the process, and nowhere else."""
    return problem_response(HostFailed("registry.failed", "the registry could not do its part"), request.scope)


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
