"""The page of results, and the lists of all packages."""

from __future__ import annotations

from urllib.parse import urlencode

from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.types import PackageRow, Page
from mpp_registry.store.ports import Rows
from mpp_registry.web.answers import Answer, Asked
from mpp_registry.web.limits import PAGE_ROWS
from mpp_registry.web.site import Site

ORDERS = {"newest": "Newest change", "popular": "Most downloads", "name": "Name"}
"""Of a list without words. Where there are words, the best comes first."""

FIT = "fit"


def results(site: Site, asked: Asked) -> Answer:
    q, cursor = asked.query.get("q", "").strip(), asked.query.get("cursor", "")
    order = asked.query.get("order", "")
    order = FIT if q else order if order in ORDERS else "newest"
    is_sound = asked.query.get("sound", "") == "1"
    with site.services.database.read() as rows:
        page = _page(site, rows, q, order, cursor)
    kept = {name: item for name, item in (("q", q), ("order", "" if q else order), ("sound", "1" if is_sound else "")) if item}
    return site.page(
        "search.html",
        q=q,
        order=order,
        orders=ORDERS,
        is_sound=is_sound,
        # A page may then be shorter; the next one goes on where it ended all the same.
        found=[one for one in page.items if not is_sound or (one.status == "active" and one.latest)],
        is_first=not cursor,
        first="/search?" + urlencode(kept),
        next="/search?" + urlencode({**kept, "cursor": page.next}) if page.next else "",
    )


def _page(site: Site, rows: Rows, q: str, order: str, cursor: str) -> Page[PackageRow]:
    if order == FIT:
        return site.services.searches.search(rows, q, cursor, PAGE_ROWS)
    return {"popular": catalog.popular, "name": catalog.by_id}.get(order, catalog.newest)(rows, cursor, PAGE_ROWS)
