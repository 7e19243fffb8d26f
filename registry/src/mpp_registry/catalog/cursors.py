"""The mark of a next page: what its last item is ordered by. Nobody has to trust it; a made-up one only begins elsewhere."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical, read
from mpp_registry.catalog.limits import CURSOR_CHARS_MAX
from mpp_registry.store.ports import Cell


def write_cursor(*parts: str | int) -> str:
    return base64.urlsafe_b64encode(canonical(list[Json](parts))).decode().rstrip("=")


def read_cursor(text: str, kinds: Sequence[type]) -> tuple[Cell, ...]:
    """Its parts, which are of these types."""
    if len(text) <= CURSOR_CHARS_MAX and text.isascii():
        try:
            found = read(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), family="registry", where="cursor")
        except (binascii.Error, Refused):
            found = None
        # A truth value is a number to Python, and to no database of ours.
        if isinstance(found, list) and [type(part) for part in found] == list(kinds):
            return tuple(part for part in found if isinstance(part, (str, int)))
    raise Refused("registry.cursor", "this is no mark of a page", where="cursor", hint="take it as the page before gave it, or begin without")
