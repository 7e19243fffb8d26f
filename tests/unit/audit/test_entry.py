"""Entries: one event as one line, byte for byte as the slow writer has it, and read back strictly."""

from __future__ import annotations

import json
from enum import IntEnum
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.crypto import base64text
from mpp.errors import HostFailed, Refused
from mpp.limits import JSON_DEPTH_MAX, JSON_INT_MAX
from mpp.model.events import COMMITS, Event, EVENT_BYTES_MAX, KINDS, write_event
from mpp.model.jsontext import canonical
from mpp.stages.audit.entry import (
    encode_event,
    epoch_body,
    FIRST_PREV,
    genesis_body,
    leaf_of,
    line_of,
    lines_of,
    read_entry,
    read_epoch,
    read_genesis,
    tail_of,
)
from mpp.stages.audit.limits import LINE_BYTES_MAX
from mpp.testing.keys import fixed_signer

SALT = bytes(range(32))
HOST, KEY = fixed_signer("host").public_key, fixed_signer("epoch").public_key

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
keys = st.text(st.characters(max_codepoint=127), max_size=10)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-JSON_INT_MAX, JSON_INT_MAX) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
events = st.builds(
    Event,
    kind=st.sampled_from(KINDS),
    at=st.integers(0, 2**40),
    tenant=texts,
    invocation=texts,
    body=st.dictionaries(keys, plain, max_size=5),
    commit=st.dictionaries(st.sampled_from(COMMITS), st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=5),
)


def event(body: dict | None = None, **more: object) -> Event:
    return Event(**{"kind": "agent", "at": 5, "tenant": "local", "invocation": "", "body": body or {}, **more})


@settings(max_examples=300, deadline=None)
@given(events, st.binary(min_size=32, max_size=32))
def test_the_fast_writer_gives_the_bytes_of_the_slow_one(found: Event, salt: bytes) -> None:
    assert encode_event(found, salt) == write_event(found, salt)


@settings(max_examples=100, deadline=None)
@given(events)
def test_a_line_is_canonical_and_is_read_back(found: Event) -> None:
    line = line_of(encode_event(found, SALT), FIRST_PREV, 7)
    assert line == canonical(json.loads(line))
    assert tail_of(line) == (FIRST_PREV, 7)


@settings(max_examples=60, deadline=None)
@given(st.lists(events, min_size=1, max_size=5), st.integers(0, 2**40))
def test_several_lines_in_one_go_are_those_of_each(found: list[Event], first: int) -> None:
    encoded, prev, lines, leaves = [encode_event(one, SALT) for one in found], "ab" * 32, b"", []
    for seq, one in enumerate(encoded, first):
        line = line_of(one, prev, seq)
        lines += line + b"\n"
        leaves.append(prev := leaf_of(line))
    assert lines_of(encoded, "ab" * 32, first) == (lines, leaves[:-1], lines.split(b"\n")[-2])


def test_what_was_written_is_read() -> None:
    found = event({"a": [1, {"b": "\u00fc\u2028\x7f\n"}], "z": None}, commit={"in": "ab" * 32})
    line = line_of(encode_event(found, SALT), "cd" * 32, 3)
    entry = read_entry(line, where="log")
    assert (entry.seq, entry.prev, entry.leaf) == (3, "cd" * 32, sha256(b"\x00" + line).hexdigest())
    assert entry.event.body == found.body
    assert entry.event.commit["in"] == sha256(SALT + b"in\x00" + bytes.fromhex("ab" * 32)).hexdigest()


def test_the_writer_of_an_intent_is_in_its_body() -> None:
    line = line_of(encode_event(event({"a": 1}), b"", "boot-1-2"), FIRST_PREV, 0)
    assert read_entry(line, where="log").event.body == {"a": 1, "writer": "boot-1-2"}


class Large(IntEnum):
    """An integer that is of no plain class."""

    ONE = 2**53


def nested(levels: int) -> object:
    found: object = 1
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    "body",
    [
        {"a": 1.5},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": {"b": [{"c": 0.0}]}},
        {"a": JSON_INT_MAX + 1},
        {"a": [-JSON_INT_MAX - 1]},
        {"a": 2**70},
        {"a": {"b": 2**53}},
        {"a": Large.ONE},
        {"a": [Large.ONE]},
        {"a": 0.0},
        {"a": -0.0},
        {"a": [[], 0.0]},
        {"\u00e4": 1},
        {"a": [{"b": {"\u00e4": 1}}]},
        {"a": "\u00e4", "b": [1, {"\u00e4": []}]},
        {"a": "\ud800"},
        {1: "a"},
        {"a": {1: 2}},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": nested(JSON_DEPTH_MAX - 2)},
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused(body: dict) -> None:
    with pytest.raises(HostFailed) as caught:
        encode_event(event(body), b"")
    assert caught.value.code == "audit.event"


def test_a_commitment_that_no_reader_knows_is_refused() -> None:
    for commit in ({"other": "ab" * 32}, {"in": "ab" * 32, "other": "ab" * 32}, {"in": "zz" * 32}):
        with pytest.raises(HostFailed) as caught:
            encode_event(event(commit=commit), SALT)
        assert caught.value.code == "audit.event"


def test_the_deepest_body_that_is_taken_can_be_read() -> None:
    line = line_of(encode_event(event({"a": nested(JSON_DEPTH_MAX - 3)}), b""), FIRST_PREV, 0)
    assert read_entry(line, where="log").event.body == {"a": nested(JSON_DEPTH_MAX - 3)}


def test_a_non_ascii_value_beside_other_kinds_is_taken() -> None:
    body = {"a": "\u00e4", "b": [1, {"c": ["\u00e4", None]}], "d": {"e": True}}
    assert encode_event(event(body), b"") == write_event(event(body), b"")


def test_an_event_has_a_size() -> None:
    room = EVENT_BYTES_MAX - len(encode_event(event({"a": ""}), b""))
    largest = encode_event(event({"a": "x" * room}), b"")
    assert len(largest) == EVENT_BYTES_MAX
    assert len(line_of(largest, FIRST_PREV, 10**15)) <= LINE_BYTES_MAX
    with pytest.raises(HostFailed):
        encode_event(event({"a": "x" * (room + 1)}), b"")


LINE = line_of(encode_event(event(), b""), "ab" * 32, 12)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        LINE[:-1],
        LINE[1:],
        LINE + b" ",
        LINE.replace(b'"seq":12', b'"seq":012'),
        LINE.replace(b'"seq":12', b'"seq":-1'),
        LINE.replace(b'"seq":12', b'"seq":12345678901234567'),
        LINE.replace(b"ab", b"AB"),
        LINE.replace(b"ab" * 32, b"ab" * 31),
        LINE.replace(b'{"event":{', b'{"evenz":{'),
    ],
)
def test_a_line_of_another_form_has_no_place(line: bytes) -> None:
    assert tail_of(line) is None


def test_the_place_of_a_line_is_found_at_its_end() -> None:
    assert tail_of(LINE) == ("ab" * 32, 12)
    tricky = line_of(encode_event(event({"a": ',"prev":"' + "cd" * 32 + '","seq":9}'}), b""), "ab" * 32, 12)
    assert tail_of(tricky) == ("ab" * 32, 12)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"event":{}}', "audit.missing"),
        (LINE.replace(b'"seq":12', b'"seq": 12'), "audit.json"),
        (LINE.replace(b'"seq":12', b'"seq":12,"x":1'), "audit.unknown_key"),
        (LINE.replace(b"ab" * 32, b"zz" * 32), "audit.form"),
        (LINE.replace(b'"kind":"agent"', b'"kind":"agenz"'), "audit.choice"),
        (LINE.replace(b'"body":{}', b'"body":{"a":"%b"}' % (b"x" * LINE_BYTES_MAX)), "audit.entry"),
    ],
)
def test_a_line_is_read_strictly(line: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_entry(line, where="log")
    assert code in {fault.code for fault in caught.value.faults}


def genesis(**changes: object) -> bytes:
    body = {**genesis_body(HOST, KEY, bytes(16), ""), **changes}
    return line_of(encode_event(event({key: one for key, one in body.items() if one is not None}, kind="log"), b""), FIRST_PREV, 0)


def test_entry_0_says_whose_log_it_is() -> None:
    found = read_genesis(read_entry(genesis(follows="ef" * 32), where="log"), where="log")
    assert (found.host_key, found.epoch_key, found.follows) == (HOST, KEY, "ef" * 32)
    assert found.log_id == leaf_of(genesis(follows="ef" * 32))
    assert found.origin == "mpp-audit/" + found.log_id[:32]


@pytest.mark.parametrize(
    "line",
    [
        genesis(format=2),
        genesis(host="short"),
        genesis(key=None),
        genesis(nonce="ab"),
        genesis(nonce="zz" * 16),
        genesis(follows="ab"),
        genesis(more=1),
        genesis(follows="a" * 65),
        genesis().replace(b'"kind":"log"', b'"kind":"agent"'),
        genesis().replace(b'"seq":0', b'"seq":1'),
        genesis().replace(FIRST_PREV.encode(), b"1" * 64),
    ],
)
def test_entry_0_has_one_form(line: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_genesis(read_entry(line, where="log"), where="log")
    assert caught.value.code == "audit.genesis"


def test_the_last_entry_of_a_segment_announces_a_key() -> None:
    line = line_of(encode_event(event(epoch_body(4, KEY), kind="epoch"), b""), FIRST_PREV, 9)
    assert read_epoch(read_entry(line, where="log"), where="log") == (4, KEY)
    for wrong in (event(epoch_body(0, KEY), kind="epoch"), event({"epoch": 4, "key": base64text.encode(b"x")}, kind="epoch"), event(epoch_body(4, KEY))):
        with pytest.raises(Refused) as caught:
            read_epoch(read_entry(line_of(encode_event(wrong, b""), FIRST_PREV, 9), where="log"), where="log")
        assert caught.value.code == "audit.epoch"
