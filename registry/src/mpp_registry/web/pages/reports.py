"""The form by which anybody tells the operator about a package."""

from __future__ import annotations

from mpp_registry.web import reading
from mpp_registry.web.answers import NEVER_KEEP, Answer, Asked
from mpp_registry.web.errors import not_found
from mpp_registry.web.limits import CONTACT_CHARS_MAX, REASON_CHARS_MAX, VERSIONS_SHOWN
from mpp_registry.web.site import Site

KINDS = {
    "malware": "It does harm, or hides what it does",
    "impersonation": "It pretends to be something or somebody else",
    "vulnerability": "It can be misused by others",
    "other": "Something else",
}


def form(site: Site, asked: Asked) -> Answer:
    return _page(site, asked, version=asked.query.get("version", ""), is_done=asked.query.get("sent", "") == "1")


def _page(
    site: Site, asked: Asked, *, version: str = "", kind: str = "", reason: str = "", contact: str = "", fault: str = "", is_done: bool = False
) -> Answer:
    package_id = asked.places["package_id"]
    with site.services.database.read() as rows:
        package = reading.package(rows, package_id)
        lines = reading.versions(rows, package_id)[:VERSIONS_SHOWN] if package else []
    if package is None:
        return not_found(site, asked)
    return site.page(
        "report.html", http=400 if fault else 200, keep=NEVER_KEEP, package=package, lines=lines, version=version, kinds=KINDS, kind=kind, reason=reason,
        contact=contact, fault=fault, is_done=is_done, most=REASON_CHARS_MAX, contact_most=CONTACT_CHARS_MAX,
    )  # fmt: skip
