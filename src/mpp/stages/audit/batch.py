"""Many events at once: the same bytes as ``encode_event`` gives for each, for half of the time. Pure.

What is checked of each value is checked by a few steps over all values of some events. Where anything is not as usual, nothing is decided here:
each of these events goes through ``encode_event``, which refuses it or writes it.

Spec: audit L-1 to L-5.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Sequence
from hashlib import sha256
from operator import attrgetter

import orjson

from mpp.model.events import COMMITS, EVENT_BYTES_MAX, Event, SALT_BYTES
from mpp.model.jsontext import Json
from mpp.stages.audit.entry import encode_event

EVENTS_AT_ONCE = 32
"""Events that are written with one call. Reason: measured; in a text of more than 30 kB their ends are found more slowly, fewer pay for the call."""

_LEVELS = 4
"""Levels of a body that are looked at here. Reason: deeper ones are rare, and ``encode_event`` counts them."""

_CANONICAL = (
    orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
)
_PLAIN = frozenset((bool, int, type(None)))
"""And texts."""
_DICT = {dict}
_BEGIN, _BETWEEN = b'{"at":', b',{"at":'
_SALTED = {name: name.encode("ascii") + b"\0" for name in COMMITS}
_new_hash = sha256().copy
"""Copies cost less than new ones."""
_written = attrgetter("written")


def encode_events(events: Sequence[Event], salts: bytes, writer: str) -> list[bytes]:
    """Of each its part of a line. ``salts``: of all of them, one behind the other. ``writer``: of the intents among them."""
    if all(map(_written, events)):
        # Their bodies are JSON already, so each by itself is quicker than all of them anew.
        return _one_by_one(events, salts, 0, writer)
    out: list[bytes] = []
    for begin in range(0, len(events), EVENTS_AT_ONCE):
        some = events[begin : begin + EVENTS_AT_ONCE]
        out += _at_once(some, salts, begin * SALT_BYTES, writer) or _one_by_one(some, salts, begin * SALT_BYTES, writer)
    return out


def _one_by_one(events: Sequence[Event], salts: bytes, at: int, writer: str) -> list[bytes]:
    return [
        encode_event(event, salts[at + i * SALT_BYTES : at + (i + 1) * SALT_BYTES], writer if event.kind == "intent" else "")
        for i, event in enumerate(events)
    ]  # fmt: skip


def _at_once(events: Sequence[Event], salts: bytes, at: int, writer: str) -> list[bytes] | None:
    """None where something is not as usual."""
    if not _are_plain([event.body for event in events]):
        return None
    rows: list[dict[str, object]] = []
    try:
        for event in events:
            kind, body, second = event.kind, event.body, event.at
            if type(second) is not int:
                return None
            commit: dict[str, str] = {}
            for name, digest in event.commit.items():
                found = _new_hash()
                found.update(salts[at : at + SALT_BYTES] + _SALTED[name] + unhexlify(digest))
                commit[name] = found.hexdigest()
            at += SALT_BYTES
            if writer and kind == "intent":
                body = {**body, "writer": writer}
            rows.append({"at": second, "body": body, "commit": commit, "invocation": event.invocation, "kind": kind, "mpp_event": 1, "tenant": event.tenant})
        data = orjson.dumps(rows, None, _CANONICAL)
    except (KeyError, TypeError, ValueError):
        return None
    return _parted(data, len(rows))


def _parted(data: bytes, count: int) -> list[bytes] | None:
    """The texts of the events. Attack: a body with an object that begins as an event does. Each event begins so: with one more there are too many parts."""
    parts = data[1:-1].split(_BETWEEN)
    if len(parts) != count or max(map(len, parts)) > EVENT_BYTES_MAX - len(_BETWEEN) or not data.isascii():
        return None
    parts[1:] = map(_BEGIN.__add__, parts[1:])
    return parts


def _are_plain(bodies: Sequence[dict[str, Json]]) -> bool:
    """Is every value of one of the plain kinds, in lists and objects of few levels? The writer refuses integers over 53 bits.

    Most values are texts: what is none of them is few.
    """
    if not _DICT.issuperset(map(type, bodies)):
        return False
    others = [item for body in bodies for item in body.values() if type(item) is not str]
    for _ in range(_LEVELS):
        inner: list[Json] = []
        for item in others:
            if type(item) is dict:
                inner += item.values()
            elif type(item) is list:
                inner += item
            elif type(item) not in _PLAIN:
                return False
        if not inner:
            return True
        others = [item for item in inner if type(item) is not str]
    return False
