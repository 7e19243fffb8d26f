"""JSON bytes in, filtered JSON bytes out: for the command line, for benchmarks, and for messages that no other stage reads."""

from __future__ import annotations

import json
from contextlib import suppress

import orjson

from mpp.errors import Refused
from mpp.model.jsontext import Json, read
from mpp.stages.privacy.limits import MESSAGE_BYTES_MAX

_SO_MANY = b"0" * 19
_AS_DIGITS = bytes(48 if 48 <= one < 58 else 0 for one in range(256))
_MINUS = ord("-")
_BEFORE_NUMBER = frozenset(b":,[- \t\r\n")
_RUNS_MAX = 10_000
"""Runs of digits that are looked at one by one. Reason: a few milliseconds; a message with more of them goes to the strict reader."""


def read_message(data: bytes) -> Json:
    """The message. Of a key that stands twice the last counts, and only that is written again, so nobody after us reads it otherwise."""
    if len(data) > MESSAGE_BYTES_MAX:
        raise Refused("privacy.limit", f"the message has more than {MESSAGE_BYTES_MAX} bytes", where="message", hint="answer with less at a time")
    if not _may_be_rounded(data):
        with suppress(orjson.JSONDecodeError):
            found: Json = orjson.loads(data)
            return found
    # It says what is wrong, and where.
    return read(data, family="privacy", where="message")


def _may_be_rounded(data: bytes) -> bool:
    """Is there an integer beyond 64 bits, which the fast reader rounds? Attack: a long number that reads as another.

    A number stands behind a mark of JSON, a blank or its sign, or at the very beginning. A run of digits in a text may do so too,
    and is then read strictly for nothing; behind a quote, a letter or a point it is no integer.
    """
    digits = data.translate(_AS_DIGITS)
    at = digits.find(_SO_MANY)
    for _ in range(_RUNS_MAX):
        if at < 0:
            return False
        after = digits.find(0, at)
        before = data[at - 1] if at else 0
        # Nineteen digits without a sign fit in 64 bits.
        if (at == 0 or before in _BEFORE_NUMBER) and (after - at != len(_SO_MANY) or before == _MINUS):
            return True
        at = digits.find(_SO_MANY, after) if after > 0 else -1
    return True


def write_message(message: Json) -> bytes:
    """The canonical form: no spaces, UTF-8, keys in the order they came in."""
    try:
        return orjson.dumps(message)
    except TypeError:
        # An integer beyond 64 bits.
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
