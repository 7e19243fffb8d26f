"""One message of a server, read as hostile. Spec: legacy V-2."""

from __future__ import annotations

from typing import TypeAlias

from mpp.errors import Refused
from mpp.model.jsontext import Json, read
from mpp.model.value import value
from mpp.protocol.mcp_client.limits import BATCH_MAX, ERROR_CHARS_MAX

Id: TypeAlias = "int | str"


@value
class Answered:
    """An answer to a request of ours, if the id is one of ours."""

    id: Id
    result: Json = None
    error: str | None = None
    """The words of an error; None: it is a result."""
    code: int = 0


@value
class Wanted:
    """A request of the server to us."""

    id: Id
    method: str
    params: dict[str, Json]


@value
class Noted:
    """A notification."""

    method: str
    params: dict[str, Json]


Message: TypeAlias = Answered | Wanted | Noted


def read_messages(line: bytes) -> tuple[Message, ...]:
    """The messages of one line; none if it is no message at all."""
    try:
        found = read(line, family="call", where="standard output")
    except Refused:
        return ()
    listed = found[:BATCH_MAX] if isinstance(found, list) else [found]
    return tuple(one for one in map(_message, listed) if one is not None)


def _message(found: Json) -> Message | None:
    if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
        return None
    method, params, identity = found.get("method"), found.get("params", {}), found.get("id")
    has_id = isinstance(identity, int | str) and not isinstance(identity, bool)
    if isinstance(method, str):
        params = params if isinstance(params, dict) else {}
        return Wanted(id=identity, method=method, params=params) if has_id and isinstance(identity, int | str) else Noted(method=method, params=params)
    if not isinstance(identity, int | str) or not has_id:
        return None
    if "error" in found:
        return _failed(identity, found["error"])
    return Answered(id=identity, result=found["result"]) if "result" in found else None


def _failed(identity: Id, error: Json) -> Answered:
    words, code = (error.get("message"), error.get("code")) if isinstance(error, dict) else (None, 0)
    text = words if isinstance(words, str) else "no message"
    return Answered(id=identity, error=text[:ERROR_CHARS_MAX], code=code if isinstance(code, int) else 0)
