"""Many events at once: byte for byte what each gives alone, and refused where one alone is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.errors import HostFailed
from mpp.limits import JSON_INT_MAX
from mpp.model.events import COMMITS, Event, EVENT_BYTES_MAX, KINDS, SALT_BYTES, write_event, written_body
from mpp.model.jsontext import Json
from mpp.stages.audit import batch
from mpp.stages.audit.batch import encode_events, EVENTS_AT_ONCE
from mpp.stages.audit.entry import encode_event

WRITER = "boot-1-2"


class Large(IntEnum):
    ONE = 2**53


class Name(StrEnum):
    ONE = "one"


class Text(str):
    __slots__ = ()


class Own(dict):
    __slots__ = ()


nasty = st.sampled_from(
    [
        1.5, 0.0, -0.0, float("nan"), 2**53, -(2**53), 2**70, Large.ONE, Name.ONE, Text("t"), Own(a=1), (1, 2), (1.5,), b"x", {1}, "\ud800", "\u00e4", '\x00"\\},{"at":',
        UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC), object, {1: 2}, {"\u00e4": 1}, [{"at": 1}, {"at": 2}], [[[[[[1]]]]]], [[[[[1.5]]]]], Own(), [Own(a=1.5)], {"at": 5},
    ]
)  # fmt: skip
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
keys = st.text(st.characters(max_codepoint=127), max_size=6) | st.just("at")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-JSON_INT_MAX, JSON_INT_MAX) | texts | nasty,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
kind_of_call = st.sampled_from(KINDS) | st.just("intent")
events = st.builds(
    Event,
    kind=kind_of_call,
    at=st.integers(0, 2**40) | st.sampled_from([True, 2**53]),
    tenant=texts,
    invocation=texts,
    body=st.dictionaries(keys, values, max_size=4),
    commit=st.dictionaries(st.sampled_from(COMMITS), st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=5),
)


def salts_for(found: list[Event]) -> bytes:
    return b"".join(bytes([number % 251]) * SALT_BYTES for number in range(len(found)))


def slow(found: list[Event], salts: bytes, writer: str) -> list[bytes] | str:
    try:
        return [
            encode_event(one, salts[i * SALT_BYTES : (i + 1) * SALT_BYTES], writer if one.kind == "intent" else "") for i, one in enumerate(found)
        ]  # fmt: skip
    except HostFailed as fault:
        return str(fault)


def quick(found: list[Event], salts: bytes, writer: str) -> list[bytes] | str:
    try:
        return encode_events(found, salts, writer)
    except HostFailed as fault:
        return str(fault)


@settings(max_examples=400, deadline=None)
@given(st.lists(events, min_size=1, max_size=EVENTS_AT_ONCE + 3), st.sampled_from(["", WRITER]))
def test_many_at_once_are_what_each_is_alone(found: list[Event], writer: str) -> None:
    salts = salts_for(found)
    assert quick(found, salts, writer) == slow(found, salts, writer)


def event(body: dict | None = None, **more: object) -> Event:
    return Event(**{"kind": "agent", "at": 5, "tenant": "local", "invocation": "ab", "body": body or {}, **more})


def usual(count: int) -> list[Event]:
    return [
        event(
            {"number": number, "agent": {"name": "a", "behind": []}, "hosts": ["one"], "kv": {}},
            kind="intent" if number % 2 else "result",
            commit={"in": "ab" * 32},
        )
        for number in range(count)
    ]


def test_usual_events_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual(3 * EVENTS_AT_ONCE + 1)
    expected = [write_event(one, b"\x07" * SALT_BYTES) for one in found]

    def never(*_: object) -> list[bytes]:
        raise AssertionError("one by one")

    monkeypatch.setattr(batch, "_one_by_one", never)
    assert encode_events(found, b"\x07" * SALT_BYTES * len(found), "") == expected


@pytest.mark.parametrize(
    "body",
    [{"a": 1.5}, {"a": [{"b": 0.0}]}, {"a": 2**53}, {"a": Large.ONE}, {"\u00e4": 1}, {"a": "\ud800"}, {1: 2}, {"a": b"x"}, {"a": "x" * EVENT_BYTES_MAX}],
    ids=["decimal", "decimal within", "54 bits", "54 bits of a class", "key", "half a character", "number as key", "bytes", "size"],
)
@pytest.mark.parametrize("place", [0, 5, EVENTS_AT_ONCE - 1, EVENTS_AT_ONCE + 2])
def test_one_bad_event_among_good_ones_is_refused(body: dict, place: int) -> None:
    found = usual(EVENTS_AT_ONCE + 4)
    found[place] = event(body)
    with pytest.raises(HostFailed) as caught:
        encode_events(found, salts_for(found), WRITER)
    assert caught.value.code == "audit.event"


def test_an_object_that_begins_as_an_event_does_is_no_event() -> None:
    found = usual(4)
    found[2] = event({"a": [{}, {"at": 1, "body": {}}, {"at": 2}]})
    salts = salts_for(found)
    assert encode_events(found, salts, "") == slow(found, salts, "")


def test_a_commitment_that_no_reader_knows_is_refused() -> None:
    with pytest.raises(HostFailed):
        encode_events([*usual(2), event(commit={"other": "ab" * 32})], bytes(3 * SALT_BYTES), "")


def test_bodies_that_were_written_before_are_the_same() -> None:
    body = {"package": "a", "\u00fc"[:0] + "b": "\u00fc"}
    found = [event(body, written=written_body(body), kind="intent"), *usual(2)]
    salts = salts_for(found)
    assert encode_events(found, salts, WRITER) == slow(found, salts, WRITER)


def test_where_all_were_written_before_none_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[dict[str, Json]] = [{"package": "a", "deep": {"a": [[{"b": [[1, "x"]]}]]}}, {"token": "é"}, {"tool": "none"}]
    found = [event(body, written=written_body(body), kind=kind) for body, kind in zip(bodies, ("decision", "token-granted", "intent"), strict=True)]
    salts = salts_for(found)
    wanted = slow([replace(one, written=None) for one in found], salts, WRITER)
    monkeypatch.setattr(batch, "_at_once", lambda *_: pytest.fail("written anew"))
    assert encode_events(found, salts, WRITER) == wanted
    # Attack: a wrapper that adds a label to the body, beside what was written from the body before.
    found[0] = replace(found[0], body={"package": "a", "label": "new"})
    assert b'"label":"new"' in encode_events(found, salts, WRITER)[0]
