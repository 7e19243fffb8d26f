"""Who is told of which change: subscriptions of the new era, and the session of the old one. Spec: mcp-front J-28, J-29.

A resource of a package does not change by itself: whoever watches one is told that it may have changed when the list of resources changed. Of a resource of a
server that the host follows it is told when that server says so.
"""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp.limits import LISTENING_MAX, URI_CHARS_MAX, URIS_MAX
from mpp.protocol.mcp.reading import Id, Params
from mpp.protocol.mcp.versions import SUBSCRIPTION_KEY
from mpp.protocol.mcp.writing import FaultError, notification, refuse, result_reply
from mpp.protocol.mcp.versions import INTERNAL

LISTS = {"toolsListChanged": "tools", "promptsListChanged": "prompts", "resourcesListChanged": "resources"}
"""The words of a filter, and the list that each is about."""
URIS = "resourceSubscriptions"


@value
class Filter:
    lists: frozenset[str]
    uris: tuple[str, ...]


def read_filter(found: Json) -> Filter:
    """What a client wants to hear. Words that are not known are left out, and the client sees that. Raises FaultError."""
    if not isinstance(found, dict):
        raise refuse("notifications must be an object")
    return Filter(lists=frozenset(what for key, what in LISTS.items() if found.get(key) is True), uris=_uris(found.get(URIS, [])))


def _uris(found: Json) -> tuple[str, ...]:
    if not isinstance(found, list) or len(found) > URIS_MAX or not all(isinstance(uri, str) and 0 < len(uri) <= URI_CHARS_MAX for uri in found):
        raise refuse(f"{URIS} must be at most {URIS_MAX} URIs")
    return tuple(dict.fromkeys(uri for uri in found if isinstance(uri, str)))


class Watching:
    """The subscriptions of one connection."""

    def __init__(self) -> None:
        self._streams: dict[Id, Filter] = {}
        self._uris: dict[str, None] = {}
        self._session = False

    def has(self, name: Id) -> bool:
        return name in self._streams

    def uris(self, name: Id) -> tuple[str, ...]:
        """The resources that a subscription is about."""
        return self._streams[name].uris

    def session(self) -> None:
        """From now on the client of the old era is told of changes."""
        self._session = True

    def watch(self, uri: str, *, on: bool) -> None:
        """A client of the old era watches a resource, or no longer."""
        if not on:
            self._uris.pop(uri, None)
            return
        if len(self._uris) >= URIS_MAX and uri not in self._uris:
            raise refuse(f"at most {URIS_MAX} resources can be watched")
        self._uris[uri] = None

    def listen(self, name: Id, found: Json) -> bytes:
        """Begin a subscription. Returns what is sent before anything else for it."""
        wanted = read_filter(found)
        if len(self._streams) >= LISTENING_MAX:
            raise FaultError(INTERNAL, f"at most {LISTENING_MAX} subscriptions at a time")
        self._streams[name] = wanted
        agreed: dict[str, Json] = {key: True for key, what in LISTS.items() if what in wanted.lists}
        if wanted.uris:
            agreed[URIS] = [*wanted.uris]
        return notification("notifications/subscriptions/acknowledged", {"_meta": {SUBSCRIPTION_KEY: name}, "notifications": agreed})

    def drop(self, name: Id) -> None:
        self._streams.pop(name, None)

    def changed(self, what: str) -> list[bytes]:
        method = f"notifications/{what}/list_changed"
        found = []
        if self._session:
            found.append(notification(method, {}))
            found += [_updated(uri, {}) for uri in self._uris if what == "resources"]
        for name, wanted in self._streams.items():
            meta: Params = {"_meta": {SUBSCRIPTION_KEY: name}}
            if what in wanted.lists:
                found.append(notification(method, meta))
            found += [_updated(uri, meta) for uri in wanted.uris if what == "resources"]
        return found

    def updated(self, uri: str) -> list[bytes]:
        """Of one resource. Attack: word of a resource that somebody else watches."""
        found = [_updated(uri, {})] if self._session and uri in self._uris else []
        return found + [_updated(uri, {"_meta": {SUBSCRIPTION_KEY: name}}) for name, wanted in self._streams.items() if uri in wanted.uris]

    def close(self) -> list[bytes]:
        ends = [result_reply(name, {"resultType": "complete", "_meta": {SUBSCRIPTION_KEY: name}}).data for name in self._streams]
        self._streams = {}
        return ends


def _updated(uri: str, meta: Params) -> bytes:
    return notification("notifications/resources/updated", {**meta, "uri": uri})
