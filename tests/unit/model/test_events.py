"""Events: one line, read back strictly."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.model.events import EVENT_BYTES_MAX, KINDS, Event, read_event, write_event
from tests.records import NO_SALT

GOOD = Event(kind="decision", at=1_767_225_600, tenant="local", invocation="0" * 32, body={"effect": "ask", "risk": 12})


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_comes_back_as_it_was(kind: str) -> None:
    event = Event(kind=kind, at=0, tenant="t", invocation="", body={"a": [1, "ü", None, True]})
    line = write_event(event, NO_SALT)
    assert b"\n" not in line
    assert read_event(line, where="line 1") == event


WRONG = [
    (b"", "audit.json"),
    (b"{", "audit.json"),
    (b"[]", "audit.type"),
    (json.dumps({**json.loads(write_event(GOOD, NO_SALT)), "kind": "novel"}).encode(), "audit.choice"),
    (json.dumps({**json.loads(write_event(GOOD, NO_SALT)), "at": -1}).encode(), "audit.range"),
    (json.dumps({**json.loads(write_event(GOOD, NO_SALT)), "mpp_event": 2}).encode(), "audit.range"),
    (json.dumps({**json.loads(write_event(GOOD, NO_SALT)), "more": 1}).encode(), "audit.unknown_key"),
    (json.dumps({**json.loads(write_event(GOOD, NO_SALT)), "body": []}).encode(), "audit.type"),
    (b'{"at":1,"at":2}', "audit.json"),
    (write_event(GOOD, NO_SALT)[:-10], "audit.json"),
    (b" " * (EVENT_BYTES_MAX + 1), "audit.event"),
]


@pytest.mark.parametrize(("line", "code"), WRONG)
def test_what_is_no_event_is_refused_with_its_place(line: bytes, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_event(line, where="line 7")
    assert caught.value.code == code
    assert caught.value.where.startswith("line 7")


def test_a_body_without_an_object_is_refused() -> None:
    found = json.loads(write_event(GOOD, NO_SALT))
    del found["body"]
    with pytest.raises(Refused, match=r"audit\.missing"):
        read_event(json.dumps(found).encode(), where="x")
