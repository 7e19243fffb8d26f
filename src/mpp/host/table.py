"""All tools of a host under their names, put together anew when a source changed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from operator import methodcaller

from mpp.errors import MppError, Refused
from mpp.host.sources.naming import fit, SEPARATOR
from mpp.host.sources.ports import Offered, ToolSource
from mpp.model.jsontext import Json, shown
from mpp.protocol.mcp.ports import Listing

TENANTS_MAX = 256
"""Tenants whose table is kept. Reason: each is some kilobytes; a table is put together in a millisecond."""


BESIDE = "what stands beside packages"
"""What is told of a source that was left out; its fault says more."""


_REVISION: Callable[[ToolSource], Hashable] = methodcaller("revision")


class Table:
    """What one tenant sees. It does not change: a change is another table."""

    def __init__(self, offered: Sequence[Offered], revision: int, *, plain_names: bool) -> None:
        self.by_name: dict[str, Offered] = {}
        # Attack: a tool that calls itself as another is known under its whole name, such as ``hello__greet``. Whole names are counted too.
        counts = Counter([*(plain(one) for one in offered), *{one.name for one in offered if plain(one) != one.name}])
        for one in offered:
            # Attack: a second source with the alias of a first, or a package with two names whose short forms are one. The earlier one keeps its names.
            self.by_name.setdefault(plain(one) if plain_names and counts[plain(one)] == 1 else one.name, one)
        items: list[Json] = [{"name": name, **_object(self.by_name[name].definition)} for name in sorted(self.by_name)]
        self.listing = Listing(revision=revision, items=tuple(items))

    def find(self, name: str) -> Offered:
        found = self.by_name.get(name)
        if found is None:
            raise Refused("call.tool", f"there is no tool {shown(name, 80)!r}", where="name", hint="tools/list names those that there are")
        return found


def plain(one: Offered) -> str:
    """The tool's own name, as far as clients take it."""
    return fit(one.tool or one.name.partition(SEPARATOR)[2] or one.name)


def _object(found: Json) -> dict[str, Json]:
    return found if isinstance(found, dict) else {}


class Tables:
    """Safe to use from many threads. The first source is needed; any other one that fails is left out, until it changes."""

    def __init__(self, sources: Sequence[ToolSource], *, plain_names: bool = False, told: Callable[[str, MppError], None] = lambda _name, _fault: None) -> None:
        """``told`` hears of each source that was left out."""
        self._sources, self._plain_names, self._told = tuple(sources), plain_names, told
        self._lock = threading.Lock()
        self._tables: dict[str, tuple[Hashable, Table]] = {}
        self._revision = 0

    def revision(self) -> Hashable:
        """Equal as long as all tools are the same."""
        return tuple(map(_REVISION, self._sources))

    def of(self, tenant: str) -> Table:
        now = self.revision()
        with self._lock:
            known = self._tables.get(tenant)
            if known is not None and known[0] == now:
                return known[1]
            self._revision += 1
            offered = [one for number, source in enumerate(self._sources) for one in self._offered(number, source, tenant)]
            table = Table(offered, self._revision, plain_names=self._plain_names)
            self._tables.pop(tenant, None)
            self._tables[tenant] = (now, table)
            while len(self._tables) > TENANTS_MAX:
                self._tables.pop(next(iter(self._tables)))
            return table

    def _offered(self, number: int, source: ToolSource, tenant: str) -> tuple[Offered, ...]:
        try:
            return source.offered(tenant)
        except MppError as fault:
            if number == 0:
                # Attack: without the names of packages, others would take them.
                raise
            # Attack: whoever damages the list of older servers takes the verified tools away with them.
            self._told(BESIDE, fault)
            return ()

    def close(self) -> None:
        for source in self._sources:
            source.close()
