"""Style sheets, scripts and drawings: read once, each under an address that changes with its bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

from mpp.model.value import value

KINDS: Mapping[str, str] = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
SHARED = os.path.join(os.path.dirname(__file__), "static", "pages.css")
"""What the sheets of all our pages begin with: colours, forms, surfaces, tables."""

DIGITS = 16
"""Hex digits of a digest in an address. Reason: it tells versions apart and proves nothing."""


@value
class Asset:
    kind: str
    data: bytes
    tag: str

    @property
    def etag(self) -> str:
        return f'"{self.tag}"'


def read_assets(place: str, sheet: str) -> Mapping[str, Asset]:
    """All of them, by name; ``sheet`` has what is shared in front, so that a page loads one. Attack: a path that leads out of the folder; what is asked for is looked up here and never opened."""
    with open(SHARED, "rb") as file:
        shared = file.read()
    found: dict[str, Asset] = {}
    for name in sorted(os.listdir(place)):
        kind = KINDS.get(os.path.splitext(name)[1])
        if kind is not None:
            with open(os.path.join(place, name), "rb") as file:
                data = (shared if name == sheet else b"") + file.read()
            found[name] = Asset(kind=kind, data=data, tag=sha256(data).hexdigest()[:DIGITS])
    return found
