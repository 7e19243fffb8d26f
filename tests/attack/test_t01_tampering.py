"""T01, tampering: somebody changes a signed package on its way. No change of any kind is accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from mpp.errors import Refused
from mpp.stages.archive import pack, read_archive, read_member, seal
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import NOW, files, signed, trusting, unsigned
from mpp.testing.rawzip import raw_members, raw_zip

WHO = publisher()
TRUST = trusting(WHO)
GOOD = signed(WHO)
STEPS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF, 0x7F, 0x55, 0xAA, 0x0F, 0xF0, 0x03, 0xC0)
"""What a byte is changed by: each single bit, and eight wider changes; none is zero, so each changes the byte."""
INSERTED = (b"\0", b"\xff", b"P", b" ")


def accepted(candidates: Iterable[bytes]) -> list[bytes]:
    """The candidates that pass; anything but a refusal fails the test."""
    found = []
    for data in candidates:
        try:
            verify(data, TRUST, NOW)
        except Refused:
            continue
        found.append(data)
    return found


def test_the_untouched_package_is_accepted() -> None:
    assert accepted([GOOD]) == [GOOD]


def changes(step: int) -> Iterator[bytes]:
    data = bytearray(GOOD)
    for at in range(len(GOOD)):
        data[at] ^= step
        yield bytes(data)
        data[at] ^= step


@pytest.mark.parametrize("step", STEPS, ids=hex)
def test_no_changed_byte_is_accepted(step: int) -> None:
    assert accepted(changes(step)) == []


@pytest.mark.parametrize("byte", INSERTED, ids=repr)
def test_no_inserted_byte_is_accepted(byte: bytes) -> None:
    assert accepted(GOOD[:at] + byte + GOOD[at:] for at in range(len(GOOD) + 1)) == []


def test_no_doubled_byte_is_accepted() -> None:
    assert accepted(GOOD[: at + 1] + GOOD[at:] for at in range(len(GOOD))) == []


def test_no_deleted_byte_is_accepted() -> None:
    assert accepted(GOOD[:at] + GOOD[at + 1 :] for at in range(len(GOOD))) == []


def test_no_truncation_is_accepted() -> None:
    assert accepted(GOOD[:at] for at in range(len(GOOD))) == []
    assert accepted(GOOD[at:] for at in range(1, len(GOOD))) == []


def test_no_swap_of_neighbours_is_accepted() -> None:
    swaps = (GOOD[:at] + GOOD[at + 1 : at + 2] + GOOD[at : at + 1] + GOOD[at + 2 :] for at in range(len(GOOD) - 1))
    assert accepted(data for data in swaps if data != GOOD) == []


def tail(data: bytes) -> list[bytes]:
    archive = read_archive(data)
    return [read_member(archive, member) for member in archive.members[-2:]]


def repacked(inside: dict[str, bytes]) -> bytes:
    """Other members under the old seal, in a perfectly canonical archive."""
    return seal(read_archive(pack(inside)), *tail(GOOD))


REPACKED = {
    "a member changed": {**files(), "README.md": b"other"},
    "a member added": {**files(), "more.txt": b"x"},
    "a member removed": {name: data for name, data in files().items() if name != "README.md"},
    "a member renamed": {("READ.md" if name == "README.md" else name): data for name, data in files().items()},
    "the manifest respelled": {**files(), "manifest.json": files()["manifest.json"] + b"\n"},
    "a capability added": files({"capabilities/network": ["example.com"]}),
    "nothing left": {"manifest.json": b"{}"},
}


@pytest.mark.parametrize("inside", REPACKED.values(), ids=REPACKED.keys())
def test_no_repacked_content_is_accepted(inside: dict[str, bytes]) -> None:
    with pytest.raises(Refused) as refusal:
        verify(repacked(inside), TRUST, NOW)
    assert refusal.value.code == "content.mismatch"


def test_the_same_content_in_another_encoding_is_not_accepted() -> None:
    """A member stored instead of deflated: the plain bytes are the signed ones, the file is not."""
    listed = raw_members(read_archive(signed(WHO, extra={"text": b"word " * 200})))
    member = next(one for one in listed if one.name == b"text")
    assert member.method == 8
    member.method, member.packed, member.stated_size, member.plain = 0, b"word " * 200, 1000, b"word " * 200
    assert accepted([raw_zip(listed)]) == []


SEALS = {
    "the seal of another package": tail(signed(WHO, {"version": "0.2.0"})),
    "the seal of another publisher": tail(signed(publisher("Mallory"))),
    "the publisher's next document": [rotated(WHO, "2").chain.data, tail(GOOD)[1]],
    "another publisher's document": [publisher("Mallory").chain.data, tail(GOOD)[1]],
    "an empty seal": [b"", b""],
    "the two halves swapped": tail(GOOD)[::-1],
    "a respelled envelope": [tail(GOOD)[0], tail(GOOD)[1] + b"\n"],
    "a respelled publisher document": [tail(GOOD)[0] + b"\n", tail(GOOD)[1]],
}


@pytest.mark.parametrize("members", SEALS.values(), ids=SEALS.keys())
def test_no_other_seal_is_accepted(members: list[bytes]) -> None:
    assert accepted([seal(read_archive(unsigned()), *members)]) == []
