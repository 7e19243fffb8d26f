"""A call with what a rule wants put into it, so that a claim about another outcome is tried before it is made. Spec: 3-policy P-73.

Only what stands by itself is put in. Another package, version or tool would bring rights, arguments and a risk of its own, and so is not tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from mpp.model.agents import LEVELS
from mpp.model.jsontext import Json
from mpp.stages.policy.arguments import argument_judge, guest_path, steps_of
from mpp.stages.policy.compiled import AT_LEAST, THRESHOLDS, CompiledRule
from mpp.stages.policy.document import ArgumentTest, Reach, Rule, Scalar
from mpp.stages.policy.patterns import YES, Names
from mpp.stages.policy.reading_tests import TEXT_OPS
from mpp.stages.policy.types import RISK_MOST, Asked

TRIED_MAX = 128
"""Calls that are tried for one claim. Reason: each is judged by all policies; what needs more is not claimed."""

SAMPLES_MAX = 8
"""Values that are tried of one condition with a list or a window. Reason: people write a few; of longer lists no outcome is claimed."""

RISK_SPAN = 12
"""Points by which the risk can differ when consent or the bond to a publisher does. Reason: the scale of 3-policy gives 4 and 8 points for these."""

QUARTER = 900
_QUARTERS_OF_A_WEEK = 7 * 24 * 4
_FAR = 10**12
"""A number beyond all that a rule with another bound is likely to name."""

_SOMEBODY = "x"


def met(asked: Asked, rule: CompiledRule) -> list[Asked]:
    """Calls that differ from ``asked`` by what the rule wants, and meet it without doubt. None at all: it cannot be tried."""
    calls = [asked]
    for step in _STEPS:
        calls = [other for one in calls for other in islice(step(rule, one), TRIED_MAX)]
        if len(calls) > TRIED_MAX:
            return []
    return calls if all(rule.says(one) == YES for one in calls) else []


def is_possible(rule: Rule) -> bool:
    """Whether any call could match it: a condition with an empty list fits none."""
    lists = (rule.packages, rule.publishers, rule.versions, rule.tools, rule.agents, rule.users, rule.origins, rule.security_levels)
    if () in lists or (rule.when is not None and rule.when.days == ()) or any(test.value == () for test in rule.arguments):
        return False
    if rule.effect == "allow" or (rule.capabilities is None and rule.kv is None):
        return True
    reach = rule.capabilities or Reach()
    return any((reach.hosts, reach.read, reach.write, reach.env, reach.secrets, reach.devices, rule.kv))


def _agents(rule: CompiledRule, asked: Asked) -> Iterable[Asked]:
    written, agent = rule.rule, asked.agent
    is_named = written.agents is None or Names(written.agents).fits(agent.name)
    least = LEVELS.index(written.agent_at_least) if written.agent_at_least else 0
    below = LEVELS.index(written.agent_below) if written.agent_below else len(LEVELS)
    levels = LEVELS[least:below]
    # Whoever has neither name nor level yet could get any of both.
    if agent.level in levels and (is_named or agent.level != LEVELS[0]):
        levels = (agent.level,)
    for name in (agent.name,) if is_named else _samples(written.agents):
        for level in levels:
            yield replace(asked, agent=agent if is_named and level == agent.level else replace(agent, name=_named(name, level, written), level=level))


def _named(name: str, level: str, written: Rule) -> str:
    """An agent that nobody knows has no name, and one that somebody knows has one."""
    return name or _SOMEBODY if level != LEVELS[0] else "" if written.agents is None else name


def _users(rule: CompiledRule, asked: Asked) -> Iterable[Asked]:
    users = rule.rule.users
    fits = users is None or Names(users).fits(asked.user)
    return [asked] if fits else [replace(asked, user=name) for name in _samples(users)]


def _samples(patterns: tuple[str, ...] | None) -> list[str]:
    """A name for each pattern; none at all where there are too many to try."""
    written = patterns or ()
    return [one.replace("*", _SOMEBODY) for one in written] if len(written) <= SAMPLES_MAX else []


def _origins(rule: CompiledRule, asked: Asked) -> Iterable[Asked]:
    origins = rule.rule.origins
    return [asked] if origins is None or asked.origin in origins else [replace(asked, origin=one) for one in origins]


def _time(rule: CompiledRule, asked: Asked) -> Iterable[Asked]:
    judges = [one.judge for one in rule.conditions if one.subject == "the time"]
    if all(judge(asked) == YES for judge in judges):
        return [asked]
    later = (replace(asked, now=asked.now + QUARTER * i) for i in range(_QUARTERS_OF_A_WEEK))
    found = [one for one in later if all(judge(one) == YES for judge in judges)]
    return found[:: -(-len(found) // SAMPLES_MAX)] if found else []


def _risk(rule: CompiledRule, asked: Asked) -> Iterable[Asked]:
    """Each score that the rule takes; and around it, if something changes that is worth points."""
    written, score = rule.rule, asked.risk.score
    least, most = written.risk_least or 0, RISK_MOST if written.risk_most is None else written.risk_most
    if not least <= score <= most:
        return [_scored(asked, one) for one in range(least, most + 1)]
    consented, bound = _flags(written, asked)
    if (consented, bound) == (asked.consented, asked.bound):
        return [asked]
    # A score that this takes out of the bounds of the rule shows in what the rule then says.
    scores = range(max(0, score - RISK_SPAN), min(RISK_MOST, score + RISK_SPAN) + 1)
    return [_scored(replace(asked, consented=consented, bound=bound), one) for one in scores]


def _scored(asked: Asked, score: int) -> Asked:
    return replace(asked, risk=replace(asked.risk, score=score))


def _flags(rule: Rule, asked: Asked) -> tuple[bool, bool]:
    consented = asked.consented if rule.consented is None else rule.consented
    # A package is allowed by its name only where that is bound.
    bound = asked.bound or rule.packages is not None if rule.bound is None else rule.bound
    return consented, bound


def _arguments(rule: CompiledRule, asked: Asked) -> Iterable[Asked]:
    calls = [asked]
    for test in rule.rule.arguments:
        calls = [other for one in calls for other in _with_argument(test, one)]
    return calls


def _with_argument(test: ArgumentTest, asked: Asked) -> list[Asked]:
    if argument_judge(test)(asked) == YES:
        return [asked]
    return [replace(asked, arguments=_put(asked.arguments, steps_of(test.pointer), value)) for value in _values(test)]


def _put(document: Json, steps: tuple[str, ...], value: Scalar) -> Json:
    """The document with a value at its place; as it stands where that is inside of something other than an object."""
    if not steps:
        return value
    if not isinstance(document, dict):
        return document
    return {**document, steps[0]: _put(document.get(steps[0], {}), steps[1:], value)}


def _values(test: ArgumentTest) -> list[Scalar]:
    """What fits, as far as it follows from the rule: of numbers the nearest and a far one."""
    value = test.value
    if test.op in {"in", "host_in"} and isinstance(value, tuple):
        hosts = [f"https://{one.replace('*', _SOMEBODY)}/" for one in value if isinstance(one, str)]
        return [] if len(value) > SAMPLES_MAX else [*hosts] if test.op == "host_in" else [*value]
    if isinstance(value, str):
        return [guest_path(value) if test.op == "below" else value] if test.op in _OF_TEXTS else []
    if test.op in THRESHOLDS and isinstance(value, int):
        return [value, value + _FAR if test.op == AT_LEAST else value - _FAR]
    return [] if test.op != "equals" or isinstance(value, tuple) else [value]


_OF_TEXTS = ("equals", "below", *TEXT_OPS)
_STEPS: tuple[Callable[[CompiledRule, Asked], Iterable[Asked]], ...] = (_agents, _users, _origins, _time, _risk, _arguments)
