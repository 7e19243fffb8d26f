"""The picture of a package: one small PNG that clients show beside its tools. Spec: static-content X-30 to X-32."""

from __future__ import annotations

import base64
import re
from typing import Protocol

from mpp.errors import Refused
from mpp.host.static.limits import ICON_BYTES_MAX, ICON_SIDE_MAX, ICON_SIDE_MIN
from mpp.model.jsontext import Json
from mpp.stages.archive import Archive

ICON = "mcp/icon.png"

_HEAD = re.compile(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR(.{4})(.{4})", re.DOTALL)
_HINT = f"ship a square PNG of {ICON_SIDE_MIN} to {ICON_SIDE_MAX} pixels and at most {ICON_BYTES_MAX} bytes, or none"


class Pictured(Protocol):
    """As much of a package as counts here."""

    @property
    def archive(self) -> Archive: ...

    def read(self, name: str) -> bytes | None: ...


def icons_of(package: Pictured) -> tuple[dict[str, Json], ...]:
    """``icons`` of its tools; none if it ships no picture. Raises Refused ``manifest.form`` or ``manifest.length``.

    Only the head is read: a picture is decoded by clients, each in its own way, and by no host.
    """
    member = package.archive.find(ICON)
    if member is None:
        return ()
    # Attack: a picture that stands in every list once for each tool. Its size is in its header, and inflating gives no other.
    if member.size > ICON_BYTES_MAX:
        raise Refused("manifest.length", f"has {member.size} bytes; at most {ICON_BYTES_MAX}", where=ICON, hint=_HINT)
    data = package.read(ICON) or b""
    head = _HEAD.match(data)
    # Attack: a text or a drawing with scripts, under the name of a picture.
    if head is None:
        raise Refused("manifest.form", "is no PNG", where=ICON, hint=_HINT)
    width, height = (int.from_bytes(part, "big") for part in head.groups())
    if width != height or not ICON_SIDE_MIN <= width <= ICON_SIDE_MAX:
        raise Refused("manifest.form", f"has {width} x {height} pixels", where=ICON, hint=_HINT)
    return ({"src": "data:image/png;base64," + base64.b64encode(data).decode("ascii"), "mimeType": "image/png", "sizes": [f"{width}x{height}"]},)
