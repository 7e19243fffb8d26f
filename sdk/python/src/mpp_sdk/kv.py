"""Values that stay from one call to the next. Spec: spec/call-contract.md C-60 to C-63, C-70. The manifest declares ``storage.kv``.

Each tool has keys of its own. With ``shared=True`` the keys are those of all tools of the package: one saves, another reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mpp_sdk import _host


class _Anything:
    """Stands for "whatever is there"; None already means "nothing is there"."""

    def __repr__(self) -> str:
        return "..."


_ANY = _Anything()


def get(key: str, *, shared: bool = False) -> bytes | None:
    """The value of ``key``, or None."""
    found = _host.call("kv.get", _scoped({"key": key}, shared))["value"]
    return None if found is None else _host.from_base64(found)


def set(key: str, value: bytes | str, *, expect: bytes | str | _Anything | None = _ANY, shared: bool = False) -> bool:  # noqa: A001 - the name of the contract
    """Store ``value``. With ``expect`` only if the present value is that; None means that there is none. Gives whether it was stored."""
    params: dict[str, Any] = {"key": key, "value": _host.to_base64(_bytes(value))}
    if not isinstance(expect, _Anything):
        params["expect"] = None if expect is None else _host.to_base64(_bytes(expect))
    return bool(_host.call("kv.set", _scoped(params, shared))["stored"])


def delete(key: str, *, shared: bool = False) -> bool:
    """Forget ``key``. Gives whether it was there."""
    return bool(_host.call("kv.delete", _scoped({"key": key}, shared))["existed"])


def list(prefix: str = "", *, after: str = "", limit: int | None = None, shared: bool = False) -> tuple[str, ...]:  # noqa: A001 - the name of the contract
    """At most ``limit`` (1,000 if left out) keys that begin with ``prefix``, in order, those after ``after``. ``keys`` gives all."""
    return page(prefix, after=after, limit=limit, shared=shared).keys


class Page:
    """Some keys, and whether there are more."""

    __slots__ = ("keys", "more")

    def __init__(self, keys: tuple[str, ...], *, more: bool) -> None:
        self.keys = keys
        self.more = more


def page(prefix: str = "", *, after: str = "", limit: int | None = None, shared: bool = False) -> Page:
    """As ``list``, with a word on whether there are more."""
    found = _page(prefix, after, limit, shared)
    return Page(tuple(found["keys"]), more=bool(found["more"]))


def keys(prefix: str = "", *, shared: bool = False) -> Iterator[str]:
    """All keys that begin with ``prefix``, in order."""
    after, more = "", True
    while more:
        found = page(prefix, after=after, shared=shared)
        yield from found.keys
        more = found.more and bool(found.keys)
        after = found.keys[-1] if found.keys else ""


def get_json(key: str, default: Any = None, *, shared: bool = False) -> Any:
    """The value of ``key``, read as JSON, or ``default`` where there is none."""
    found = get(key, shared=shared)
    return default if found is None else json.loads(found)


def set_json(key: str, value: Any, *, shared: bool = False) -> None:
    """Store ``value`` as JSON."""
    set(key, json.dumps(value, ensure_ascii=False, separators=(",", ":")), shared=shared)


def _page(prefix: str, after: str, limit: int | None, shared: bool) -> dict[str, Any]:
    params: dict[str, Any] = {} if limit is None else {"limit": limit}
    if prefix:
        params["prefix"] = prefix
    if after:
        params["after"] = after
    found: dict[str, Any] = _host.call("kv.list", _scoped(params, shared))
    return found


def _scoped(params: dict[str, Any], shared: bool) -> dict[str, Any]:
    return {**params, "scope": "package"} if shared else params


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)
