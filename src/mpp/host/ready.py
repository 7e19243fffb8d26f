"""Packages with their rights, made ready once and kept while calls use them; the least used are let go."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from types import TracebackType
from typing import NamedTuple

from mpp.host.lane import waiting
from mpp.host.sandbox import Ready, Sandbox
from mpp.model.rights import Rights
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import CapabilityToken

READY_MAX = 64
"""Packages with one set of rights each that a host keeps ready. Reason: each holds descriptors and native code; a host uses tens at a time."""


class _Key(NamedTuple):
    content_hash: str
    rights: str


class _Use:
    """One use of a ready package: a generator in its place costs three times as much in each call."""

    __slots__ = ("_all", "_key", "_what")

    def __init__(self, of: ReadyPackages, key: _Key, package: VerifiedPackage, token: CapabilityToken, rights: Rights) -> None:
        self._all, self._key, self._what = of, key, (package, token, rights)

    def __enter__(self) -> Ready:
        return self._all.take(self._key, *self._what)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._all.give(self._key)


class ReadyPackages:
    """Safe to use from several threads. What is in use is never released, however many there are."""

    def __init__(self, sandbox: Sandbox, *, most: int = READY_MAX) -> None:
        self._sandbox, self._most = sandbox, most
        self._lock = threading.Lock()
        self._ready: OrderedDict[_Key, Ready] = OrderedDict()
        self._in_use: Counter[_Key] = Counter()

    def use(self, package: VerifiedPackage, token: CapabilityToken, rights: Rights) -> _Use:
        """The package, ready for calls with these rights, until the ``with`` block ends."""
        return _Use(self, _Key(package.content_hash, rights.digest), package, token, rights)

    def take(self, key: _Key, package: VerifiedPackage, token: CapabilityToken, rights: Rights) -> Ready:
        """For ``use`` alone: what is taken is given back."""
        with self._lock:
            found = self._ready.get(key)
            if found is None:
                # Compiling takes seconds only where nobody compiled at install; calls of other packages wait for it then.
                with waiting():
                    found = self._ready[key] = self._sandbox.prepare(package, token, rights)
            self._ready.move_to_end(key)
            self._in_use[key] += 1
        return found

    def give(self, key: _Key) -> None:
        with self._lock:
            self._in_use[key] -= 1
            if len(self._ready) > self._most:
                self._release_surplus()

    def forget(self, content_hashes: frozenset[str]) -> None:
        """Let go of all packages but these, as soon as nobody uses them."""
        with self._lock:
            for key in [one for one in self._ready if one.content_hash not in content_hashes and not self._in_use[one]]:
                self._drop(key)

    @property
    def kept(self) -> tuple[Ready, ...]:
        """What is ready now, the least used first."""
        with self._lock:
            return tuple(self._ready.values())

    @property
    def used(self) -> int:
        """How many of them are in use."""
        with self._lock:
            return sum(1 for count in self._in_use.values() if count)

    def close(self) -> None:
        with self._lock:
            for key in list(self._ready):
                self._drop(key)

    def _release_surplus(self) -> None:
        surplus = len(self._ready) - self._most
        for key in [one for one in self._ready if not self._in_use[one]][:surplus]:
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        self._sandbox.release(self._ready.pop(key))
        del self._in_use[key]
