"""JSON in and out at the speed of machine code, where that is provably the same as the readers and writers of jsontext.

What the quick reader found and the quick writer writes again as it was has no key twice, no number that was rounded, no escape that means another
text, and no blanks: the strict reader would have found the same. Of what is written only decimals differ.
"""

from __future__ import annotations

import json

from mpp.limits import JSON_DEPTH_MAX, JSON_VALUES_MAX
from mpp.model.jsontext import Json, read as read_strictly


def read(data: bytes, *, family: str, where: str) -> Json:
    """``jsontext.read``: the same value, or the same refusal."""
    # With few brackets it cannot be deep; with few bytes it cannot have many values.
    if len(data) <= JSON_VALUES_MAX and data.count(b"{") + data.count(b"[") <= JSON_DEPTH_MAX:
        import orjson  # noqa: PLC0415 - the processes that hold guests have no such library and read nothing with it

        try:
            found: Json = orjson.loads(data)
            if is_whole(orjson.dumps(found), data):
                return found
        except (orjson.JSONDecodeError, TypeError):
            # The strict reader says what is wrong, and where.
            return read_strictly(data, family=family, where=where)
    return read_strictly(data, family=family, where=where)


def is_whole(again: bytes, data: bytes) -> bool:
    """Did the quick reader take ``data`` as it stands? ``again`` is what it found, written without blanks.

    Both without a blank after each colon and comma, as many writers put one: that changes no token outside of a text and no end of a text, so where the
    two are then equal they have the same objects with the same number of keys, the same numbers and the same escapes.
    """
    return again == data or again.replace(b": ", b":").replace(b", ", b",") == data.replace(b": ", b":").replace(b", ", b",")


def compact(document: Json, *, decimals: bool, in_order: bool = False) -> bytes:
    """On one line without blanks, texts as UTF-8, keys as they come or ``in_order``. Raises ValueError for what is no JSON.

    ``decimals``: may a decimal number be in it? Their digits differ between the two writers, and the quick one makes ``null`` of what is no number.
    """
    if not decimals:
        import orjson  # noqa: PLC0415 - as above

        try:
            return orjson.dumps(document, option=orjson.OPT_SORT_KEYS if in_order else None)
        except TypeError:
            # An integer beyond 64 bits, half of a character, or very deep: the other writer takes it, or says what is wrong.
            return _written(document, in_order)
    return _written(document, in_order)


def _written(document: Json, in_order: bool) -> bytes:
    return json.dumps(document, sort_keys=in_order, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
