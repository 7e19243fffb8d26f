"""Scopes: what a grant opens at most, as an order. Of two scopes there is always one that both cover: their meet.

Rights are a scope placed on one machine; a capability token, a grant chain and the limits of a policy narrow scopes and never widen
them. Spec: spec/3-policy.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.manifest import Manifest
from mpp.model.value import value

T = TypeVar("T")

WORKSPACE = "${workspace}"


@value
class Scope:
    """Everything in it is allowed, nothing else. Two scopes that allow the same may be written differently."""

    network: tuple[NetworkRule, ...] = ()
    read: tuple[str, ...] = ()
    """Paths as a manifest declares them, each with all below it."""
    write: tuple[str, ...] = ()
    """Paths that may be changed, and therefore read."""
    env: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    kv_max_bytes: int = 0
    devices: tuple[Hardware, ...] = ()
    tools: tuple[str, ...] = ()
    until: int | None = None
    """The last second, since 1970, at which it holds; None: it does not end by itself."""

    @property
    def opens_nothing(self) -> bool:
        """Whether a tool with this scope computes and nothing more."""
        return not (self.network or self.read or self.write or self.env or self.secrets or self.kv_max_bytes or self.devices)


NOTHING = Scope()


def scope_of(manifest: Manifest) -> Scope:
    """All that a package declares."""
    declared = manifest.capabilities
    return Scope(
        network=declared.network,
        read=declared.read,
        write=declared.write,
        env=declared.env_vars,
        secrets=declared.secrets,
        kv_max_bytes=declared.kv_max_bytes,
        devices=declared.hardware,
        tools=tuple(tool.name for tool in manifest.tool_definitions),
    )


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether ``wide`` allows all that ``narrow`` allows. It may say no where only several of its rules together would do."""
    return (
        all(rule_covered(rule, wide.network) for rule in narrow.network)
        and all(path_covered(path, (*wide.read, *wide.write)) for path in narrow.read)
        and all(path_covered(path, wide.write) for path in narrow.write)
        and set(narrow.env) <= set(wide.env)
        and set(narrow.secrets) <= set(wide.secrets)
        and narrow.kv_max_bytes <= wide.kv_max_bytes
        and all(any(device_covered(one, had) for had in wide.devices) for one in narrow.devices)
        and set(narrow.tools) <= set(wide.tools)
        and _ends_within(narrow.until, wide.until)
    )


def meet(one: Scope, other: Scope) -> Scope:
    """What both allow; where that cannot be written as one of our rules, less."""
    written = meet_paths(one.write, other.write)
    read = (*meet_paths((*one.read, *one.write), (*other.read, *other.write)),)
    return Scope(
        network=meet_network(one.network, other.network),
        # What may be changed may be read: it is not listed twice.
        read=tuple(path for path in read if not path_covered(path, written)),
        write=written,
        env=_both(one.env, other.env),
        secrets=_both(one.secrets, other.secrets),
        kv_max_bytes=min(one.kv_max_bytes, other.kv_max_bytes),
        devices=_maximal((_meet_device(a, b) for a in one.devices for b in other.devices), device_covered),
        tools=_both(one.tools, other.tools),
        until=min(ends) if (ends := [end for end in (one.until, other.until) if end is not None]) else None,
    )


def meet_network(one: tuple[NetworkRule, ...], other: tuple[NetworkRule, ...]) -> tuple[NetworkRule, ...]:
    return _maximal((_meet_rule(a, b) for a in one for b in other), lambda rule, had: rule_covered(rule, (had,)))


def meet_paths(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Of two paths, one of which lies below the other, the lower one."""
    return _maximal((_meet_path(a, b) for a in one for b in other), lambda path, had: path_covered(path, (had,)))


def rule_covered(rule: NetworkRule, wide: tuple[NetworkRule, ...]) -> bool:
    """Each single kind of request that ``rule`` allows is allowed by one of ``wide``."""
    asked = [
        (scheme, port, method, path) for scheme in rule.schemes for port in rule.ports for method in rule.methods or ("",) for path in rule.paths or ("/",)
    ]
    reaching = [had for had in wide if host_covered(rule, had)]
    return all(any(_request_covered(request, had) for had in reaching) for request in asked)


def host_covered(rule: NetworkRule, had: NetworkRule) -> bool:
    """Whether ``had`` reaches every host that ``rule`` reaches. A wildcard reaches sub-domains, never the domain itself."""
    if had.wildcard:
        return rule.host.endswith("." + had.host) or (rule.wildcard and rule.host == had.host)
    return rule.host == had.host and not rule.wildcard


def path_covered(path: str, wide: Iterable[str]) -> bool:
    """Attack: /database is not below /data."""
    return any(path == had or path.startswith(had.rstrip("/") + "/") for had in wide)


def device_covered(one: Hardware, had: Hardware) -> bool:
    return (one.device, one.path) == (had.device, had.path) and set(one.mode) <= set(had.mode)


def _request_covered(request: tuple[str, int, str, str], had: NetworkRule) -> bool:
    scheme, port, method, path = request
    is_known = scheme in had.schemes and port in had.ports and (not had.methods or method in had.methods)
    return is_known and (not had.paths or path_covered(path, had.paths))


def _meet_rule(one: NetworkRule, other: NetworkRule) -> NetworkRule | None:
    narrower = one if host_covered(one, other) else other if host_covered(other, one) else None
    schemes, ports = _both(one.schemes, other.schemes), _both(one.ports, other.ports)
    methods = _both(one.methods, other.methods) if one.methods and other.methods else one.methods or other.methods
    paths = meet_paths(one.paths, other.paths) if one.paths and other.paths else one.paths or other.paths
    # Attack: an empty list of methods or paths means any, so a meet that is empty must not become one.
    nothing_left = (one.methods and other.methods and not methods) or (one.paths and other.paths and not paths)
    if narrower is None or not schemes or not ports or nothing_left:
        return None
    return NetworkRule(host=narrower.host, wildcard=narrower.wildcard, schemes=schemes, ports=ports, methods=methods, paths=paths)


def _meet_path(one: str, other: str) -> str | None:
    return one if path_covered(one, (other,)) else other if path_covered(other, (one,)) else None


def _meet_device(one: Hardware, other: Hardware) -> Hardware | None:
    mode = "".join(letter for letter in one.mode if letter in other.mode)
    if (one.device, one.path) != (other.device, other.path) or not mode:
        return None
    return Hardware(device=one.device, path=one.path, mode=mode)


def _both(one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(item for item in one if item in other)


def _maximal(found: Iterable[T | None], covered: Callable[[T, T], bool]) -> tuple[T, ...]:
    """Each thing once, and none that another covers, so that meets of meets do not grow."""
    kept: list[T] = []
    for item in found:
        if item is not None and not any(covered(item, had) for had in kept):
            kept = [had for had in kept if not covered(had, item)]
            kept.append(item)
    return tuple(kept)


def _ends_within(end: int | None, limit: int | None) -> bool:
    return limit is None or (end is not None and end <= limit)
