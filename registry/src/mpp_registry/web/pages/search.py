"""The page of results."""

from __future__ import annotations

from urllib.parse import urlencode

from mpp_registry.web import reading
from mpp_registry.web.answers import Answer, Asked
from mpp_registry.web.limits import PAGE_ROWS
from mpp_registry.web.site import Site

STATUSES = {"": "Any", "active": "Active", "deprecated": "Deprecated"}


def results(site: Site, asked: Asked) -> Answer:
    q, cursor = asked.query.get("q", "").strip(), asked.query.get("cursor", "")
    status = asked.query.get("status", "")
    status = status if status in STATUSES else ""
    with site.services.database.read() as rows:
        found, following = reading.search(rows, q, status, cursor, PAGE_ROWS)
    kept = {name: item for name, item in (("q", q), ("status", status)) if item}
    return site.page(
        "search.html",
        q=q,
        status=status,
        statuses=STATUSES,
        found=found,
        is_first=not cursor,
        first="/search?" + urlencode(kept),
        next="/search?" + urlencode({**kept, "cursor": following}) if following else "",
    )
