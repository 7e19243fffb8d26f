"""The pages of publishers and of namespaces."""

from __future__ import annotations

from mpp.crypto.roots import ROLES, RootChain, read_chain
from mpp.errors import Refused
from mpp.model.value import value
from mpp_registry.catalog import reading as catalog
from mpp_registry.web import logrows, reading
from mpp_registry.web.answers import Answer, Asked
from mpp_registry.web.errors import not_found
from mpp_registry.web.limits import PAGE_ROWS
from mpp_registry.web.sentences import sentence
from mpp_registry.web.site import Site
from mpp_registry.web.verdict import METHODS

HISTORY_ROWS = 12
"""Entries about a publisher on its page. Reason: one screen; the log has all."""


@value
class KeyLine:
    key: str
    roles: tuple[str, ...]


@value
class RootLine:
    """One version of a root document, and what it changed."""

    version: int
    name: str
    keys: tuple[KeyLine, ...]
    thresholds: tuple[tuple[str, int, int], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    revoked: tuple[tuple[str, str], ...]


def publisher(site: Site, asked: Asked) -> Answer:
    publisher_id, cursor = asked.places["publisher_id"], asked.query.get("cursor", "")
    with site.services.database.read() as rows:
        who = catalog.publisher(rows, publisher_id)
        if who is None:
            return not_found(site, "No publisher of that id is registered here.")
        spaces = catalog.namespaces_of(rows, publisher_id)
        page = catalog.packages_of(rows, publisher_id, cursor, PAGE_ROWS)
        leaves = logrows.leaves_of(rows, publisher_id, HISTORY_ROWS)
    return site.page(
        "publisher.html",
        who=who,
        spaces=spaces,
        methods=METHODS,
        packages=page.items,
        next=page.next,
        history=[sentence(one) for one in leaves],
        roots=root_lines(who.roots),
    )


def root_lines(data: bytes) -> list[RootLine]:
    """The versions of a root document, the newest first. It is verified anew: the page shows no key that the chain does not hold."""
    try:
        chain = read_chain(data, where="publisher.json")
    except Refused:
        return []
    return [_root(chain, number) for number in range(len(chain.roots) - 1, -1, -1)]


def _root(chain: RootChain, number: int) -> RootLine:
    root = chain.roots[number]
    had = set(chain.roots[number - 1].keys) if number else set(root.keys)
    listed = {name: root.role(name) for name in ROLES if name in root.roles}
    keys = [KeyLine(key=key, roles=tuple(name for name, role in listed.items() if key in role.keys)) for key in root.keys]
    return RootLine(
        version=root.version,
        name=root.name,
        keys=tuple(sorted(keys, key=lambda one: (one.roles, one.key))),
        thresholds=tuple((name, role.threshold, len(role.keys)) for name, role in listed.items()),
        added=tuple(sorted(set(root.keys) - had)),
        removed=tuple(sorted(had - set(root.keys))),
        revoked=tuple((one.key, one.reason) for one in root.revoked),
    )


def namespace(site: Site, asked: Asked) -> Answer:
    name, cursor = asked.places["namespace"], asked.query.get("cursor", "")
    with site.services.database.read() as rows:
        space = reading.namespace(rows, name)
        page = catalog.by_id(rows, cursor, PAGE_ROWS, namespace=name)
        who = catalog.publisher(rows, space.publisher_id) if space else None
    if space is None and not page.items:
        return not_found(site, "Nobody has claimed that namespace, and no package is in it.")
    return site.page(
        "namespace.html",
        name=name,
        domain=".".join(reversed(name.split("."))),
        space=space,
        who=who,
        methods=METHODS,
        packages=page.items,
        next=page.next,
    )
