"""The file of an image: what was written is read again, and whatever else is in it becomes no address."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from mpp.errors import HostFailed
from mpp.jail import sealed_memory
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.image import image_spec, judged_size, PAGE_BYTES, read_globals, read_image, trailer
from mpp.stages.sandbox.types import GlobalValue

GLOBALS = (GlobalValue(name="sp", kind=0, bits=5), GlobalValue(name="half", kind=3, bits=0x3FE0000000000000))
END = trailer(PAGE_BYTES, GLOBALS, imported=True, note="")


@pytest.fixture
def fds() -> Iterator[list[int]]:
    made: list[int] = []
    yield made
    for fd in made:
        os.close(fd)


def file(data: bytes, fds: list[int]) -> int:
    fds.append(sealed_memory(data))
    return fds[-1]


def test_what_was_written_is_read(fds: list[int]) -> None:
    found = read_image(file(bytes(PAGE_BYTES) + END, fds))
    assert (found.size, found.globals, found.imported, found.note) == (PAGE_BYTES, GLOBALS, True, "")
    assert image_spec(found) == {"size": PAGE_BYTES, "globals": [["sp", 0, "5"], ["half", 3, "3fe0000000000000"]]}
    assert read_globals(json.loads(json.dumps(image_spec(found)["globals"]))) == GLOBALS


def test_why_a_tool_was_not_imported_is_kept(fds: list[int]) -> None:
    found = read_image(file(bytes(PAGE_BYTES) + trailer(PAGE_BYTES, (), imported=False, note="no\nway"), fds))
    assert (found.imported, found.note) == (False, "no\nway")


def end(**changes: object) -> bytes:
    body = json.dumps({"size": PAGE_BYTES, "globals": [], "imported": True, "note": "", **changes}).encode()
    return body + len(body).to_bytes(4, "little")


UNSOUND = {
    "empty": b"",
    "three bytes": b"abc",
    "an end that is too long": bytes(PAGE_BYTES) + (40_000).to_bytes(4, "little"),
    "an end before the file": b"{}" + (9).to_bytes(4, "little"),
    "no JSON": bytes(PAGE_BYTES) + b"{{" + (2).to_bytes(4, "little"),
    "a list": bytes(PAGE_BYTES) + b"[]" + (2).to_bytes(4, "little"),
    "another key": bytes(PAGE_BYTES) + end(more=1),
    "another size": bytes(PAGE_BYTES) + end(size=2 * PAGE_BYTES),
    "a memory that is cut": bytes(PAGE_BYTES - 1) + END,
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_file_is_no_image(name: str, fds: list[int]) -> None:
    with pytest.raises(HostFailed) as found:
        read_image(file(UNSOUND[name], fds))
    assert found.value.code == "host.image"


@pytest.mark.parametrize("size", [0, -PAGE_BYTES, 1, PAGE_BYTES + 1, limits.IMAGE_BYTES_MAX + PAGE_BYTES, True, 65536.0, "65536", None])
def test_a_size_is_whole_pages_within_the_limit(size: object) -> None:
    with pytest.raises(HostFailed):
        judged_size(size)
    assert judged_size(limits.IMAGE_BYTES_MAX) == limits.IMAGE_BYTES_MAX


GOOD = ["sp", 0, "ff"]
ROWS = {
    "no list": {},
    "too many": [[f"g{number}", 0, "0"] for number in range(limits.IMAGE_GLOBALS_MAX + 1)],
    "twice": [GOOD, GOOD],
    "short row": [["sp", 0]],
    "no row": ["sp"],
    "name": [[1, 0, "0"]],
    "empty name": [["", 0, "0"]],
    "long name": [["x" * 257, 0, "0"]],
    "kind": [["sp", 4, "0"]],
    "kind as text": [["sp", "0", "0"]],
    "bits as a number": [["sp", 0, 5]],
    "too wide": [["sp", 0, "123456789"]],
    "no hex": [["sp", 0, "xyz"]],
    "sign": [["sp", 0, "-1"]],
    "empty": [["sp", 0, ""]],
}


@pytest.mark.parametrize("name", ROWS)
def test_unsound_globals_are_refused(name: str) -> None:
    with pytest.raises(HostFailed):
        read_globals(ROWS[name])
    assert read_globals([GOOD]) == (GlobalValue(name="sp", kind=0, bits=255),)
