"""The parts of a registry put together: services, application, what runs beside requests."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mpp.host.outside import is_here
from mpp.host.system import SystemClock, SystemRandom
from mpp.ledger.notes import NoteKey
from mpp.model.value import value
from mpp_registry.api.app import App, Html
from mpp_registry.api.guard import Outside
from mpp_registry.api.limits import COUNT_SECONDS
from mpp_registry.opening import opened, Options
from mpp_registry.serve import Door, Job, Listening, read_listen, RegistryServer, spool_folder
from mpp_registry.services import Services
from mpp_registry.web.errors import wants_html
from mpp_registry.web.routes import error_response

RENEW_SECONDS = 900
"""Seconds between two signings of the same state. Reason: clients refuse a checkpoint after some hours, and nothing may happen for days."""


@value
class Started:
    """A registry that listens."""

    services: Services
    app: App
    server: RegistryServer


@contextlib.contextmanager
def started(
    options: Options, at: Listening, *, environment: Mapping[str, str], write_line: Callable[[str], None], witnesses: tuple[NoteKey, ...] = ()
) -> Iterator[Started]:
    """It serves once ``server.run`` is called; at the end everything is closed."""
    clock, random = SystemClock(), SystemRandom()
    with contextlib.closing(Door(at)) as door, opened(_reached(options, door), clock=clock, random=random, environment=environment) as services:
        around = Outside(clock=clock, random=random, write_line=write_line, behind_proxy=at.behind_proxy, is_tls=bool(at.tls_cert))
        app = App(services, extras(services), outside=around, spool=spool_folder(options.data), witnesses=witnesses, html=pages(services))
        yield Started(services=services, app=app, server=RegistryServer(app, door, jobs(services, app)))


def _reached(options: Options, door: Door) -> Options:
    return options if options.url else replace(options, url=door.url)


def is_outside(at: Listening, url: str) -> bool:
    """Do others than this machine reach it?"""
    address, _ = read_listen(at.listen)
    return at.behind_proxy or not is_here(address) or bool(url and not is_here(urlsplit(url).hostname or ""))


MOUNTED = (
    ("mpp_registry.federation.routes", "federation_routes"),
    ("mpp_registry.fleet.routes", "fleet_routes"),
    ("mpp_registry.web.routes", "web_routes"),
)
"""What other parts mount beside the API."""


def extras(services: Services) -> list[BaseRoute]:
    found: list[BaseRoute] = []
    for module, name in MOUNTED:
        if importlib.util.find_spec(module) is not None:
            found += getattr(importlib.import_module(module), name)(services)
    return found


def pages(services: Services) -> Html:
    """What a browser is shown where something went wrong."""

    def page(request: Request, status: int) -> Response | None:
        return error_response(services, request, status) if wants_html(request) else None

    return page


def jobs(services: Services, app: App) -> list[Job]:
    return [
        Job(name="downloads", work=lambda: app.downloads.flush(services.database, services.clock.now()), seconds=COUNT_SECONDS, at_end=True),
        Job(name="checkpoint", work=lambda: renew(services), seconds=RENEW_SECONDS),
    ]


def renew(services: Services) -> None:
    with services.database.write() as rows:
        services.ledger.renew(rows, services.clock.now())
