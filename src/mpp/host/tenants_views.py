"""Which packages each tenant of a front sees. One document, changed under a lock; without it all tenants see all.

A view takes away and never gives: what a tenant sees is judged by policy as ever. Spec: spec/mcp-front.md, J-78 and J-79.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from mpp.files import PRIVATE, locked, make_private_folder, write_atomic
from mpp.host.policy_files import Glance, check_folder, glance, read_owned
from mpp.host.sources.naming import SEPARATOR
from mpp.host.tenants import LOCAL_TENANT, TENANT_NAME, TENANT_NAME_FORM
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.value import value

TENANTS_MAX = 1000
"""Tenants with a view of their own. Reason: bounds reading; a host serves tens."""

VIEW_NAMES_MAX = 1000
"""Names that one tenant sees. Reason: more packages than a host installs."""

VIEW_NAME_CHARS_MAX = 128
"""Characters of a name. Reason: an alias, or the whole name of a tool, has fewer."""

VIEWS_BYTES_MAX = 4 * MIB
"""Bytes of the document. Reason: a thousand tenants with a few dozen names each."""

VIEW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
VIEW_NAME_FORM = "the alias of a package, or the whole name of a tool or prompt"


@value
class View:
    """What one tenant sees."""

    names: frozenset[str] = frozenset()
    sees_all: bool = False

    def sees(self, name: str) -> bool:
        """A tool or prompt by its public name, or a package by its alias."""
        return self.sees_all or name in self.names or name.partition(SEPARATOR)[0] in self.names


ALL = View(sees_all=True)
NOTHING = View()

Views = Mapping[str, View]
"""By the names of tenants. Empty: nobody has a view of its own."""


def view_of(views: Views, tenant: str) -> View:
    """Once one tenant has a view, one without sees nothing: attack on oneself: a new tenant, or a misspelt one, that sees what is others'."""
    if not views or tenant == LOCAL_TENANT:
        return views.get(tenant, ALL)
    return views.get(tenant, NOTHING)


def read_views(data: bytes, *, where: str) -> Views:
    faults = Faults("agent")
    fields = Fields(read(data, family="agent", where=where), where, faults)
    fields.number("mpp_tenants", least=1, most=1)
    rows = fields.each("tenants", lambda item, at: _read_view(Fields(item, at, faults)), most=TENANTS_MAX)
    fields.end()
    if len({name for name, _ in rows}) != len(rows):
        faults.add("duplicate", fields.path("tenants"), "the same tenant stands twice", "keep one of them")
    faults.stop()
    return dict(rows)


def _read_view(fields: Fields) -> tuple[str, View]:
    name = fields.text("name", most=40, pattern=TENANT_NAME, form=TENANT_NAME_FORM)
    sees_all = fields.flag("all", default=False)
    names = fields.texts("sees", most=VIEW_NAMES_MAX, each_most=VIEW_NAME_CHARS_MAX, pattern=VIEW_NAME, form=VIEW_NAME_FORM)
    if sees_all and names:
        fields.faults.add("choice", fields.path("sees"), "a tenant that sees all has no list of what it sees", "remove one of them")
    fields.end()
    return name, View(names=frozenset(names), sees_all=sees_all)


def write_views(views: Views) -> bytes:
    rows: list[Json] = []
    for name in sorted(views):
        sees: list[Json] = [*sorted(views[name].names)]
        rows.append({"name": name, "all": True} if views[name].sees_all else {"name": name, "sees": sees})
    return canonical({"mpp_tenants": 1, "tenants": rows})


class ViewStore:
    """The document of one home; a look at the file tells whether it is still as it was."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen: tuple[Glance | None, Views] = (None, {})

    def load(self) -> Views:
        found = glance(self.path)
        if found is None:
            return {}
        seen, views = self._seen
        if seen == found:
            return views
        views = self._read()
        self._seen = (found, views)
        return views

    def _read(self) -> Views:
        ours = (os.geteuid(), 0)
        check_folder(os.path.dirname(os.path.abspath(self.path)), ours)
        data = read_owned(self.path, VIEWS_BYTES_MAX, ours)
        return {} if data is None else read_views(data, where=self.path)

    def change(self, step: Callable[[Views], Views]) -> Views:
        """Apply ``step`` and write what comes of it, one process at a time."""
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the list of tenants"):
            after = step(self._read())
            data = write_views(after)
            read_views(data, where=self.path)
            write_atomic(self.path, data, PRIVATE)
            return after
