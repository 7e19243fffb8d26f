"""One message from bytes: strict JSON, then request, notification, response or batch. It never raises. Spec: mcp-front J-10 to J-14.

Two readers share the work. orjson is quick and lets some things pass that two readers could understand differently. What it writes again as it was,
or a walk over what it found, proves that there is none of them; else the strict reader of this project reads the bytes again.
"""

from __future__ import annotations

import json
from typing import NamedTuple, TypeAlias

import orjson

from mpp.errors import Refused
from mpp.limits import JSON_DEPTH_MAX, JSON_VALUES_MAX
from mpp.model import jsontext
from mpp.model.jsonquick import is_whole
from mpp.model.jsontext import Json
from mpp.protocol.mcp.limits import BATCH_MAX, ID_CHARS_MAX, ID_INT_MAX, MESSAGE_BYTES_MAX, METHOD_CHARS_MAX
from mpp.protocol.mcp.versions import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR

Id: TypeAlias = "int | str"
Params: TypeAlias = "dict[str, Json]"


class Request(NamedTuple):
    id: Id
    method: str
    params: Params


class Note(NamedTuple):
    """A notification."""

    method: str
    params: Params


class Response(NamedTuple):
    """The client's answer to a question of ours."""

    id: Id
    result: Params | None
    """None: it answered with an error, or with something that is no result."""


class Broken(NamedTuple):
    """What is answered with an error."""

    id: Id | None
    code: int
    message: str


class Ignored(NamedTuple):
    """What nobody may answer: a broken notification or response."""


Message: TypeAlias = "Request | Note | Response | Broken | Ignored"

_EXACT_MAX = float(2**53)
"""Above it a float may have been an integer that orjson could not hold."""


def read_message(data: bytes) -> Message | list[Message]:
    """What one message is; a batch is a list of them."""
    if len(data) > MESSAGE_BYTES_MAX:
        return Broken(None, PARSE_ERROR, f"a message has at most {MESSAGE_BYTES_MAX} bytes")
    try:
        found = read_json(data)
    except Refused as fault:
        return Broken(None, PARSE_ERROR, f"this is no JSON message: {fault.message}")
    if isinstance(found, list):
        return _batch(found)
    return _message(found)


def read_json(data: bytes) -> Json:
    """Strict JSON: UTF-8, no key twice, finite numbers, bounded depth and number of values. Raises Refused."""
    if len(data) > JSON_VALUES_MAX and sum(map(data.count, (b",", b"[", b"{"))) > JSON_VALUES_MAX:
        raise Refused("call.json", "it has too many values", where="message")
    try:
        found: Json = orjson.loads(data)
    except orjson.JSONDecodeError:
        # The strict reader says what is wrong, or reads what only orjson does not.
        return jsontext.read(data, family="call", where="message")
    # It is as we would write it, so nothing was dropped or changed on the way in; and with few brackets it cannot be deep.
    if data.count(b"{") + data.count(b"[") <= JSON_DEPTH_MAX and is_whole(orjson.dumps(found), data):
        return found
    # Attack: a name written twice is two things to two readers. Each name has a colon after it, so with as many colons as names and colons in
    # texts there is none twice; an escaped colon would hide one.
    if _colons(found, JSON_DEPTH_MAX - 1) != data.count(b":") or b"\\u003" in data:
        return jsontext.read(data, family="call", where="message")
    return found


def _colons(found: Json, left: int) -> int:
    """The names and the colons in texts; -1 where the strict reader must look: too deep, or a number that may be another."""
    if isinstance(found, dict):
        total = len(found) + "".join(found).count(":")
        items = list(found.values())
    else:
        total = 0
        items = found if isinstance(found, list) else [found]
    for item in items:
        # This runs once for each value of each message: the kinds are asked for in the order of how common they are.
        if isinstance(item, str):
            total += item.count(":")
        elif isinstance(item, (dict, list)):
            inner = _colons(item, left - 1) if left else -1
            if inner < 0:
                return -1
            total += inner
        elif isinstance(item, float) and not -_EXACT_MAX < item < _EXACT_MAX:
            return -1
    return total


def write_json(found: Json) -> bytes:
    """The bytes of what was read, integers of any size included."""
    try:
        return orjson.dumps(found)
    except TypeError:
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def is_id(found: Json) -> bool:
    """May it be the id of a request, or a progress token?"""
    if isinstance(found, str):
        return len(found) <= ID_CHARS_MAX
    return isinstance(found, int) and not isinstance(found, bool) and -ID_INT_MAX <= found <= ID_INT_MAX


def _batch(found: list[Json]) -> Broken | list[Message]:
    if not found or len(found) > BATCH_MAX:
        return Broken(None, INVALID_REQUEST, f"a batch has 1 to {BATCH_MAX} messages")
    return [_message(one) for one in found]


def _message(found: Json) -> Message:
    if not isinstance(found, dict):
        return Broken(None, INVALID_REQUEST, "a message is an object")
    given = found.get("id")
    name: Id | None = given if isinstance(given, (int, str)) and is_id(given) else None
    method = found.get("method")
    if method is None and ("result" in found or "error" in found):
        return _response(found, name)
    if found.get("jsonrpc") != "2.0":
        return Broken(name, INVALID_REQUEST, 'jsonrpc must be "2.0"')
    if not isinstance(method, str) or not 0 < len(method) <= METHOD_CHARS_MAX:
        return Broken(name, INVALID_REQUEST, "method must be a text")
    if "id" not in found:
        params = found.get("params", {})
        return Note(method, params) if isinstance(params, dict) else Ignored()
    return _request(found, name, method)


def _request(found: Params, name: Id | None, method: str) -> Request | Broken:
    if name is None:
        return Broken(None, INVALID_REQUEST, "id must be a text or an integer")
    params = found.get("params")
    if params is None:
        params = {}
    return Request(name, method, params) if isinstance(params, dict) else Broken(name, INVALID_PARAMS, "params must be an object")


def _response(found: Params, name: Id | None) -> Response | Ignored:
    # A response is never answered, however broken it is.
    if name is None or found.get("jsonrpc") != "2.0":
        return Ignored()
    result = found.get("result")
    return Response(name, result if isinstance(result, dict) and "error" not in found else None)
