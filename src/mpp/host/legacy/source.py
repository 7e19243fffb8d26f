"""The tools of older servers, for a host. What is listed is what was agreed to, whether a server runs or not; it starts with its first call. Spec: legacy, section 4."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from functools import partial

from mpp.errors import MppError
from mpp.host.legacy.calling import call_legacy, labels_of, LegacyRoom
from mpp.host.legacy.deeds import Deed, of_tool
from mpp.host.legacy.keeping import connect, Connect, Keeper, Surroundings
from mpp.host.legacy.launch import FILES, NETWORK, PROCESSES
from mpp.host.legacy.limits import RELIST_SECONDS
from mpp.host.legacy.shelf import Item, LegacyShelf
from mpp.host.legacy.types import Barriers, Entry, tool_of, UnverifiedServer
from mpp.host.sources.naming import public_name
from mpp.host.sources.ports import Offered
from mpp.host.toolcall import META
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Live, Outcome, SaidError, ToolCall
from mpp.stages.privacy import widened


class _Nobody:
    """Nobody hears log lines and progress of what is no call of a tool."""

    gone_fd = -1

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


NOBODY = _Nobody()


class LegacySource:
    """A ToolSource. One for a host; each tenant has processes of its own."""

    def __init__(
        self, about: Surroundings, room: LegacyRoom, *, others: Callable[[], frozenset[str]] = frozenset, start: Connect | None = None
    ) -> None:  # fmt: skip
        """``others``: names of the tools of packages, which no description of a server may speak of."""
        self._about, self._room, self._others = about, room, others
        self._start: Connect = start or partial(connect, about=about)
        self._lock = threading.Lock()
        self._keepers: dict[tuple[str, str], Keeper] = {}
        self._begun: set[str] = set()
        self._shelf: tuple[Hashable, LegacyShelf] | None = None
        self._relisting: set[tuple[str, str]] = set()
        self._relisted: dict[tuple[str, str], float] = {}
        self.changed: Callable[[], None] = lambda: None
        """Told that the lists here are others now; from any thread."""
        self.updated: Callable[[str, str], None] = lambda _tenant, _uri: None
        """Told of a resource that is followed and is another one now, as it is listed here; from any thread."""

    def revision(self) -> Hashable:
        return self._about.store.revision()

    def offered(self, tenant: str) -> tuple[Offered, ...]:
        """Nothing is started here, but for the first list of a server of which nothing is known yet: that comes later, with another revision."""
        found: list[Offered] = []
        entries = self._about.store.load()
        self._forget(frozenset(entries))
        for entry in entries.values():
            if entry.stopped is not None or (not entry.server.sandboxed and self._about.is_fleet()):
                continue
            if entry.pins is None:
                self._begin(entry.server.name, tenant)
                continue
            held = {one.name for one in entry.held}
            found += [self._offer(entry, pin.document) for pin in entry.tools if pin.name not in held]
        return tuple(found)

    def close(self) -> None:
        with self._lock:
            keepers = [*self._keepers.values()]
            self._keepers.clear()
        # Each may take seconds to end; together they take no longer.
        threads = [threading.Thread(target=one.close, name="mpp-legacy-end") for one in keepers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _forget(self, there: frozenset[str]) -> None:
        """End those that were taken out. It takes a moment, and nobody waits for it."""
        with self._lock:
            gone = [self._keepers.pop(key) for key in [*self._keepers] if key[0] not in there]
        for one in gone:
            threading.Thread(target=one.close, name="mpp-legacy-end", daemon=True).start()

    def _begin(self, name: str, tenant: str) -> None:
        with self._lock:
            if name in self._begun:
                return
            self._begun.add(name)
        threading.Thread(target=self._first_list, args=(name, tenant), name="mpp-legacy-list", daemon=True).start()

    def _first_list(self, name: str, tenant: str) -> None:
        # Whoever calls it hears why it does not start; nobody waits here.
        with suppress(MppError):
            self.keeper(name, tenant).ready()

    def keeper(self, name: str, tenant: str) -> Keeper:
        with self._lock:
            found = self._keepers.get((name, tenant))
            if found is None:
                found = self._keepers[name, tenant] = Keeper(
                    name, self._about, connect=self._start, others=partial(self._names_of_others, name), heard=partial(self._heard, name, tenant)
                )
            return found

    def _heard(self, name: str, tenant: str, what: str, which: str) -> None:
        """From the thread that reads a server: nothing here waits."""
        if what == "updated":
            self.updated(tenant, self.shelf().public(name, which))
            return
        with self._lock:
            # Attack: a flood of such words. One look at a time, and none sooner than a moment after the one before.
            if (name, tenant) in self._relisting or (name, tenant) not in self._keepers:
                return
            self._relisting.add((name, tenant))
            soon = self._relisted.get((name, tenant), 0.0) + RELIST_SECONDS - time.monotonic()
        timer = threading.Timer(max(0.0, soon), self._relist, (name, tenant))
        timer.daemon = True
        timer.start()

    def _relist(self, name: str, tenant: str) -> None:
        """What changed is kept back, or is there again, before anybody calls it; then lists say so."""
        with self._lock:
            self._relisting.discard((name, tenant))
            self._relisted[name, tenant] = time.monotonic()
            keeper, before = self._keepers.get((name, tenant)), self._about.store.revision()
        if keeper is not None:
            with suppress(MppError):
                keeper.ready()
                if self._about.store.revision() != before:
                    self.changed()

    # -- what is there beside tools

    def shelf(self) -> LegacyShelf:
        """Prompts and resources as they are now. Raises HostFailed where the document of servers cannot be read."""
        revision = self.revision()
        with self._lock:
            if self._shelf is not None and self._shelf[0] == revision:
                return self._shelf[1]
        entries = [one for one in self._about.store.load().values() if one.stopped is None and (one.server.sandboxed or not self._about.is_fleet())]
        found = LegacyShelf.of(entries)
        with self._lock:
            self._shelf = (revision, found)
        return found

    def do(self, item: Item, deed: Deed, who: Caller, arguments: Mapping[str, Json], inputs: Mapping[str, Json]) -> Mapping[str, Json]:
        """A prompt, a resource or a completion, judged, filtered and recorded as a call is. Raises SaidError for what a client may read of why not."""
        call = ToolCall(name=deed.name, arguments=json.dumps(arguments, ensure_ascii=False).encode("utf-8", "surrogatepass"), inputs=inputs)
        found = call_legacy(self.keeper(item.entry.server.name, who.tenant), item.entry, deed, who, call, NOBODY, self._room)
        if found.pending is not None or found.result.get("isError"):
            raise SaidError(found)
        if found.wants_input:
            return found.result
        meta = found.result.get("_meta")
        return {**deed.write(found.result), **({"_meta": meta} if meta else {})}

    def follow(self, item: Item, who: Caller) -> None:
        """In a thread of its own: a server may have to be started first."""
        keeper = self.keeper(item.entry.server.name, who.tenant)

        def watch() -> None:
            with suppress(MppError):
                keeper.watch(item.own)

        threading.Thread(target=watch, name="mpp-legacy-watch", daemon=True).start()

    def _names_of_others(self, name: str) -> frozenset[str]:
        """Attack: a description that says how the tool of somebody else is to be used."""
        servers = (pin.name for one in self._about.store.load().values() if one.server.name != name for pin in one.tools)
        return frozenset((*servers, *self._others()))

    def _offer(self, entry: Entry, document: str) -> Offered:
        tool, name = tool_of(json.loads(document)), entry.server.name

        def run(who: Caller, call: ToolCall, live: Live) -> Outcome:
            return call_legacy(self.keeper(name, who.tenant), entry, of_tool(tool.name), who, call, live, self._room)

        return Offered(public_name(name, tool.name), definition_of(entry, document), run, tool=tool.name)


def definition_of(entry: Entry, document: str) -> dict[str, Json]:
    """What an agent reads, but for the name. Hints of the server are left out: without them a client takes a tool for one that changes things."""
    tool = tool_of(json.loads(document))
    missing = {} if entry.server.sandboxed else dict.fromkeys((FILES, NETWORK, PROCESSES), "the owner of this host turned it off")
    labels = labels_of(UnverifiedServer(entry=entry, barriers=Barriers(missing=missing)))
    if entry.server.sandboxed:
        del labels["missingBarriers"]  # known once it runs; its answers have them
    found: dict[str, Json] = {
        "description": tool.description,
        "inputSchema": json.loads(tool.input_schema),
        "annotations": dict(tool.annotations),
        "_meta": {META + key: item for key, item in labels.items()},
    }
    if tool.title:
        found["title"] = tool.title
    if tool.output_schema is not None:
        found["outputSchema"] = widened(json.loads(tool.output_schema))
    return found
