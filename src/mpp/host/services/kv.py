"""``kv.get``, ``kv.set``, ``kv.delete`` and ``kv.list``: a guest's message judged, then done.

Spec: spec/call-contract.md. Whose state it is comes from the rights of the worker, never from the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mpp.crypto import base64text
from mpp.errors import HostFailed
from mpp.host.stores.kv import Expect, KvStore, Stored
from mpp.host.stores.kv_file import Space
from mpp.host.stores.limits import KV_ENTRIES_MAX, KV_KEY_BYTES_MAX, KV_LIST_MAX, KV_VALUE_BYTES_MAX
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json, shown
from mpp.model.rights import Rights

SHARED = ""
"""In the place of the name of a tool, which is never empty."""

_BASE64_MAX = (KV_VALUE_BYTES_MAX + 2) // 3 * 4


class _BadError(Exception):
    """A message that is turned down: a code of the call contract, and words for the author of the tool."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


class _Asked(NamedTuple):
    """One message, and on whose behalf."""

    store: KvStore
    space: Space
    tool: str
    """Whose keys; ``SHARED`` for those of all tools of the package."""
    quota: int
    params: dict[str, Json]


def answer_kv(store: KvStore, method: str, params: Json, rights: Rights, tool: str, *, report: Callable[[HostFailed], None] | None = None) -> HostAnswer:
    """The answer to one host call. What went wrong on this machine goes to ``report``; the guest learns only that it did."""
    if method not in _METHODS:
        return _error("unknown_method", f"there is no method {shown(method)!r}")
    if rights.kv_max_bytes == 0:
        return _error("not_declared", "the package declares no storage.kv")
    space = Space(tenant=rights.tenant, publisher_id=rights.publisher_id, package_id=rights.package_id)
    act, allowed = _METHODS[method]
    try:
        given = _object(params, (*allowed, "scope"))
        asked = _Asked(store=store, space=space, tool=_whose(given, tool), quota=rights.kv_max_bytes, params=given)
        return HostAnswer(result=act(asked), error="", message="", kv=method)
    except _BadError as fault:
        # A write over the quota was a try to use the store; a message that is no request was not.
        return HostAnswer(result=None, error=fault.code, message=fault.message, kv=method if fault.code == "quota" else "")
    except HostFailed as fault:
        if report is not None:
            report(fault)
        return _error("unavailable", "the host cannot use its storage now")


def _error(code: str, message: str) -> HostAnswer:
    return HostAnswer(result=None, error=code, message=message)


def _get(asked: _Asked) -> Json:
    found = asked.store.get(asked.space, asked.tool, _key(asked.params))
    return {"value": None if found is None else base64text.encode(found)}


def _set(asked: _Asked) -> Json:
    key, content = _key(asked.params), _bytes(asked.params, "value")
    expect = None
    if "expect" in asked.params:
        expect = Expect(present=None if asked.params["expect"] is None else _bytes(asked.params, "expect"))
    done = asked.store.set(asked.space, asked.tool, key, content, quota=asked.quota, expect=expect)
    if done is Stored.OVER_QUOTA:
        raise _BadError("quota", f"the package may store {asked.quota} bytes of keys and values, and {KV_ENTRIES_MAX} keys")
    return {"stored": done is Stored.DONE}


def _delete(asked: _Asked) -> Json:
    return {"existed": asked.store.delete(asked.space, asked.tool, _key(asked.params))}


def _list(asked: _Asked) -> Json:
    prefix, after = _text(asked.params, "prefix"), _text(asked.params, "after")
    limit = asked.params.get("limit", KV_LIST_MAX)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= KV_LIST_MAX:
        raise _BadError("bad_request", f"limit must be an integer from 1 to {KV_LIST_MAX}")
    found, more = asked.store.keys(asked.space, asked.tool, prefix=prefix, after=after, limit=limit)
    return {"keys": [key.decode("utf-8") for key in found], "more": more}


_METHODS: Mapping[str, tuple[Callable[[_Asked], Json], tuple[str, ...]]] = {
    "kv.get": (_get, ("key",)),
    "kv.set": (_set, ("key", "value", "expect")),
    "kv.delete": (_delete, ("key",)),
    "kv.list": (_list, ("prefix", "after", "limit")),
}
KV_METHODS = frozenset(_METHODS)


def _object(params: Json, allowed: tuple[str, ...]) -> dict[str, Json]:
    if not isinstance(params, dict):
        raise _BadError("bad_request", "params must be an object")
    for name in params:
        # A key that is ignored today would mean something else tomorrow.
        if name not in allowed:
            raise _BadError("bad_request", f"the key {shown(name)!r} is not known here; known are {', '.join(allowed)}")
    return params


def _whose(params: dict[str, Json], tool: str) -> str:
    """Spec: C-70. The keys of the tool, or those that it shares with the other tools of its package; never those of another tool."""
    scope = params.get("scope", "tool")
    if scope not in ("tool", "package"):
        raise _BadError("bad_request", 'scope is "tool" or "package"')
    return tool if scope == "tool" else SHARED


def _key(params: dict[str, Json]) -> bytes:
    if "key" not in params:
        raise _BadError("bad_request", "key is missing")
    found = _text(params, "key")
    if not found:
        raise _BadError("bad_request", "key is empty")
    return found


def _text(params: dict[str, Json], name: str) -> bytes:
    """The bytes of a key or of the beginning of one; empty if absent. No form is changed: two spellings are two keys."""
    found = params.get(name, "")
    if not isinstance(found, str) or "\0" in found:
        raise _BadError("bad_request", f"{name} must be a string without the character 0")
    try:
        data = found.encode("utf-8")
    except UnicodeEncodeError:
        raise _BadError("bad_request", f"{name} holds half of a character") from None
    if len(data) > KV_KEY_BYTES_MAX:
        raise _BadError("too_large", f"{name} has {len(data)} bytes, at most {KV_KEY_BYTES_MAX} are taken")
    return data


def _bytes(params: dict[str, Json], name: str) -> bytes:
    found = params.get(name)
    if not isinstance(found, str):
        raise _BadError("bad_request", f"{name} must be base64 text")
    if len(found) > _BASE64_MAX:
        raise _BadError("too_large", f"{name} has more than {KV_VALUE_BYTES_MAX} bytes")
    data = base64text.decode(found)
    if data is None:
        raise _BadError("bad_request", f"{name} must be base64 in the standard alphabet, padded")
    if len(data) > KV_VALUE_BYTES_MAX:
        raise _BadError("too_large", f"{name} has more than {KV_VALUE_BYTES_MAX} bytes")
    return data
