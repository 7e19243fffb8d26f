"""The parts of a registry put together: services, application, what runs beside requests."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from mpp.host.outside import is_here
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.value import value
from mpp_registry.api.app import App, Html
from mpp_registry.api.endpoint import Endpoint
from mpp_registry.api.guard import Outside
from mpp_registry.api.limits import COUNT_SECONDS
from mpp_registry.federation.peers import renew_peers
from mpp_registry.limits import PUBLIC_SECONDS
from mpp_registry.log.renewing import renewed
from mpp_registry.oci.rows import forget_uploads_before
from mpp_registry.opening import opened, Options
from mpp_registry.publishing.jobs import run_jobs
from mpp_registry.publishing.limits import UPLOAD_SECONDS
from mpp_registry.publishing.public import Following, switch
from mpp_registry.serve import Door, Job, Listening, read_listen, RegistryServer, spool_folder
from mpp_registry.services import Services
from mpp_registry.web.errors import wants_html
from mpp_registry.web.routes import error_response, web_routes

RENEW_SECONDS = 60
"""Seconds between two looks at how old the newest checkpoint is. Reason: it is signed anew after ten minutes, so that clients with an age limit go on."""

CLEAN_SECONDS = 300
"""Seconds between two runs of the registry's own work. Reason: what it waits for is due in hours or days."""


@value
class Started:
    """A registry that listens."""

    services: Services
    app: App
    server: RegistryServer


@contextlib.contextmanager
def started(options: Options, at: Listening, *, environment: Mapping[str, str], write_line: Callable[[str], None]) -> Iterator[Started]:
    """It serves once ``server.run`` is called; at the end everything is closed."""
    clock, random = SystemClock(), SystemRandom()
    with contextlib.closing(Door(at)) as door, opened(_reached(options, door), clock=clock, random=random, environment=environment) as services:
        switch(services, is_wanted=at.public_files)
        around = Outside(clock=clock, random=random, write_line=write_line, behind_proxy=at.behind_proxy, is_tls=bool(at.tls_cert))
        app = App(
            services,
            web_routes(services),
            outside=around,
            endpoints=more_endpoints(services),
            accel=at.accel,
            spool=spool_folder(options.data),
            html=pages(services),
        )
        yield Started(services=services, app=app, server=RegistryServer(app, door, jobs(services, app)))


def _reached(options: Options, door: Door) -> Options:
    return options if options.url else replace(options, url=door.url)


def is_outside(at: Listening, url: str) -> bool:
    """Do others than this machine reach it?"""
    address, _ = read_listen(at.listen)
    return at.behind_proxy or not is_here(address) or bool(url and not is_here(urlsplit(url).hostname or ""))


ROWS = (("mpp_registry.federation.endpoints", "federation_endpoints"), ("mpp_registry.fleet.endpoints", "fleet_endpoints"))
"""What other parts add to the table of endpoints."""


def more_endpoints(services: Services) -> list[Endpoint]:
    found: list[Endpoint] = []
    for module, name in ROWS:
        if importlib.util.find_spec(module) is not None:
            found += getattr(importlib.import_module(module), name)(services)
    return found


def pages(services: Services) -> Html:
    """What a browser is shown where something went wrong."""

    def page(request: Request, status: int) -> Response | None:
        return error_response(services, request, status) if wants_html(request) else None

    return page


def jobs(services: Services, app: App) -> list[Job]:
    following = Following(services)
    return [
        Job(name="public files", work=following.work, seconds=PUBLIC_SECONDS),
        Job(name="downloads", work=lambda: app.downloads.flush(services.database, services.clock.now()), seconds=COUNT_SECONDS, at_end=True),
        Job(name="cleaning", work=lambda: clean(services), seconds=CLEAN_SECONDS),
        Job(name="list of peers", work=lambda: renew_peers(services), seconds=RENEW_SECONDS),
        Job(name="checkpoint", work=lambda: renew(services), seconds=RENEW_SECONDS),
    ]


def clean(services: Services) -> None:
    """Lapsed name spaces, recoveries that are due, uploads that came to nothing."""
    for name, code in run_jobs(services).failed:
        sys.stderr.write(f"error: the job {name} failed: {code}\n")
    with services.database.write() as rows:
        forget_uploads_before(rows, services.clock.now() - UPLOAD_SECONDS)


def renew(services: Services) -> None:
    """Each replica looks; the first one that finds it old signs it anew."""
    renewed(services.database, services.ledger, services.clock.now())
