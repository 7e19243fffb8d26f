"""Small pictures of large ones, and what is no picture."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import main
import png
from mpp_sdk.testing import Bench

FLAG = Path(__file__).parents[1] / "pictures" / "flag.png"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bench]:
    whole = FLAG.read_bytes()
    (tmp_path / "flag.png").write_bytes(whole)
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_bytes(b"no picture")
    (tmp_path / "large.png").write_bytes(whole[:16] + (60_000).to_bytes(4, "big") * 2 + whole[24:])
    monkeypatch.setattr(main, "FOLDER", str(tmp_path))
    with Bench() as made:
        yield made


def test_a_thumbnail_fits_and_looks_the_same(bench: Bench) -> None:
    found = bench.call("thumbnail", path="flag.png", side=30)
    assert found.structured == {"width": 30, "height": 20, "bytes": found.structured["bytes"]}
    small = png.read(base64.b64decode(found.content[0]["data"]))
    assert [small.rgba[4 * x : 4 * x + 3] for x in (0, 15, 29)] == [bytes((200, 30, 40)), bytes((245, 245, 240)), bytes((30, 60, 150))]


def test_a_small_picture_stays_as_it_is(bench: Bench) -> None:
    assert bench.call("thumbnail", path="flag.png", side=256).structured["width"] == 120
    assert bench.call("size", path="flag.png").structured == {"width": 120, "height": 80}


@pytest.mark.parametrize("path", ["half.png", "text.png", "large.png", "absent.png"])
def test_says_what_is_no_picture(bench: Bench, path: str) -> None:
    found = bench.call("size", path=path)
    assert found.is_error
    assert path in found.text


@pytest.mark.parametrize("kind", [0, 2, 3, 4, 6])
def test_all_kinds_of_pixels_are_read(kind: int) -> None:
    channels, pixel = png.CHANNELS[kind], {0: (9,), 2: (9, 9, 9), 3: (1,), 4: (9, 255), 6: (9, 9, 9, 255)}[kind]
    rows = b""
    for filtered in range(5):
        raw = bytes(pixel) * 2
        before = bytes(len(raw)) if not filtered else raw
        left = bytes(channels) + raw[:-channels]
        corner = bytes(channels) + before[:-channels]
        guesses = {
            0: bytes(len(raw)),
            1: left,
            2: before,
            3: bytes((a + b) // 2 for a, b in zip(left, before, strict=True)),
            4: bytes(map(png.paeth, left, before, corner)),
        }
        rows += bytes([filtered]) + bytes((a - b) & 255 for a, b in zip(raw, guesses[filtered], strict=True))
    head = struct.pack(">IIBBBBB", 2, 5, 8, kind, 0, 0, 0)
    parts = [(b"IHDR", head), (b"PLTE", bytes(3) + bytes((9, 9, 9))), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    data = png.MAGIC + b"".join(struct.pack(">I", len(body)) + name + body + bytes(4) for name, body in parts)
    assert png.read(data).rgba == bytes((9, 9, 9, 255)) * 10
