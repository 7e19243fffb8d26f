"""The first page, the page about the registry, and the style sheet that all have."""

from __future__ import annotations

from collections.abc import Sequence

from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.types import PackageRow
from mpp_registry.web.answers import ALWAYS_ASK, FOR_EVER, Answer, Asked
from mpp_registry.web.errors import not_found
from mpp_registry.web.limits import HOME_LOOKED_AT, HOME_ROWS
from mpp_registry.web.site import Site


def home(site: Site, _asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        newest = _usable(catalog.newest(rows, limit=HOME_LOOKED_AT).items)
        popular = _usable(catalog.popular(rows, limit=HOME_LOOKED_AT).items)
        totals = site.totals(rows)
    return site.page("home.html", newest=newest, popular=popular, totals=totals)


def _usable(found: Sequence[PackageRow]) -> list[PackageRow]:
    """Nobody is led to what must not be used: a revoked package has a page, and no place on the first one."""
    return [one for one in found if one.latest and one.status in {"active", "deprecated"}][:HOME_ROWS]


def about(site: Site, _asked: Asked) -> Answer:
    return site.page("about.html")


def asset(site: Site, asked: Asked) -> Answer:
    found = site.assets.get(asked.places["name"])
    if found is None:
        return not_found(site)
    cache = FOR_EVER if asked.query.get("v") == found.tag else ALWAYS_ASK
    return Answer(body=found.data, kind=found.kind, cache=cache, etag=found.etag)
