"""The privacy filter of this host: its rules with all patterns, the names it gives to values, and one call's way through it.

Spec: 6-privacy.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from mpp.errors import HostFailed, Refused
from mpp.host.plugins import blamed, plugin_detectors
from mpp.model.manifest import CustomPattern, PrivacyFilters
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.privacy import Accepted, custom_detectors, built_in, expand, Filter, Pseudonyms, Rules, Scanner, UNFILTERED

KEY_BYTES = 32
"""Bytes of the key behind placeholders and digests. Reason: that of the hash."""

NAMES_MAX = 1_000
"""Tenants with an agent of whom placeholders are remembered. Reason: an agent with ever new names would fill the memory."""

RULES_MAX = 64
"""Sets of patterns that are kept ready. Reason: each is some megabytes; a host runs a few tens of packages at a time."""


Admit = Callable[[tuple[CustomPattern, ...]], tuple[Accepted, ...]]
"""Judges patterns of publishers and organisations, or raises Refused ``privacy.pattern``."""


NO_ENGINE = "privacy.engine"


class _Blind:
    """No engine, where policy lets a host run tools without one."""

    name = UNFILTERED
    digest = ""

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:  # noqa: ARG002 - the form of a scanner
        return []


@value
class Whose:
    """For whom a placeholder stands for the same value."""

    tenant: str
    agent: str


@value
class _Bound:
    """A filter, and what it was bound with: that holds for another call only where it is the very same."""

    said: CallPrivacy
    filters: PrivacyFilters
    period: int
    filter: Filter


class Filters:
    """One for each host process. Safe to use from several threads."""

    def __init__(self, *, random: Random, clock: Clock, seconds: Callable[[], float], build: Callable[[tuple[str, ...]], Scanner], admit: Admit) -> None:
        """``build`` makes a scanner of expressions, or raises HostFailed ``privacy.engine`` where this machine has none."""
        self._clock, self._seconds, self._build, self._admit = clock, seconds, build, admit
        self._key = random.bytes(KEY_BYTES)
        self._told: tuple[PrivacyRules, str] | None = None
        self._lock = threading.Lock()
        self._rules: OrderedDict[tuple[CustomPattern, ...], Rules] = OrderedDict()
        self._names: OrderedDict[Whose, tuple[int, Pseudonyms]] = OrderedDict()
        self._bound: dict[Whose, _Bound] = {}
        """Of each, the filter that was bound last: most calls of an agent are under the same rules. Never more than there are names."""

    def rules(self, patterns: tuple[CustomPattern, ...] = (), *, require: bool = True) -> Rules:
        """The built-in detectors, those of plug-ins and these patterns, compiled once.

        ``require``: raise HostFailed ``privacy.engine`` where this machine has no engine. Without it there are rules that find nothing and say so.
        """
        with self._lock:
            found = self._rules.get(patterns)
        if found is None:
            # Patterns are judged in a process that may take seconds, so no other call waits for it. Two at once cost time and nothing else.
            try:
                found = self._compiled(patterns)
            except HostFailed as fault:
                if require or fault.code != NO_ENGINE:
                    raise
                return Rules((), lambda _: _Blind())
        with self._lock:
            self._rules[patterns] = found
            self._rules.move_to_end(patterns)
            while len(self._rules) > RULES_MAX:
                self._rules.popitem(last=False)
                # Attack: ever new patterns, each of whose databases some filter keeps alive.
                self._bound.clear()
        return found

    def _compiled(self, patterns: tuple[CustomPattern, ...]) -> Rules:
        """Spec: 6-privacy F-25: a plug-in that is not there stops the host."""
        plugged, custom = plugin_detectors(), custom_detectors(self._admit(patterns))
        try:
            return Rules((*built_in(), *plugged, *custom), self._build)
        except HostFailed as fault:
            if plugged:
                # This raises where the machine has no engine at all; then no plug-in is to blame.
                Rules(built_in(), self._build)
                raise blamed(fault) from None
            raise

    def names(self, whose: Whose, minutes: int) -> Pseudonyms:
        """The placeholders of one tenant and agent. After their time they begin anew, and what stood behind the old ones is forgotten."""
        period = self._period(minutes)
        with self._lock:
            known = self._names.get(whose)
            if known is None or known[0] != period:
                key = Pseudonyms.key_for(self._key, whose.tenant, whose.agent, period)
                known = self._names[whose] = (period, Pseudonyms(key))
                self._bound.pop(whose, None)
                while len(self._names) > NAMES_MAX:
                    self._bound.pop(self._names.popitem(last=False)[0], None)
            self._names.move_to_end(whose)
            return known[1]

    def bind(self, said: CallPrivacy, filters: PrivacyFilters, whose: Whose) -> Filter:
        """The way of everything that one call says. Raises HostFailed where this machine cannot filter, and Refused where the package asks for more than it can: then nothing may run."""
        period = self._clock.now() // (said.rules.pseudonym_minutes * 60)
        known = self._bound.get(whose)
        if known is not None and known.said is said and known.filters is filters and known.period == period:
            return known.filter
        # Spec: 6-privacy F-5. A rule that demands patterns in this call cannot be met by a machine that finds none.
        rules = self.rules(patterns_of(said.rules, filters), require=said.rules.require or bool(said.demanded))
        if rules.scanner.name != UNFILTERED:
            _check_known(filters.patterns, rules)
        names = self.names(whose, said.rules.pseudonym_minutes)
        made = Filter(rules, said, names, self._seconds, enabled=filters.enabled, policy=self._digest(said.rules))
        with self._lock:
            if self._names.get(whose) == (period, names):
                # Not where it was forgotten meanwhile, or began anew.
                self._bound[whose] = _Bound(said=said, filters=filters, period=period, filter=made)
        return made

    def _period(self, minutes: int) -> int:
        return self._clock.now() // (minutes * 60)

    def _digest(self, rules: PrivacyRules) -> str:
        """Of the policy's rules, which stay the same from call to call."""
        known = self._told
        if known is None or known[0] is not rules:
            known = self._told = (rules, rules.digest)
        return known[1]


def _check_known(names: tuple[str, ...], rules: Rules) -> None:
    """Spec: manifest M-81. Attack: a filter that is asked for and silently absent, such as that of a plug-in which this host does not have."""
    unknown = sorted(expand(names) - rules.types)
    if unknown:
        message = f"the package asks for the pattern {unknown[0]!r}, which this host does not know"
        raise Refused(
            "privacy.pattern",
            message,
            where="/privacy_filters/patterns",
            hint="`mpp privacy patterns` lists those that it knows; install the plug-in that has it",
        )


def patterns_of(rules: PrivacyRules, filters: PrivacyFilters) -> tuple[CustomPattern, ...]:
    """The organisation's patterns and the publisher's. Attack: a publisher's pattern under the name of the organisation's; the latter stays, and both search."""
    ours = {one.id for one in rules.patterns}
    return (*rules.patterns, *(one for one in filters.custom_patterns if one.id not in ours or one not in rules.patterns))
