"""Any JSON, and any edit of a sound document, is read or refused; nothing else escapes."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.crypto.envelope import read_envelope
from mpp.crypto.keyfile import ARGON_BYTES_MIN, read_key, write_key
from mpp.crypto.roots import read_chain
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded, take
from mpp.host.trust_store import load_trust_file, read_trust, write_trust
from mpp.model.jsontext import Json, canonical
from mpp.stages.archive import read_archive, read_member
from mpp.stages.gatekeeper import PAYLOAD_TYPE, write_statement
from mpp.stages.gatekeeper.statement import read_statement
from mpp.testing.keys import publisher, rotated
from mpp.testing.packages import TestRandom, signed, trusting, unsigned
from tests.forge import statement_of

WHO = publisher()
ARCHIVE = read_archive(signed(WHO))
READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "statement": (lambda data: read_statement(data, where="s"), write_statement(statement_of(unsigned(), WHO))),
    "envelope": (lambda data: read_envelope(data, where="e", payload_type=PAYLOAD_TYPE, payload_most=10_000), read_member(ARCHIVE, ARCHIVE.members[-1])),
    "chain": (lambda data: read_chain(data, where="c"), rotated(WHO, "2", revoke=True).chain.data),
    "trust": (lambda data: read_trust(data, where="t"), write_trust(trusting(WHO, pins={"com.example.hello": WHO.id}))),
    "plain key": (lambda data: read_key(data, where="k"), write_key(bytes(32), "root", None, TestRandom())),
    "sealed key": (lambda data: read_key(data, where="k"), write_key(bytes(32), "root", b"x", TestRandom(), ops=1, memory=ARGON_BYTES_MIN)),
}
SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=70), st.just("0" * 64)
)
JSON: st.SearchStrategy[Json] = st.recursive(SCALAR, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)), max_leaves=12)  # fmt: skip


def judged(read: Callable[[bytes], object], data: bytes) -> bool:
    try:
        read(data)
    except Refused as fault:
        assert fault.faults
        assert all(one.code and one.message and one.hint for one in fault.faults)
        return False
    return True


@pytest.mark.parametrize("kind", READERS)
def test_the_sound_one_is_read(kind: str) -> None:
    assert judged(*READERS[kind])


@pytest.mark.parametrize("kind", READERS)
@given(data=st.binary(max_size=300))
def test_any_bytes(kind: str, data: bytes) -> None:
    assert not judged(READERS[kind][0], data)


@pytest.mark.parametrize("kind", READERS)
@given(document=JSON)
def test_any_json(kind: str, document: Json) -> None:
    assert not judged(READERS[kind][0], json.dumps(document).encode())
    try:
        data = canonical(document)
    except ValueError:
        return
    assert not judged(READERS[kind][0], data)


def places(document: Json) -> list[tuple[Json, str | int]]:
    """Every place in a document that can be set, as its container and its key."""
    found: list[tuple[Json, str | int]] = []
    rows = list(document.items()) if isinstance(document, dict) else list(enumerate(document)) if isinstance(document, list) else []
    for key, item in rows:
        found += [(document, key), *places(item)]
    return found


@pytest.mark.parametrize("kind", READERS)
@given(at=st.integers(0, 10**6), item=JSON, remove=st.booleans(), key=st.text(max_size=10))
def test_any_edit_of_a_sound_document(kind: str, at: int, item: Json, remove: bool, key: str) -> None:
    read, sound = READERS[kind]
    document = copy.deepcopy(json.loads(sound))
    listed = places(document)
    holder, name = listed[at % len(listed)]
    if remove:
        del holder[name]  # type: ignore[union-attr,arg-type]
    else:
        holder[name] = item  # type: ignore[index,call-overload]
    if isinstance(holder, dict) and at % 3 == 0:
        holder[key] = item
    judged(read, json.dumps(document).encode())
    try:
        judged(read, canonical(document))
    except ValueError:
        return


@pytest.mark.parametrize("kind", READERS)
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_any_changed_byte(kind: str, at: int, byte: int) -> None:
    read, sound = READERS[kind]
    data = bytearray(sound)
    data[at % len(data)] = byte
    judged(read, bytes(data))


@given(data=st.binary(max_size=200), most=st.integers(0, 300))
def test_files_are_read_whole_or_refused(data: bytes, most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(data)
        for read in (read_bounded, take):
            try:
                found = read(str(path), most)
            except (Refused, HostFailed):
                assert len(data) > most
            else:
                assert bytes(found[:]) == data
        assert not judged(lambda _: load_trust_file(str(path)), data)
