"""The site as a whole: its templates, compiled once, and what each page may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mpp.crypto.ed25519 import fingerprint, short_id
from mpp.model.value import value
from mpp_registry.store.ports import Rows
from mpp.pages import texts
from mpp_registry.web.answers import ALWAYS_ASK, Answer, Asked
from mpp.pages.assets import Asset, read_assets
from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.types import PackageRow, Totals as CatalogTotals
from mpp_registry.services import Services
from mpp_registry.web.verdict import SIGNS
from mpp_registry.web.limits import ITEMS_KEPT
from mpp_registry.web.rates import Rates

PLACE = os.path.join(os.path.dirname(__file__), "templates")
STATIC = os.path.join(os.path.dirname(__file__), "static")


TOTALS_SECONDS = 30
"""Seconds for which totals are kept. Reason: nobody sees the difference on the first page."""


class Totals:
    """The totals of the first page. Threads may count at the same time; then the same is counted twice."""

    def __init__(self) -> None:
        self._found: tuple[int, CatalogTotals] | None = None

    def get(self, rows: Rows, now: int) -> CatalogTotals:
        kept = self._found
        if kept is None or not kept[0] <= now < kept[0] + TOTALS_SECONDS:
            kept = self._found = (now, catalog.totals(rows))
        return kept[1]


@value
class Site:
    services: Services
    templates: Environment
    assets: Mapping[str, Asset]
    rates: Rates
    kept: Totals

    def totals(self, rows: Rows) -> CatalogTotals:
        """Packages, publishers and entries of the log, as they were not long ago: to count a million rows for each visitor would be slow."""
        return self.kept.get(rows, self.now())

    def page(self, template: str, *, http: int = 200, keep: str = ALWAYS_ASK, headers: tuple[tuple[str, str], ...] = (), **words: object) -> Answer:
        """The answer that a template makes of ``words``."""
        text = self.templates.get_template(template).render(site=self.services.settings, **words)
        return Answer(body=text.encode("utf-8", "replace"), status=http, cache=keep, more=headers)

    def is_secure(self, asked: Asked) -> bool:
        """Do browsers reach it over https, be it through a proxy?"""
        return asked.is_secure or self.services.settings.url.startswith("https://")

    def now(self) -> int:
        return self.services.clock.now()


Page: TypeAlias = Callable[[Site, Asked], Answer]


def make_site(services: Services) -> Site:
    templates, assets = _compiled()
    return Site(services=services, templates=templates, assets=assets, rates=Rates(), kept=Totals())


@lru_cache(1)
def _compiled() -> tuple[Environment, Mapping[str, Asset]]:
    """Once in a process."""
    assets = read_assets(STATIC, "site.css")
    return _environment(assets), assets


def _environment(assets: Mapping[str, Asset]) -> Environment:
    """Attack: a template that forgets to escape, or that shows nothing where a name was mistyped. Here each escapes, and a missing name is a fault."""
    made = Environment(
        loader=FileSystemLoader(PLACE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=texts.finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update({
        "count": texts.count, "many": texts.many, "day": texts.day, "when": texts.when, "machine": texts.machine_time, "size": texts.size, "span": texts.span,
        "part": texts.part, "clip": texts.clip, "print": fingerprint, "short_print": texts.short_print, "key": short_id,
    })  # fmt: skip
    made.globals["signs"] = SIGNS
    made.globals["asset"] = lambda name: f"/static/{name}?v={assets[name].tag}"
    made.globals["package_item"] = _kept_items(made)
    for name in made.list_templates():
        made.get_template(name)
    return made


def _kept_items(made: Environment) -> Callable[[PackageRow, bool], Markup]:
    """Rows of lists of packages, each made once for what it says: the same packages stand in many lists."""
    # A macro of a template that is made once: a template of its own for each row would cost as much again as the row.
    macro = made.get_template("package_item.html").make_module().item  # type: ignore[attr-defined] # the names of a module are those of its template

    @lru_cache(ITEMS_KEPT)
    def item(one: PackageRow, counts: bool) -> Markup:
        # Escaped by the template itself, as every other one.
        return Markup(str(macro(one, counts)).strip())  # noqa: S704

    return item
