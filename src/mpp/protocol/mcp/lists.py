"""Lists in pages, each encoded once per revision. Spec: mcp-front J-35, J-36."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from mpp.model.jsontext import Json
from mpp.protocol.mcp.limits import CURSOR_CHARS_MAX, LISTS_KEPT_MAX, PAGE_ITEMS_MAX
from mpp.protocol.mcp.ports import Caller, Listing
from mpp.protocol.mcp.reading import write_json
from mpp.protocol.mcp.versions import MODERN
from mpp.protocol.mcp.writing import refuse

_INSIDE = re.compile(rb"([0-9]{1,18})\.([0-9]{1,9})")


def cursor(revision: int, at: int) -> str:
    """Where a list goes on. It holds no right and no secret: whoever makes one up reads the list that it may read anyway."""
    return urlsafe_b64encode(b"%d.%d" % (revision, at)).decode("ascii")


def position(found: Json, listing: Listing, size: int) -> int:
    """Where a page begins. A cursor of another list, or of the list before it changed, is refused."""
    if found is None:
        return 0
    inside = None
    if isinstance(found, str) and len(found) <= CURSOR_CHARS_MAX:
        try:
            inside = _INSIDE.fullmatch(urlsafe_b64decode(found.encode("ascii")))
        except ValueError:
            inside = None
    at = int(inside[2]) if inside is not None and int(inside[1]) == listing.revision else 0
    if not 0 < at < len(listing.items) or at % size:
        raise refuse("invalid cursor: begin the list anew")
    return at


class Pages:
    """Encoded pages. Safe to call from many threads: the worst is that two encode the same."""

    def __init__(self, size: int = PAGE_ITEMS_MAX) -> None:
        self._size = size
        self._kept: dict[tuple[str, str, int, Caller], tuple[Listing, bytes]] = {}

    def page(self, key: str, listing: Listing, given: Json, who: Caller, version: str, extra: dict[str, Json]) -> bytes:
        """The result of a list request as bytes."""
        at = position(given, listing, self._size)
        place = (key, version, at, who)
        kept = self._kept.get(place)
        if kept is not None and kept[0].revision == listing.revision and kept[0].items is listing.items:
            return kept[1]
        items: list[Json] = [*listing.items[at : at + self._size]]
        result: dict[str, Json] = {key: items, **extra}
        if at + self._size < len(listing.items):
            result["nextCursor"] = cursor(listing.revision, at + self._size)
        if version == MODERN:
            result["resultType"] = "complete"
        encoded = write_json(result)
        if len(self._kept) >= LISTS_KEPT_MAX:
            self._kept = {}
        self._kept[place] = (listing, encoded)
        return encoded
