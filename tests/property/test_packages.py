"""Properties of packing, sealing and verifying, searched with hypothesis."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tempfile
import zipfile
from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.model.paths import path_fault
from mpp.stages.archive import MANIFEST_NAME, hashes, pack, read_archive, read_member, seal, unseal
from mpp.stages.gatekeeper import NO_TRUST, verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting
from mpp.testing.rawzip import RawMember, raw_members, raw_zip

WHO = publisher()
TRUST = trusting(WHO)
GOOD = signed(WHO, extra={"text": b"word " * 100})
COMPONENT = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,12}", fullmatch=True)
NAME = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join).filter(lambda name: path_fault(name) is None and not name.lower().startswith("_mpp"))
CONTENT = st.one_of(st.binary(max_size=300), st.builds(lambda part, times: part * times, st.binary(min_size=1, max_size=5), st.integers(0, 20_000)))
FILES = st.builds(lambda manifest, rest: {**rest, MANIFEST_NAME: manifest}, st.binary(max_size=200), st.dictionaries(NAME, CONTENT, max_size=8))


def verdict(data: bytes, trust: object = TRUST) -> str:
    """The code of the refusal, or nothing; anything else that is raised fails the property."""
    try:
        verify(data, trust, NOW)  # type: ignore[arg-type]
    except Refused as fault:
        assert fault.check is not None
        assert fault.hint
        return fault.code
    return ""


def packed(files: dict[str, bytes]) -> bytes:
    """The packed files; draws whose names collide are left out."""
    try:
        return pack(files)
    except Refused as fault:
        assume(fault.code != "path.collision")
        raise


# --- anything at all


@given(st.binary(max_size=2000))
def test_any_bytes_end_in_a_refusal(data: bytes) -> None:
    assert verdict(data)


@given(st.binary(max_size=400))
def test_any_bytes_behind_a_header_end_in_a_refusal(data: bytes) -> None:
    assert verdict(GOOD[:30] + data)
    assert verdict(GOOD[:200] + data)


EDIT = st.one_of(
    st.tuples(st.just("set"), st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("insert"), st.integers(0, len(GOOD)), st.binary(min_size=1, max_size=50)),
    st.tuples(st.just("delete"), st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=50)),
    st.tuples(st.just("move"), st.integers(0, len(GOOD) - 1), st.binary(min_size=2, max_size=2)),
    st.tuples(st.just("double"), st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=100)),
)


def edited(data: bytes, edit: tuple[str, int, bytes]) -> bytes:
    kind, at, what = edit
    if kind == "set":
        return data[:at] + what + data[at + len(what) :]
    if kind == "insert":
        return data[:at] + what + data[at:]
    if kind == "delete":
        return data[:at] + data[at + len(what) :]
    if kind == "double":
        return data[:at] + data[at : at + len(what)] + data[at:]
    piece = data[at : at + what[0]]
    rest = data[:at] + data[at + what[0] :]
    to = what[1] * len(rest) // 256
    return rest[:to] + piece + rest[to:]


@given(st.lists(EDIT, min_size=1, max_size=6))
def test_no_edited_package_is_accepted(edits: list[tuple[str, int, bytes]]) -> None:
    data = GOOD
    for edit in edits:
        data = edited(data, edit)
    assume(data != GOOD)
    assert verdict(data)


@given(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.sampled_from([GOOD, signed(publisher("Other")), pack({MANIFEST_NAME: b"{}"})]))
def test_no_splice_is_accepted(left: int, right: int, other: bytes) -> None:
    data = GOOD[:left] + other[right:]
    assume(data not in {GOOD, other})
    assert verdict(data)


NUMBER16, NUMBER32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "version": NUMBER16,
        "flags": NUMBER16,
        "time": NUMBER16,
        "date": NUMBER16,
        "method": st.sampled_from([0, 8, 9, 12, 99]),
        "crc": NUMBER32,
        "stated_packed": st.one_of(NUMBER32, st.integers(0, 100)),
        "stated_size": st.one_of(NUMBER32, st.integers(0, 100)),
        "local_extra": st.binary(max_size=8),
        "before": st.binary(max_size=8),
        "after": st.binary(max_size=8),
        "name": st.binary(max_size=40),
        "central": st.dictionaries(st.sampled_from(["made", "version", "flags", "method", "time", "date", "disk", "internal"]), NUMBER16, max_size=2),
    },
)


@given(st.integers(0, 5), FIELDS, st.fixed_dictionaries({}, optional=dict.fromkeys(("disk", "start_disk", "here", "total"), NUMBER16)))
def test_no_edited_header_is_accepted(at: int, fields: dict[str, object], end: dict[str, int]) -> None:
    listed = raw_members(read_archive(GOOD))
    member = listed[at % len(listed)]
    for name, item in fields.items():
        setattr(member, name, item)
    data = raw_zip(listed, end=end)
    assume(data != GOOD)
    assert verdict(data)


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=30), st.sampled_from([0, 8])), max_size=6))
def test_what_is_accepted_as_an_archive_reads_alike_elsewhere(rows: list[tuple[bytes, bytes, int]]) -> None:
    data = raw_zip([RawMember(MANIFEST_NAME.encode(), b"{}"), *(RawMember(name, plain, method=method) for name, plain, method in rows)])
    try:
        archive = read_archive(data)
    except Refused:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert [info.filename for info in other.infolist()] == [member.name for member in archive.members]
        for info, member in zip(other.infolist(), archive.members, strict=True):
            assert other.read(info) == read_member(archive, member)


# --- purity


@given(st.lists(EDIT, max_size=2), st.sampled_from([TRUST, NO_TRUST]))
def test_a_verdict_depends_on_nothing_else(edits: list[tuple[str, int, bytes]], trust: object) -> None:
    data = GOOD
    for edit in edits:
        data = edited(data, edit)
    memory = bytearray(data)
    first = verdict(bytes(memory), trust)
    assert [verdict(memory, trust), verdict(data, trust)] == [first, first]  # type: ignore[arg-type]
    assert bytes(memory) == data


# --- packing


@given(FILES, st.randoms(use_true_random=False))
def test_packing_is_a_function_of_the_members(files: dict[str, bytes], order: random.Random) -> None:
    rows = list(files.items())
    order.shuffle(rows)
    data = packed(files)
    assert pack(dict(rows)) == data
    archive = read_archive(data)
    assert {member.name: read_member(archive, member) for member in archive.members} == files


@given(FILES)
def test_what_is_packed_reads_alike_elsewhere(files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(files))) as other:
        assert other.testzip() is None
        assert {info.filename: other.read(info) for info in other.infolist()} == files


@given(FILES, st.binary(max_size=300), st.binary(max_size=300))
def test_sealing_and_unsealing(files: dict[str, bytes], chain: bytes, envelope: bytes) -> None:
    plain = packed(files)
    sealed = seal(read_archive(plain), chain, envelope)
    archive = read_archive(sealed)
    assert unseal(archive) == plain
    assert hashes(archive).content == sha256(plain).digest() == hashes(read_archive(plain)).content
    assert hashes(archive).file == sha256(sealed).digest()
    assert seal(read_archive(unseal(archive)), chain, envelope) == sealed


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_agrees() -> None:
    """A process for each case is slow, so a few fixed draws stand for all."""
    rng = random.Random(7)
    for _ in range(12):
        files = {f"f{i}/{rng.randrange(9)}": rng.randbytes(rng.randrange(50)) * rng.randrange(200) for i in range(rng.randrange(6))}
        with tempfile.NamedTemporaryFile(suffix=".zip") as stream:
            stream.write(pack({**files, MANIFEST_NAME: b"{}"}))
            stream.flush()
            done = subprocess.run(["unzip", "-t", stream.name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
