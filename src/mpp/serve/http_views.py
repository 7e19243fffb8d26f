"""The host as one tenant sees it: packages that are not its own are not there. Spec: spec/mcp-front.md, J-78 and J-79."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence

from mpp.errors import Refused
from mpp.host.sources import searching
from mpp.host.tenants_views import View, ViewStore, view_of
from mpp.model.jsontext import Json
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Backend, Caller, Listing, Live, Outcome, ToolCall

PACKAGES, AUDIT = "mpp://packages/", "mpp://audit/"
LOOK_SECONDS = 0.5
"""Seconds between two looks at the file of views. Reason: a look takes as long as a tenth of a call; a view is no revocation."""

LISTINGS_KEPT_MAX = 256
"""Lists of tenants that are kept until they change. Reason: bounds memory; made anew for others."""


class Viewed:
    """``Backend`` over another one. What a tenant does not see is answered as what does not exist."""

    def __init__(self, backend: Backend, views: ViewStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend, self._views, self._clock = backend, views, clock
        self._known, self._look_at = views.load(), clock() + LOOK_SECONDS
        self._kept: dict[tuple[str, str], tuple[Listing, View, Listing]] = {}
        if self._known and any(_text(tool, "name") == searching.SEARCH for tool in backend.tools(Caller()).items):
            hint = "leave out --search-mode, or give no tenant a view of its own (`mpp token tenant`)"
            raise Refused("usage.option", "a search finds what some tenants may not see", where="--search-mode", hint=hint)

    def _view(self, who: Caller) -> View:
        now = self._clock()
        if now >= self._look_at:
            self._known, self._look_at = self._views.load(), now + LOOK_SECONDS
        return view_of(self._known, who.tenant)

    def _part(self, kind: str, who: Caller, whole: Listing, sees: Callable[[View, Json], bool]) -> Listing:
        view = self._view(who)
        if view.sees_all:
            return whole
        kept = self._kept.get((kind, who.tenant))
        if kept is not None and kept[0] is whole and kept[1] is view:
            return kept[2]
        mark = zlib.crc32(" ".join(sorted(view.names)).encode())
        part = Listing(revision=(whole.revision << 32) + mark, items=tuple(item for item in whole.items if sees(view, item)))
        if len(self._kept) >= LISTINGS_KEPT_MAX:
            self._kept.clear()
        self._kept[kind, who.tenant] = (whole, view, part)
        return part

    def _must_see(self, who: Caller, name: str, code: str) -> None:
        if not self._view(who).sees(name):
            raise Refused(code, "there is nothing of that name", hint="see the list")

    @property
    def instructions(self) -> str:
        return self._backend.instructions

    def tools(self, who: Caller) -> Listing:
        return self._part("tools", who, self._backend.tools(who), lambda view, item: view.sees(_text(item, "name")))

    def call(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        self._must_see(who, call.name, "call.tool")
        return self._backend.call(who, call, live)

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        self._must_see(who, call.name, "call.tool")
        return self._backend.steps(who, call, live)

    def answer(self, who: Caller, question: str, *, yes: bool) -> str:
        return self._backend.answer(who, question, yes=yes)

    def resources(self, who: Caller) -> Listing:
        return self._part("resources", who, self._backend.resources(who), lambda view, item: _sees_uri(view, _text(item, "uri")))

    def resource_templates(self, who: Caller) -> Listing:
        return self._part("templates", who, self._backend.resource_templates(who), lambda view, item: _sees_uri(view, _text(item, "uriTemplate")))

    def read(self, who: Caller, uri: str) -> Sequence[Json]:
        if not _sees_uri(self._view(who), uri):
            raise Refused("call.resource", "there is no such resource", hint="see the list")
        return self._backend.read(who, uri)

    def prompts(self, who: Caller) -> Listing:
        return self._part("prompts", who, self._backend.prompts(who), lambda view, item: view.sees(_text(item, "name")))

    def prompt(self, who: Caller, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json]) -> Mapping[str, Json]:
        self._must_see(who, name, "call.prompt")
        return self._backend.prompt(who, name, arguments, inputs)

    def complete(self, who: Caller, ref: Mapping[str, Json], argument: str, text: str) -> Sequence[str]:
        view, name, uri = self._view(who), ref.get("name"), ref.get("uri")
        # Both words are looked at, whichever the host goes by.
        seen = (not isinstance(name, str) or view.sees(name)) and (not isinstance(uri, str) or _sees_uri(view, uri))
        return self._backend.complete(who, ref, argument, text) if seen else ()

    def follow(self, who: Caller, uri: str) -> None:
        if _sees_uri(self._view(who), uri):
            self._backend.follow(who, uri)

    def watch(self, changed: Callable[[str], None]) -> Callable[[], None]:
        return self._backend.watch(changed)


def _text(item: Json, key: str) -> str:
    found = item.get(key) if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""


def _sees_uri(view: View, uri: str) -> bool:
    """A package's own resources may have any address, which says not whose they are: whoever does not see all sees none of those."""
    return view.sees_all or uri.startswith(AUDIT) or (uri.startswith(PACKAGES) and view.sees(uri[len(PACKAGES) :].partition("/")[0]))
