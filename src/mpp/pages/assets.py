"""Style sheets, scripts and drawings: read once, each under an address that changes with its bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

from mpp.model.value import value

KINDS: Mapping[str, str] = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
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


def read_assets(place: str) -> Mapping[str, Asset]:
    """All of them, by name. Attack: a path that leads out of the folder; what is asked for is looked up here and never opened."""
    found: dict[str, Asset] = {}
    for name in sorted(os.listdir(place)):
        kind = KINDS.get(os.path.splitext(name)[1])
        if kind is not None:
            with open(os.path.join(place, name), "rb") as file:
                data = file.read()
            found[name] = Asset(kind=kind, data=data, tag=sha256(data).hexdigest()[:DIGITS])
    return found
