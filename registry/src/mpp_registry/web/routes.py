"""The addresses of the web site."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp_registry.services import Services
from mpp_registry.web.admin import actions, desk, entering
from mpp_registry.web.admin.desk import for_admin
from mpp_registry.web.errors import status_answer
from mpp_registry.web.me import pages as me
from mpp_registry.web.pages import explorer, home, packages, people, reports, search, status
from mpp_registry.web.serving import asked_of, endpoint, response_of
from mpp_registry.web.site import Page, make_site

READ: tuple[tuple[str, Page], ...] = (
    ("/", home.home),
    ("/about", home.about),
    ("/static/{name}", home.asset),
    ("/search", search.results),
    ("/packages/{package_id}", packages.package),
    ("/packages/{package_id}/versions", packages.versions),
    ("/packages/{package_id}/versions/{version}", packages.version),
    ("/packages/{package_id}/versions/{version}/{document}", packages.document),
    ("/packages/{package_id}/report", reports.form),
    ("/publishers/{publisher_id}", people.publisher),
    ("/namespaces/{namespace}", people.namespace),
    ("/log", explorer.log),
    ("/log/checkpoints", explorer.checkpoints),
    ("/log/consistency", explorer.consistency),
    ("/log/{index}", explorer.entry),
    ("/advisories", reports.advisories),
    ("/status", status.status),
    ("/me", me.mine),
    ("/me/login", me.how),
    ("/me/enter", me.door),
    ("/admin/login", entering.login_form),
    ("/admin", for_admin(desk.overview)),
    ("/admin/package", for_admin(desk.package)),
    ("/admin/publisher", for_admin(desk.publisher)),
    ("/admin/audit", for_admin(desk.audit)),
)
WRITE: tuple[tuple[str, Page], ...] = (
    ("/admin/login", entering.login),
    ("/admin/logout", entering.logout),
    ("/admin/act", actions.act),
    ("/packages/{package_id}/report", reports.send),
    ("/me/enter", me.enter),
    ("/me/logout", me.leave),
)


def web_routes(services: Services) -> list[BaseRoute]:
    site = make_site(services)
    read = [Route(place, endpoint(site, page), methods=["GET"]) for place, page in READ]
    return [*read, *(Route(place, endpoint(site, page), methods=["POST"]) for place, page in WRITE)]


def error_response(services: Services, request: Request, status_code: int, detail: str = "") -> Response:
    """The page of an error for a browser, whatever went wrong and wherever."""
    site, asked = make_site(services), asked_of(request, {})
    return response_of(status_answer(site, status_code, detail), asked)
