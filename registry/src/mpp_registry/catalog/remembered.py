"""Pages of searches that were found a moment ago, for as long as nothing has changed that could make them others.

What a search finds depends on packages and publishers, each change of which is a leaf of the log, and on downloads, which are counted. So the number of leaves
and the sum of downloads say whether a page still holds, to the letter. They are read in the same snapshot as the page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from mpp_registry.catalog.limits import SEARCHES_KEPT
from mpp_registry.catalog.search import search
from mpp_registry.catalog.types import PackageRow, Page, STRANGER, Viewer
from mpp_registry.store.ports import Cell, Rows

_STAMP = "SELECT (SELECT MAX(idx) FROM log_leaves), (SELECT count FROM counts WHERE name = 'downloads')"

Stamp = tuple[Cell, ...]
Key = tuple[str, str, int]


class Remembered:
    """One for each process and registry. Threads may find the same at the same time; then it is found twice."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._stamp: Stamp = ()
        self._pages: OrderedDict[Key, Page[PackageRow]] = OrderedDict()

    def search(self, rows: Rows, text: str, cursor: str, limit: int, viewer: Viewer = STRANGER) -> Page[PackageRow]:
        """As ``search``. What only the viewer may see is never kept."""
        if viewer != STRANGER:
            return search(rows, text, cursor, limit, viewer)
        stamp, key = tuple(rows.one(_STAMP) or ()), (text, cursor, limit)
        known = self._known(stamp, key)
        if known is not None:
            return known
        found = search(rows, text, cursor, limit)
        self._keep(stamp, key, found)
        return found

    def _known(self, stamp: Stamp, key: Key) -> Page[PackageRow] | None:
        with self._guard:
            if stamp != self._stamp:
                return None
            found = self._pages.get(key)
            if found is not None:
                self._pages.move_to_end(key)
            return found

    def _keep(self, stamp: Stamp, key: Key, found: Page[PackageRow]) -> None:
        with self._guard:
            if stamp != self._stamp:
                # Of two snapshots at once the later one to come stays; a page of the other is found anew, and none is shown under a wrong stamp.
                self._pages.clear()
                self._stamp = stamp
            self._pages[key] = found
            while len(self._pages) > SEARCHES_KEPT:
                self._pages.popitem(last=False)
