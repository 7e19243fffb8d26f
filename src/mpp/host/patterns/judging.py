"""Custom patterns are let in here: each is compiled and tried out in a jailed process before this one compiles it.

Spec: M-82 to M-84. A verdict is kept, so a package that was opened before costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache as cached

from mpp.errors import HostFailed, Refused
from mpp.host.drive import drive
from mpp.host.patterns import limits, trying
from mpp.host.patterns.process import GONE, LATE, Judge
from mpp.model.installed import installed_version
from mpp.model.manifest import CustomPattern
from mpp.ports import Steps, Wait
from mpp.stages.privacy import Accepted, Prepared, accepted, hostile_to, prepare, refusal
from mpp.stages.privacy.ports import Kept

CHECKS = 1
"""Counts the changes of what is checked; a verdict of older checks does not count."""

_WORDS: dict[str, tuple[str, str]] = {
    trying.SIZE: ("the pattern is too large for the engine", "make it smaller; numbers of repeats inside each other multiply"),
    trying.EMPTY: ("the pattern matches the empty text, so it matches everywhere", "let it begin or end with something that must be there"),
    trying.PLACEHOLDER: ("the pattern matches what the filter writes for what it found", "exclude letters in capitals in square brackets"),
    trying.GENERAL: ("the pattern matches more than 3 % of ordinary text", "name letters or digits that stand around what is private"),
    trying.SLOW: ("the pattern is too slow on texts made to slow it down", "use fewer open repeats, and no wide class before a long count"),
    LATE: ("the pattern takes too long to judge", "use fewer and shorter repeats"),
    GONE: ("the pattern needs too much memory to compile", "use fewer and shorter repeats"),
}

Verdict = Accepted | Refused


def judge_now(patterns: Sequence[CustomPattern], cache: Kept | None, place: str = "custom_patterns") -> tuple[Verdict, ...]:
    """The same as ``judge`` for a caller that may wait."""
    return drive(judge(patterns, cache, place))


def judge(patterns: Sequence[CustomPattern], cache: Kept | None, place: str = "custom_patterns") -> Steps[tuple[Verdict, ...]]:
    """A verdict for each pattern, in order. ``place`` names the list.

    Raises HostFailed where the jail or the engine is missing: nothing is let in unjudged.
    """
    court = _Court(cache)
    try:
        verdicts: list[Verdict] = []
        for number, pattern in enumerate(patterns):
            prepared = prepare(pattern, f"{place}/{number}/regex")
            verdicts.append(prepared if isinstance(prepared, Refused) else (yield from court.judge(prepared)))
            yield from court.rest()
        return tuple(verdicts)
    finally:
        court.end()


def admit(patterns: Sequence[CustomPattern], cache: Kept | None, place: str = "custom_patterns") -> tuple[Accepted, ...]:
    """All of them, ready for ``custom_detectors``. Raises Refused ``privacy.pattern`` if one is not let in."""
    return accepted_of(judge_now(patterns, cache, place))


def accepted_of(verdicts: Iterable[Verdict]) -> tuple[Accepted, ...]:
    """All patterns, or the refusal of those that are not let in."""
    found = tuple(verdicts)
    faults = tuple(fault for one in found if isinstance(one, Refused) for fault in one.faults)
    if faults:
        raise Refused.of(faults)
    return tuple(one for one in found if isinstance(one, Accepted))


class _Court:
    """One hearing of several patterns."""

    def __init__(self, cache: Kept | None) -> None:
        self._cache = cache
        self._judge: Judge | None = None
        self._left, self._until = limits.JUDGE_ALL_SECONDS, time.monotonic() + limits.JUDGE_WAIT_SECONDS
        self._is_jailed = sys.platform.startswith("linux")
        self._rested = time.monotonic()
        self._pause: tuple[int, ...] = ()
        """A pipe in which nothing is ever written: to wait for it until now lets others go on."""

    def judge(self, prepared: Prepared) -> Steps[Verdict]:
        name = _name(prepared.digest) if self._cache is not None else ""
        kept = self._cache.load(name) if self._cache is not None else None
        if kept in {b"probe", b"search"}:
            return accepted(prepared, has_probe=kept == b"probe", is_jailed=self._is_jailed)
        found = (yield from self._in_jail(prepared)) if self._is_jailed else _here(prepared)
        if found.why:
            message, hint = _WORDS[found.why]
            return refusal(prepared.where, message, hint)
        # Only what is good is kept: a refusal may come from a machine that was too busy.
        if self._cache is not None:
            self._cache.store(name, b"probe" if found.has_probe else b"search")
        return accepted(prepared, has_probe=found.has_probe, is_jailed=self._is_jailed)

    def _in_jail(self, prepared: Prepared) -> Steps[trying.Found]:
        # Attack: a list in which each pattern takes all the time it may.
        if self._left <= 0 or time.monotonic() >= self._until:
            return trying.Found(LATE)
        if self._judge is None:
            self._judge = Judge()
            yield from self._judge.ready()
        before = self._judge.spent()
        found = yield from self._judge.ask(_order(prepared)._asdict(), min(limits.JUDGE_SECONDS, self._left), self._until)
        self._left -= self._judge.spent() - before
        if isinstance(found, str) or not _is_answer(found):
            # Another process for the next pattern: this one is busy, dead or lies.
            self.close()
            return trying.Found(found if isinstance(found, str) else GONE)
        return trying.Found(str(found["why"]), found["probe"] is True)

    def rest(self) -> Steps[None]:
        """Attack: a list of kept or unsound patterns, none of which has to wait, so that an event loop stands still for all of them."""
        if time.monotonic() - self._rested < limits.TURN_SECONDS:
            return
        self._pause = self._pause or os.pipe()
        yield Wait(self._pause[0], time.monotonic())
        self._rested = time.monotonic()

    def close(self) -> None:
        if self._judge is not None:
            self._judge.close()
            self._judge = None

    def end(self) -> None:
        self.close()
        for fd in self._pause:
            os.close(fd)
        self._pause = ()


def _is_answer(found: Mapping[str, object]) -> bool:
    return found.get("why") == "" or found.get("why") in _WORDS


def _order(prepared: Prepared) -> trying.Order:
    hostile = hostile_to(prepared)
    return trying.Order(
        exact=prepared.exact,
        wide=prepared.wide,
        probe=prepared.probe,
        pieces=list(hostile.pieces),
        alphabet=list(hostile.alphabet),
        placeholders=list(prepared.placeholders),
    )


def _here(prepared: Prepared) -> trying.Found:
    """Where the system has no jail: the same checks in this process. RE2 bounds its memory by itself, and the verdict says that no barrier stood."""
    try:
        import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - only where it is used
    except ImportError:
        raise HostFailed("privacy.engine", "RE2 is not installed, and custom patterns need it", hint="pip install google-re2") from None
    try:
        return trying.judge(_order(prepared), trying.measure())
    except re2.error:
        return trying.Found(trying.SIZE)


def _name(digest: str) -> str:
    """A verdict is good for these checks and these builds of the engines."""
    builds = "\n".join(map(_version, ("google-re2", "hyperscan")))
    return hashlib.sha256(f"{digest}\n{CHECKS}\n{builds}".encode()).hexdigest() + ".verdict"


@cached
def _version(package: str) -> str:
    return installed_version(package) or "absent"
