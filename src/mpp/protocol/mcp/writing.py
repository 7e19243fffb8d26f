"""Messages as bytes, each whole and without a line break. Spec: mcp-front J-20 to J-24."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from mpp.errors import MppError
from mpp.model.jsontext import Json, shown
from mpp.protocol.mcp.reading import Id, write_json
from mpp.protocol.mcp.versions import HEADER_MISMATCH, INTERNAL, INVALID_PARAMS, NO_METHOD

OK = 200
BAD_REQUEST = 400
NOT_FOUND = 404


class Reply(NamedTuple):
    """An answer, whole."""

    data: bytes
    status: int = OK
    """The status of HTTP. Other transports have none."""


class FaultError(Exception):
    """A request that ends with a JSON-RPC error."""

    def __init__(self, code: int, message: str, *, data: Json = None, status: int = OK) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = status


def refuse(message: str, *, status: int = OK) -> FaultError:
    """Parameters that are wrong."""
    return FaultError(INVALID_PARAMS, message, status=status)


def no_method(method: str, *, modern: bool) -> FaultError:
    return FaultError(NO_METHOD, f"there is no method {shown(method)}", status=NOT_FOUND if modern else OK)


def result_reply(name: Id, result: Mapping[str, Json]) -> Reply:
    """A result. What no JSON writer can write becomes an error: nothing half is ever sent."""
    try:
        return Reply(orjson.dumps({"jsonrpc": "2.0", "id": name, "result": result}))
    except TypeError:
        return wide_reply(name, result)


def wide_reply(name: Id, result: Mapping[str, Json]) -> Reply:
    """A result with integers that orjson does not write."""
    try:
        return Reply(write_json({"jsonrpc": "2.0", "id": name, "result": dict(result)}))
    except (TypeError, ValueError):
        return error_reply(name, INTERNAL, "the answer cannot be written")


def raw_reply(name: Id, result: bytes) -> Reply:
    """A result that is encoded already."""
    return Reply(b'{"jsonrpc":"2.0","id":' + orjson.dumps(name) + b',"result":' + result + b"}")


def error_reply(name: Id | None, code: int, message: str, *, data: Json = None, status: int = OK) -> Reply:
    error: dict[str, Json] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    body: dict[str, Json] = {"jsonrpc": "2.0", "error": error}
    if name is not None:
        body["id"] = name
    return Reply(write_json(body), status)


def fault_reply(name: Id | None, fault: FaultError) -> Reply:
    return error_reply(name, fault.code, fault.message, data=fault.data, status=fault.status)


def header_mismatch(name: Id | None, words: str) -> Reply:
    """What a header says is not what the body says."""
    return error_reply(name, HEADER_MISMATCH, f"Header mismatch: {words}", status=BAD_REQUEST)


def busy_reply(name: Id) -> Reply:
    """Nothing was run: a client may ask again."""
    return error_reply(name, INTERNAL, "the host is busy: nothing was run, try again", data={"code": "host.busy"})


def host_fault(fault: MppError) -> FaultError:
    """What the host refused outright. Its words may name places on this machine: a client gets the code and no more."""
    # The numbers of codes.toml are not used here: this protocol keeps -32020 to -32099 for itself.
    if fault.code.startswith("call."):
        return FaultError(INVALID_PARAMS, "the call does not fit what it calls: nothing was run", data={"code": fault.code})
    return FaultError(INTERNAL, "the host cannot answer this", data={"code": fault.code})


def not_given(result: Mapping[str, Json]) -> FaultError:
    """A prompt, a resource or a completion that is not given. Its words are fit for the client, and say so themselves."""
    content, meta = result.get("content"), result.get("_meta")
    texts = [str(one["text"]) for one in content if isinstance(one, dict) and "text" in one] if isinstance(content, list) else []
    return FaultError(INTERNAL, "\n".join(texts) or "it is not given", data=dict(meta) if isinstance(meta, dict) else None)


def notification(method: str, params: Mapping[str, Json]) -> bytes:
    return write_json({"jsonrpc": "2.0", "method": method, "params": dict(params)})


def question(name: str, method: str, params: Mapping[str, Json]) -> bytes:
    """A request of ours to the client."""
    return write_json({"jsonrpc": "2.0", "id": name, "method": method, "params": dict(params)})
