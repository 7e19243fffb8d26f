"""What a package declares against the patterns of a rule: as a condition, and as a limit that narrows it.

Spec: spec/3-policy.md sections 3 and 4. Each declared item is looked up by table, so the cost does not grow with the patterns.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.fields import Faults
from mpp.model.hostpattern import HostPattern, HostSet, domains_of, read_host_pattern, rule_keys
from mpp.model.hosts import WEB_PORTS
from mpp.model.hosts import covers as host_covers
from mpp.model.scope import Scope
from mpp.stages.policy.document import Reach, Texts
from mpp.stages.policy.patterns import Names, Paths, path_keys

STORED_STATE = "stored state"

Parts = Callable[[Scope], Iterator[str]]
"""Gives the declared items that decide a condition, in words; none when it does not hold."""


def host_patterns(written: Iterable[str]) -> tuple[HostPattern, ...]:
    """Of a document that was judged: what is not sound is not in it."""
    found = (read_host_pattern(one, "", Faults("policy")) for one in written)
    return tuple(one for one in found if one is not None)


class Asking:
    """The capability conditions of one rule."""

    def __init__(self, reach: Reach, kv: bool | None) -> None:
        self._hosts = HostSet(host_patterns(reach.hosts)) if reach.hosts is not None else None
        self._read = Paths((*(reach.read or ()), *(reach.write or ()))) if reach.read is not None else None
        self._read_only = Paths(reach.read) if reach.read is not None else None
        self._write = Paths(reach.write) if reach.write is not None else None
        self._env, self._secrets, self._devices = _names(reach.env), _names(reach.secrets), _names(reach.devices)
        self._kv = kv

    def touched(self, scope: Scope) -> Iterator[str]:
        """What of the declared reaches into a pattern: for rules that ask or deny."""
        if self._hosts is not None:
            yield from (shown_host(rule) for rule in scope.network if self._hosts.touches(rule))
        if self._read_only is not None:
            # What may be changed may be read (P-38).
            yield from (path for path in (*scope.read, *scope.write) if self._read_only.touches(path))
        if self._write is not None:
            yield from (path for path in scope.write if self._write.touches(path))
        yield from (text for names, text in self._named(scope) if names.fits(text))
        if self._kv and scope.kv_max_bytes:
            yield STORED_STATE

    def outside(self, scope: Scope) -> Iterator[str]:
        """What of the declared lies outside of the patterns: for rules that allow."""
        if self._hosts is not None:
            yield from (shown_host(rule) for rule in scope.network if not self._hosts.holds(rule))
        if self._read is not None:
            yield from (path for path in (*scope.read, *scope.write) if not self._read.holds(path))
        if self._write is not None:
            yield from (path for path in scope.write if not self._write.holds(path))
        yield from (text for names, text in self._named(scope) if not names.fits(text))
        if self._kv is False and scope.kv_max_bytes:
            yield STORED_STATE

    def _named(self, scope: Scope) -> Iterator[tuple[Names, str]]:
        if self._env is not None:
            yield from ((self._env, name) for name in scope.env)
        if self._secrets is not None:
            yield from ((self._secrets, secret.name) for secret in scope.secrets)
        if self._devices is not None:
            yield from ((self._devices, device.path) for device in scope.devices)


def shown_host(rule: NetworkRule) -> str:
    return ("*." if rule.wildcard else "") + rule.host


def _names(patterns: Texts) -> Names | None:
    return Names(patterns) if patterns is not None else None


class Narrowing:
    """The capability limits of one rule: what is left of a declared scope."""

    def __init__(self, reach: Reach, kv_max_bytes: int | None) -> None:
        self._hosts = _HostLimit(host_patterns(reach.hosts)) if reach.hosts is not None else None
        self._read = _PathLimit((*reach.read, *(reach.write or ()))) if reach.read is not None else None
        self._write = _PathLimit(reach.write) if reach.write is not None else None
        self._env, self._secrets, self._devices = _names(reach.env), _names(reach.secrets), _names(reach.devices)
        self._kv_max_bytes = kv_max_bytes

    def narrow(self, scope: Scope) -> Scope:
        network = scope.network if self._hosts is None else self._hosts.narrow(scope.network)
        read, write = scope.read, scope.write
        if self._read is not None:
            # What may be changed may be read, so a limit on reading holds for both (P-56).
            read, write = self._read.narrow(read), self._read.narrow(write)
        if self._write is not None:
            write = self._write.narrow(write)
        return Scope(
            network=network,
            read=read,
            write=write,
            env=tuple(name for name in scope.env if self._env is None or self._env.fits(name)),
            secrets=tuple(one for one in scope.secrets if (self._secrets is None or self._secrets.fits(one.name)) and _is_reached(one, network)),
            kv_max_bytes=scope.kv_max_bytes if self._kv_max_bytes is None else min(scope.kv_max_bytes, self._kv_max_bytes),
            devices=tuple(one for one in scope.devices if self._devices is None or self._devices.fits(one.path)),
            tools=scope.tools,
            until=scope.until,
        )


def _is_reached(secret: Secret, network: tuple[NetworkRule, ...]) -> bool:
    """A secret for a host that is no longer reached is not left over."""
    host, _, port = secret.host.partition(":")
    number = int(port) if port else WEB_PORTS["https"]
    return any("https" in rule.schemes and number in rule.ports and host_covers(rule.host, host, wildcard=rule.wildcard) for rule in network)


class _HostLimit:
    """Patterns of hosts, found by table as in a HostSet."""

    def __init__(self, patterns: tuple[HostPattern, ...]) -> None:
        self._is_any = any(not one.host for one in patterns)
        self._by_key: dict[str, list[HostPattern]] = {}
        for pattern in patterns:
            for key in pattern.index_keys():
                self._by_key.setdefault(key, []).append(pattern)

    def narrow(self, network: tuple[NetworkRule, ...]) -> tuple[NetworkRule, ...]:
        if self._is_any:
            return network
        return tuple(dict.fromkeys(left for rule in network for left in self._left_of(rule)))

    def _left_of(self, rule: NetworkRule) -> Iterator[NetworkRule]:
        """Of each host the patterns and the rule share, the ports they share."""
        ports: dict[tuple[str, bool], set[int]] = {}
        for key in rule_keys(rule):
            for pattern in self._by_key.get(key, ()):
                narrower = (pattern.host, pattern.wildcard) if _is_inside(pattern, rule) else (rule.host, rule.wildcard)
                ports.setdefault(narrower, set()).add(pattern.port or WEB_PORTS["https"])
        for (host, wildcard), some in ports.items():
            kept = tuple(port for port in rule.ports if port in some)
            if kept:
                yield NetworkRule(host=host, wildcard=wildcard, schemes=rule.schemes, ports=kept, methods=rule.methods, paths=rule.paths)


def _is_inside(pattern: HostPattern, rule: NetworkRule) -> bool:
    """Whether the rule reaches all hosts of the pattern, and more."""
    return rule.wildcard and rule.host in domains_of(pattern.host)


class _PathLimit:
    """Folders of which none lies in another, in the order in which a folder stands directly before what is below it."""

    def __init__(self, folders: Iterable[str]) -> None:
        self._paths = Paths(folders)
        known = self._paths.exact
        self._sorted = sorted(one for one in known if known.isdisjoint(key for key in path_keys(one) if key != one))

    def narrow(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Of a path and a folder, one of which lies in the other, the lower one."""
        return tuple(dict.fromkeys(left for path in paths for left in self._left_of(path)))

    def _left_of(self, path: str) -> Iterator[str]:
        if self._paths.holds(path):
            yield path
            return
        start = path.rstrip("/") + "/"
        at = bisect_left(self._sorted, start)
        while at < len(self._sorted) and self._sorted[at].startswith(start):
            yield self._sorted[at]
            at += 1
