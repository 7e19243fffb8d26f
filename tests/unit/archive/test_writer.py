"""Packing, sealing, unsealing: one encoding, and never one that our own reader refuses."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from itertools import permutations
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.stages.archive import MANIFEST_NAME, PUBLISHER_NAME, SIGNATURE_NAME, pack, read_archive, read_member, seal, unseal

FILES = {MANIFEST_NAME: b'{"a": 1}' * 40, "b": b"x" * 1000, "a/z": b"", "C": b"short"}


def test_members_stand_in_canonical_order() -> None:
    assert [member.name for member in read_archive(pack(FILES)).members] == [MANIFEST_NAME, "C", "a/z", "b"]


def test_the_insertion_order_does_not_matter() -> None:
    files = {MANIFEST_NAME: b"{}", "c": b"3", "d": b"4"}
    assert len({pack(dict(order)) for order in permutations(files.items())}) == 1


def test_the_smaller_form_is_taken_and_the_manifest_is_stored() -> None:
    methods = {member.name: member.method for member in read_archive(pack(FILES)).members}
    assert methods == {MANIFEST_NAME: 0, "C": 0, "a/z": 0, "b": 8}


def test_plain_bytes_come_back() -> None:
    archive = read_archive(pack(FILES))
    assert {member.name: read_member(archive, member) for member in archive.members} == FILES


def test_the_standard_library_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(pack(FILES))) as found:
        assert found.testzip() is None
        assert {info.filename: found.read(info) for info in found.infolist()} == FILES
        assert {(info.date_time, info.external_attr >> 16, info.create_system) for info in found.infolist()} == {((1980, 1, 1, 0, 0, 0), 0o100644, 3)}


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({}, "archive.not_zip"),
        ({"a": b""}, "archive.manifest_first"),
        ({MANIFEST_NAME: b"", "../a": b""}, "path.traversal"),
        ({MANIFEST_NAME: b"", "_mpp/x": b""}, "path.reserved"),
        ({MANIFEST_NAME: b"", "A": b"", "a": b""}, "path.collision"),
        ({MANIFEST_NAME: b"", PUBLISHER_NAME: b""}, "archive.seal"),
        ({MANIFEST_NAME: bytes(256 * 1024 + 1)}, "size.member"),
    ],
)
def test_what_the_reader_refuses_is_never_packed(files: dict[str, bytes], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        pack(files)
    assert refusal.value.code == code


def test_what_would_be_taken_for_a_bomb_is_stored() -> None:
    archive = read_archive(pack({MANIFEST_NAME: b"", "zeros": bytes(1024 * 1024), "few": bytes(64 * 200), "some": bytes(64 * 200 + 1)}))
    assert {member.name: member.method for member in archive.members} == {MANIFEST_NAME: 0, "few": 8, "some": 0, "zeros": 0}


def test_sealing_leaves_the_body_alone() -> None:
    unsigned = pack(FILES)
    signed = seal(read_archive(unsigned), b"publisher", b"signature")
    archive = read_archive(signed)
    assert archive.sealed
    assert signed[: archive.body_end] == unsigned[: archive.body_end]
    assert [(member.name, member.method) for member in archive.members[-2:]] == [(PUBLISHER_NAME, 0), (SIGNATURE_NAME, 0)]
    assert [read_member(archive, member) for member in archive.members[-2:]] == [b"publisher", b"signature"]
    assert unseal(archive) == unsigned


def test_unsealing_what_has_no_seal_changes_nothing() -> None:
    unsigned = pack(FILES)
    assert unseal(read_archive(unsigned)) == unsigned


def test_a_sealed_archive_is_not_sealed_twice() -> None:
    signed = read_archive(seal(read_archive(pack(FILES)), b"p", b"s"))
    with pytest.raises(Refused) as refusal:
        seal(signed, b"p", b"s")
    assert refusal.value.code == "archive.seal"


def test_a_seal_over_its_limit_is_not_written() -> None:
    with pytest.raises(Refused) as refusal:
        seal(read_archive(pack(FILES)), bytes(256 * 1024 + 1), b"s")
    assert refusal.value.code == "size.member"


@pytest.mark.parametrize("setting", [{"TZ": "Asia/Kathmandu"}, {"LC_ALL": "tr_TR.UTF-8"}, {"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"}])
def test_packing_does_not_depend_on_the_surroundings(root: Path, setting: dict[str, str]) -> None:
    code = f"import sys, os; os.umask(0); from mpp.stages.archive import pack; sys.stdout.buffer.write(pack({FILES!r}))"
    env = {**os.environ, "PYTHONPATH": str(root / "src"), **setting}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stdout == pack(FILES)


def test_what_shrinks_too_well_is_stored() -> None:
    """An author has no other way to pack a file of zeros, and a reader refuses it compressed."""
    archive = read_archive(pack({MANIFEST_NAME: b"{}", "zeros": bytes(1024 * 1024)}))
    assert [(member.name, member.method) for member in archive.members] == [(MANIFEST_NAME, 0), ("zeros", 0)]
