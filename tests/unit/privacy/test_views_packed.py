"""Text out of packed bytes, base32 and framed codes: what is read, and what is not unpacked at all."""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable

import pytest

from mpp.errors import Refused
from mpp.stages.privacy.views import astext, derive, framed, limits, packed
from mpp.stages.privacy.views.packed import is_packed, unpacked

TEXT = "the mail of the shop goes to john.smith@example.com now, and later to others"
RAW = TEXT.encode()


def archive(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as written:
        for name, data in files:
            written.writestr(name, data)
    return out.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda raw: archive(("a.txt", raw)),
    "zip, stored": lambda raw: archive(("a.txt", raw), method=zipfile.ZIP_STORED),
}
CODES: dict[str, Callable[[bytes], str]] = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "hex": lambda raw: raw.hex(),
    "ascii85": lambda raw: base64.a85encode(raw, adobe=True).decode(),
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("code", CODES)
def test_a_packed_text_is_read(packer: str, code: str) -> None:
    raw = PACKERS[packer](RAW)
    assert is_packed(raw)
    assert TEXT in (unpacked(raw) or "")
    if (packer, code) != ("zlib", "hex"):
        written = f"see {CODES[code](raw)} there"
        assert any(TEXT in view.text for view in derive(written, 4))


def test_all_texts_of_an_archive_are_read() -> None:
    raw = archive(("one.txt", b"first words"), ("picture.png", bytes(range(256)) * 40), ("two.txt", b"second words"))
    said = unpacked(raw) or ""
    assert [word in said for word in ("one.txt", "first words", "picture.png", "two.txt", "second words")] == [True] * 5
    assert "\x00\x01\x02" not in said


@pytest.mark.parametrize("packer", PACKERS)
def test_what_is_broken_gives_what_is_there_or_nothing(packer: str) -> None:
    raw = PACKERS[packer](RAW * 3)
    for size in range(len(raw)):
        assert (unpacked(raw[:size]) or TEXT).isprintable() or "\x00" in (unpacked(raw[:size]) or "")
    assert unpacked(raw[:6] + b"\xff" * 60) is None or packer.startswith("zip")


def test_a_broken_file_of_an_archive_gives_its_name() -> None:
    raw = bytearray(archive(("a.txt", RAW)))
    raw[35:60] = b"\xff" * 25
    assert unpacked(bytes(raw)) == "a.txt"


def test_pictures_are_no_text() -> None:
    for packer in PACKERS.values():
        assert "\x07\x08" not in (unpacked(packer(bytes(range(256)) * 40)) or "")


@pytest.mark.parametrize("packer", [name for name in PACKERS if name != "zip, stored"])
def test_a_bomb_is_not_unpacked(packer: str) -> None:
    raw = PACKERS[packer](b"a text " * limits.INFLATED_BYTES_MAX)
    with pytest.raises(Refused) as refused:
        unpacked(raw)
    assert refused.value.code == "privacy.limit"


def test_few_bytes_do_not_become_many() -> None:
    raw = bz2.compress(b"a text " * 128_000)
    assert len(raw) < 100
    with pytest.raises(Refused):
        unpacked(raw)


def test_noughts_are_told_by_their_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    whole = astext.as_text

    def counted(raw: bytes) -> str | None:
        asked.append(len(raw))
        return whole(raw)

    monkeypatch.setattr(packed, "as_text", counted)
    assert "a.bin" in (unpacked(archive(("a.bin", bytes(5_000_000)))) or "")
    assert max(asked) == limits.HEAD_BYTES


def test_files_of_an_archive_share_the_limit() -> None:
    half = bytes(range(32, 127)) * (limits.INFLATED_BYTES_MAX // 190)
    assert unpacked(archive(("a", half)))
    with pytest.raises(Refused):
        unpacked(archive(("a", half), ("b", half), ("c", half)))


def test_xz_asks_for_no_more_memory_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = lzma.compress(RAW, preset=9)
    assert unpacked(raw) == TEXT
    monkeypatch.setattr(packed, "XZ_MEMORY_MAX", 1_000_000)
    with pytest.raises(Refused) as refused:
        unpacked(raw)
    assert "memory" in str(refused.value)


@pytest.mark.parametrize("size", range(15, 31))
def test_base32_of_each_length(size: int) -> None:
    said = TEXT[:size]
    written = base64.b32encode(said.encode()).decode()
    for one in (written, written.rstrip("=")):
        assert any(said in view.text for view in derive(f"a {one} b", 2))
    assert all(said not in view.text for view in derive(f"a x{written}", 2))


def uu(text: bytes) -> str:
    return "begin 644 a.txt\n" + "".join(binascii.b2a_uu(text[at : at + 45]).decode() for at in range(0, len(text), 45)) + "`\nend\n"


def test_framed_codes() -> None:
    for written in (uu(RAW), base64.a85encode(RAW, adobe=True).decode(), base64.a85encode(RAW, adobe=True).decode().removesuffix("~>")):
        for before in ("", "words before\n", "begin 644 nothing\n<~ nothing {} "):
            assert any(TEXT in view.text for view in derive(before + written, len(before)))


def test_what_only_begins_like_a_code_is_none() -> None:
    for text in ("<~ is a sign ~", "begin 644 a\nwords of a text\n", "begin 999 a", "<~uuuuuuuuuuuuuuu~>", "<~" + "zz" * 3 + "z" * 9 + "~>", "plain"):
        assert framed.framed(text, 0, len(text), None) is None


def test_a_long_code_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framed, "TOKEN_CHARS_MAX", 20)
    text = base64.a85encode(RAW, adobe=True).decode()
    with pytest.raises(Refused):
        framed.framed(text, 0, len(text), None)
