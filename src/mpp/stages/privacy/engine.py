"""Which engine scans: Hyperscan where it is installed, else RE2. Both are automata, whose time is linear in the text. Spec: M-84; docs/adr/0024.

Expressions of packages and organisations (those that begin with ONCE) are kept in a database of their own: that of the product is
the same for all packages, is compiled once on a machine, and no foreign expression can make it larger or slower.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from importlib import import_module

from mpp.errors import HostFailed
from mpp.stages.privacy.engine_hyperscan import HyperscanScanner, build_of
from mpp.stages.privacy.engine_re2 import Re2Scanner
from mpp.stages.privacy.ports import ONCE, Kept, Scanner, too_many

__all__ = ["Kept", "Scanner", "choose"]


def choose(expressions: tuple[str, ...], cache: Kept | None) -> Scanner:
    """A scanner for ``expressions``, from the cache if it holds one. Raises HostFailed ``privacy.engine`` where no engine is installed."""
    own = tuple(number for number, text in enumerate(expressions) if not text.startswith(ONCE))
    foreign = tuple(number for number, text in enumerate(expressions) if text.startswith(ONCE))
    if not foreign or not own:
        return _engine(expressions, cache)
    first, second = (_engine(tuple(expressions[number] for number in numbers), cache) for numbers in (own, foreign))
    return _Both(first, own, second, foreign)


def _engine(expressions: tuple[str, ...], cache: Kept | None) -> Scanner:
    try:
        return _hyperscan(expressions, cache)
    except ImportError:
        pass
    except HostFailed as fault:
        # It is installed and cannot do it, on a processor that it does not know or with expressions too large for it; RE2 can.
        if fault.code != "privacy.engine":
            raise
    try:
        return Re2Scanner(expressions)
    except ImportError:
        # Fail closed: without an engine nothing is filtered, so nothing may pass.
        message = "neither Hyperscan nor RE2 is installed, so answers cannot be filtered"
        raise HostFailed("privacy.engine", message, hint="pip install hyperscan, or google-re2 where that is not available") from None


_MADE_MAX = 4
_MADE: OrderedDict[tuple[str, ...], HyperscanScanner] = OrderedDict()
"""Scanners of this process: one database serves any number of homes and threads, and to compile it takes a second."""


def _hyperscan(expressions: tuple[str, ...], cache: Kept | None) -> Scanner:
    """The same scanner for the same expressions. The engine is asked for each time, because it may be gone."""
    import_module("hyperscan")
    known = _MADE.get(expressions)
    if known is None:
        known = _compiled(expressions, cache)
        _MADE[expressions] = known
        while len(_MADE) > _MADE_MAX:
            _MADE.popitem(last=False)
    return known


def _compiled(expressions: tuple[str, ...], cache: Kept | None) -> HyperscanScanner:
    if cache is None:
        return HyperscanScanner(expressions, None)
    scanner = HyperscanScanner(expressions, lambda digest: cache.load(_name(digest)))
    if scanner.is_fresh:
        cache.store(_name(scanner.digest), scanner.dump())
    return scanner


def _name(digest: str) -> str:
    """A database is good for one build of the engine and one set of processor features."""
    return hashlib.sha256(f"{digest}\n{build_of()}".encode()).hexdigest() + ".database"


class _Both:
    """Two scanners as one."""

    def __init__(self, first: Scanner, of_first: tuple[int, ...], second: Scanner, of_second: tuple[int, ...]) -> None:
        self._first, self._of_first, self._second, self._of_second = first, of_first, second, of_second
        self.name = first.name
        self.digest = hashlib.sha256(f"{first.digest}{of_first}\n{second.digest}{of_second}".encode()).hexdigest()

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        found = [(at, self._of_first[number]) for at, number in self._first.scan(data, most)]
        more = self._second.scan(data, most)
        if not more:
            return found
        found.extend((at, self._of_second[number]) for at, number in more)
        if len(found) > most:
            raise too_many(most)
        return sorted(found)
