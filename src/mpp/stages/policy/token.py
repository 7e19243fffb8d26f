"""Capability tokens: what the sandbox demands before it opens anything. Whoever holds one holds what it opens, and nothing else.

A token is a handle without content. What it stands for is kept here, so a copy, a pickle, a subclass or an object made by hand
stands for nothing, and changing the object changes nothing. Spec: spec/3-policy.md section 6.
"""

from __future__ import annotations

import functools
import hashlib
import weakref
from typing import Final, NoReturn, Self

from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical
from mpp.model.scope import Scope, meet
from mpp.model.value import value

DIGESTS_KEPT_MAX = 1024
"""Digests of tokens that are kept, and meanings. Reason: one for each package, tool and scope in use; to make one costs more than a whole decision."""


@value
class Held:
    """What one token stands for."""

    tenant: str
    publisher_id: str
    package_id: str
    content_hash: str
    scope: Scope
    narrowed: int
    """How often it has been attenuated since it was granted."""
    timeout_ms: int = 0
    """The most milliseconds of one call; 0: what the manifest says."""


_HELD: Final[dict[int, tuple[weakref.ref[CapabilityToken], Held]]] = {}
"""What each token stands for, by its identity. Its reference is looked at each time: a number that another object has by now is not enough."""


class CapabilityToken:
    """Made by ``mint`` from a decision, narrowed by ``attenuate``. It has no other way in and no way to widen."""

    __slots__ = ("__weakref__",)

    def __new__(cls) -> Self:
        raise _forged("a token is granted, never made by hand")

    def __init_subclass__(cls) -> None:
        raise _forged("a token has no kinds of its own")

    def __copy__(self) -> NoReturn:
        raise _forged("a token is not copied; attenuate it")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise _forged("a token is not copied; attenuate it")

    def __reduce__(self) -> NoReturn:
        raise _forged("a token does not leave its process; across hosts there are grant chains")

    def __del__(self, kept: dict[int, tuple[weakref.ref[CapabilityToken], Held]] = _HELD) -> None:
        # Whoever calls this by hand has a token that stands for nothing.
        kept.pop(id(self), None)

    def __repr__(self) -> str:
        held = _held(self)
        return f"CapabilityToken({held.package_id} {held.content_hash[:16]})" if held is not None else "CapabilityToken(forged)"

    @property
    def scope(self) -> Scope:
        return held_by(self).scope

    @property
    def package_id(self) -> str:
        return held_by(self).package_id

    @property
    def content_hash(self) -> str:
        return held_by(self).content_hash

    @property
    def digest(self) -> str:
        """Names the token in the record. It says what it opens and is no secret."""
        return held_digest(held_by(self))

    def attenuate(self, limit: Scope, *, timeout_ms: int = 0) -> CapabilityToken:
        """A token for what both this one and ``limit`` allow. The old one stays as it was."""
        held = held_by(self)
        shorter = min((one for one in (held.timeout_ms, timeout_ms) if one), default=0)
        return mint(
            tenant=held.tenant, publisher_id=held.publisher_id, package_id=held.package_id, content_hash=held.content_hash,
            scope=meet(held.scope, limit), narrowed=held.narrowed + 1, timeout_ms=shorter,
        )  # fmt: skip


def mint(
    *, tenant: str, publisher_id: str, package_id: str, content_hash: str, scope: Scope, narrowed: int = 0, timeout_ms: int = 0
) -> CapabilityToken:  # fmt: skip
    """The one place where tokens are made. Only a decision calls it, and ``attenuate``."""
    token = object.__new__(CapabilityToken)
    _HELD[id(token)] = (weakref.ref(token), _meaning(tenant, publisher_id, package_id, content_hash, scope, narrowed, timeout_ms))
    return token


@functools.lru_cache(maxsize=DIGESTS_KEPT_MAX)
def _meaning(tenant: str, publisher_id: str, package_id: str, content_hash: str, scope: Scope, narrowed: int, timeout_ms: int) -> Held:
    """One object for all tokens that stand for the same, so that they are compared by it alone."""
    return Held(
        tenant=tenant, publisher_id=publisher_id, package_id=package_id, content_hash=content_hash, scope=scope, narrowed=narrowed, timeout_ms=timeout_ms,
    )  # fmt: skip


def _held(token: object) -> Held | None:
    row = _HELD.get(id(token))
    return row[1] if row is not None and row[0]() is token else None


def held_by(token: object) -> Held:
    """What a token stands for; refuses what only looks like one."""
    row = _HELD.get(id(token))
    # Attack: an object that was given the place in memory of a token that is gone.
    if row is None or row[0]() is not token:
        raise _forged("this is no capability token of this process")
    return row[1]


@functools.lru_cache(maxsize=DIGESTS_KEPT_MAX)
def held_digest(held: Held) -> str:
    named: list[Json] = [held.tenant, held.publisher_id, held.package_id, held.content_hash, scope_json(held.scope), held.timeout_ms]
    return hashlib.sha256(canonical(named)).hexdigest()


def scope_json(scope: Scope) -> dict[str, Json]:
    """A scope as it stands in digests, in the record and in grant chains."""
    network: list[Json] = [
        {
            "host": ("*." if rule.wildcard else "") + rule.host,
            "schemes": [*rule.schemes],
            "ports": [*rule.ports],
            "methods": [*rule.methods],
            "paths": [*rule.paths],
        }
        for rule in scope.network
    ]
    secrets: list[Json] = [{"name": one.name, "host": one.host, "header": one.header, "format": one.format} for one in scope.secrets]
    devices: list[Json] = [{"device": one.device, "path": one.path, "mode": one.mode} for one in scope.devices]
    return {
        "network": network,
        "read": [*scope.read],
        "write": [*scope.write],
        "env": [*scope.env],
        "secrets": secrets,
        "kv_max_bytes": scope.kv_max_bytes,
        "devices": devices,
        "tools": [*scope.tools],
        "until": scope.until,
    }


def _forged(message: str) -> Refused:
    return Refused("token.forged", message, where="capability_token", hint="pass on the token that the policy or an approval gave")
