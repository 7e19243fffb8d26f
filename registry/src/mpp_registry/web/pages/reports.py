"""The form by which anybody tells the operator about a package, and the list of advisories."""

from __future__ import annotations

import json

from mpp.errors import Refused
from mpp.model.limits import LINE_MAX
from mpp.protocol.registry.bodies import REPORT_CHARS_MAX, read_report
from mpp_registry.advisories.advising import advisories_page
from mpp_registry.advisories.reporting import report
from mpp_registry.catalog import reading as catalog
from mpp_registry.web import reading
from mpp_registry.web.answers import NEVER_KEEP, Answer, Asked, redirect
from mpp_registry.web.errors import not_found
from mpp_registry.web.limits import PAGE_ROWS
from mpp_registry.web.site import Site
from mpp.pages.texts import part

KINDS = {
    "malware": "It does harm, or hides what it does",
    "impersonation": "It pretends to be something or somebody else",
    "vulnerability": "It can be misused by others",
    "other": "Something else",
}
FIELDS = ("version", "kind", "text", "contact")


def form(site: Site, asked: Asked) -> Answer:
    return _page(site, asked, {"version": asked.query.get("version", "")}, is_done=asked.query.get("sent", "") == "1")


def send(site: Site, asked: Asked) -> Answer:
    """What was written is kept in the form where it is refused, so that nobody writes it twice."""
    package_id = asked.places["package_id"]
    given = {name: asked.form.get(name, "").replace("\r\n", "\n") for name in FIELDS}
    # A version that was not chosen is one that is not named.
    body = {"package_id": package_id, **{name: item for name, item in given.items() if item or name != "version"}}
    try:
        report(site.services, read_report(json.dumps(body).encode()), asked.address)
    except Refused as fault:
        return _page(site, asked, given, fault=f"{fault.message}. {fault.hint}")
    return redirect(f"/packages/{part(package_id)}/report?sent=1")


def _page(site: Site, asked: Asked, given: dict[str, str], *, fault: str = "", is_done: bool = False) -> Answer:
    package_id = asked.places["package_id"]
    with site.services.database.read() as rows:
        package = catalog.package(rows, package_id)
        lines = reading.newest_versions(rows, package_id) if package else ()
    if package is None:
        return not_found(site)
    return site.page(
        "report.html", http=400 if fault else 200, keep=NEVER_KEEP, package=package, lines=lines, kinds=KINDS, given={**dict.fromkeys(FIELDS, ""), **given},
        fault=fault, is_done=is_done, most=REPORT_CHARS_MAX, contact_most=LINE_MAX,
    )  # fmt: skip


def advisories(site: Site, asked: Asked) -> Answer:
    cursor = asked.query.get("cursor", "")
    with site.services.database.read() as rows:
        page = advisories_page(rows, cursor, PAGE_ROWS)
    return site.page("advisories.html", found=page.advisories, next=page.next, is_first=not cursor)
