"""The picture of a package: a small square PNG, or none. Spec: static-content X-30 to X-32."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest

from mpp.errors import Refused
from mpp.host.static import icons_of, to_look_at
from mpp.host.static.limits import ICON_BYTES_MAX
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting


def png(width: int, height: int, *, more: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + (chunk(b"tEXt", bytes(more)) if more else b"") + chunk(b"IEND", b"")


def package(data: bytes | None) -> VerifiedPackage:
    return verify(signed(extra={} if data is None else {"mcp/icon.png": data}), trusting(publisher()), NOW)


def test_a_picture_is_given_as_an_address_that_holds_it() -> None:
    data = png(48, 48)
    assert icons_of(package(data)) == ({"src": "data:image/png;base64," + base64.b64encode(data).decode(), "mimeType": "image/png", "sizes": ["48x48"]},)


def test_a_package_without_a_picture_has_no_icons() -> None:
    assert icons_of(package(None)) == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "manifest.form"),
        (b"<svg onload='alert(1)'/>", "manifest.form"),
        (png(48, 48)[:20], "manifest.form"),
        (png(48, 32), "manifest.form"),
        (png(15, 15), "manifest.form"),
        (png(513, 513), "manifest.form"),
        (png(48, 48, more=ICON_BYTES_MAX), "manifest.length"),
    ],
)
def test_what_is_no_small_square_picture_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        to_look_at(package(data))
    assert caught.value.code == code
    assert caught.value.where == "mcp/icon.png"
    assert caught.value.hint
