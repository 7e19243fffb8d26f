"""The conditions of a rule, ready to be judged and to be explained. Spec: spec/3-policy.md section 3.

A condition says NO, UNCLEAR or YES of a call. Only what takes part in a judgement is looked at, and no verdict is kept between two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from mpp.model.agents import LEVELS
from mpp.model.jsontext import shown
from mpp.model.names import VersionKey, version_key
from mpp.stages.policy.arguments import ARGUMENTS, MISSING, argument_judge, look_up, steps_of, words_of
from mpp.stages.policy.document import ArgumentTest, Reach, Rule, When
from mpp.stages.policy.limits import VERSIONS_KEPT_MAX
from mpp.stages.policy.patterns import NO, UNCLEAR, YES, Names, Packages, read_range
from mpp.stages.policy.reach import Asking
from mpp.stages.policy.reading_tests import DAYS
from mpp.stages.policy.types import RISK_MOST, Asked
from mpp.model.fields import Faults

Judge: TypeAlias = Callable[[Asked], int]
Words: TypeAlias = Callable[[Asked], str]

NOT_ON_RECORD = "not on record"
SECONDS_OF_A_DAY = 86_400
_THURSDAY = 3
"""The day of the week of 1970-01-01, Monday being 0."""


class Condition(NamedTuple):
    """In words it says: ``subject`` is ``found``, and the rule wants ``wants``."""

    judge: Judge
    subject: str
    wants: str
    found: Words
    about_call: bool = False
    """It says something of a call, so its rule takes no part before there is one."""

    def so(self, asked: Asked) -> str:
        return f"{self.subject} is {self.found(asked)}"


def conditions_of(rule: Rule) -> tuple[Condition, ...]:
    """All of them, those first that cost least."""
    return (*_of_package(rule), *_of_agent(rule), *_of_flags(rule), *_of_risk(rule), *_of_time(rule), *_of_capabilities(rule), *map(_argument, rule.arguments))


def _yes(is_so: bool) -> int:
    return YES if is_so else NO


def listed(items: Iterable[str], most: int = 3, joined: str = " or ") -> str:
    """A few of them in words."""
    words = [shown(item) for item in items]
    if len(words) > most:
        words[most:] = [f"{len(words) - most} more"]
    return joined.join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0] if words else "nothing"


def _of_package(rule: Rule) -> Iterator[Condition]:
    if rule.packages is not None:
        yield _packages(rule.packages)
    if rule.publishers is not None:
        publishers = frozenset(rule.publishers)
        wants = listed(one[:16] for one in rule.publishers)
        yield Condition(lambda asked: _yes(asked.publisher_id in publishers), "the publisher", wants, _publisher_words)
    if rule.versions is not None:
        yield _versions(rule.versions)
    if rule.tools is not None:
        tools = Names(rule.tools)
        yield Condition(lambda asked: _yes(tools.fits(asked.tool)), "the tool", listed(rule.tools), lambda asked: shown(asked.tool), True)


def _publisher_words(asked: Asked) -> str:
    return asked.publisher_id[:16] + (f" ({shown(asked.publisher_name)})" if asked.publisher_name else "")


def _packages(patterns: tuple[str, ...]) -> Condition:
    packages = Packages(patterns)

    def judge(asked: Asked) -> int:
        if not packages.fits(asked.package_id):
            return NO
        # Attack: anybody may call a package com.example.tool. A name allows only where it is bound to its publisher (P-34).
        return YES if asked.bound else UNCLEAR

    def found(asked: Asked) -> str:
        return shown(asked.package_id) + ("" if asked.bound else ", which is not bound to its publisher here")

    return Condition(judge, "the package", f"{listed(patterns)}, bound to its publisher", found)


def _versions(ranges: tuple[str, ...]) -> Condition:
    known = [one for one in (read_range(text, "", Faults("policy")) for text in ranges) if one is not None]

    def judge(asked: Asked) -> int:
        key = _version_key(asked.version)
        return UNCLEAR if key is None else max((one.judge(key) for one in known), default=NO)

    return Condition(judge, "the version", listed(ranges), lambda asked: shown(asked.version))


@lru_cache(maxsize=VERSIONS_KEPT_MAX)
def _version_key(text: str) -> VersionKey | None:
    """Many rules look at one version; it is taken apart once."""
    return version_key(text)


def _of_agent(rule: Rule) -> Iterator[Condition]:
    if rule.agents is not None:
        agents = Names(rule.agents)
        yield Condition(lambda asked: _yes(agents.fits(asked.agent.name)), "the agent", listed(rule.agents), _agent_words, True)
    if rule.agent_at_least:
        least = LEVELS.index(rule.agent_at_least)
        yield Condition(lambda asked: _yes(LEVELS.index(asked.agent.level) >= least), "the agent", _at_least(rule.agent_at_least), _level_words, True)
    if rule.agent_below:
        below = LEVELS.index(rule.agent_below)
        yield Condition(lambda asked: _yes(LEVELS.index(asked.agent.level) < below), "the agent", f"less sure than {rule.agent_below}", _level_words, True)
    if rule.users is not None:
        yield _users(rule.users)
    if rule.origins is not None:
        origins = frozenset(rule.origins)
        yield Condition(lambda asked: _yes(asked.origin in origins), "the origin of the call", listed(rule.origins), lambda asked: asked.origin, True)


def _agent_words(asked: Asked) -> str:
    return shown(asked.agent.name) or "without a name"


def _level_words(asked: Asked) -> str:
    return asked.agent.level


def _at_least(level: str) -> str:
    return level if level == LEVELS[-1] else f"{level} or surer"


def _users(patterns: tuple[str, ...]) -> Condition:
    users = Names(patterns)

    def judge(asked: Asked) -> int:
        return UNCLEAR if "user" in asked.unknown else _yes(users.fits(asked.user))

    def found(asked: Asked) -> str:
        return NOT_ON_RECORD if "user" in asked.unknown else shown(asked.user) or "nobody in particular"

    return Condition(judge, "the user", listed(patterns), found, True)


def _of_flags(rule: Rule) -> Iterator[Condition]:
    flags: tuple[tuple[bool | None, Callable[[Asked], bool], str, tuple[str, str]], ...] = (
        (rule.consented, lambda asked: asked.consented, "the package", ("agreed to by nobody yet", "agreed to by somebody, as it is now")),
        (rule.bound, lambda asked: asked.bound, "the package id", ("not bound to its publisher here", "bound to its publisher here")),
        (rule.internal, lambda asked: bool(asked.internal_hosts), "the network that it asks for", ("public", "partly internal")),
    )
    for wanted, get, subject, words in flags:
        if wanted is not None:
            yield Condition(_flag(get, wanted), subject, words[wanted], _flag_words(get, words))
    if rule.asks is not None:
        yield _asks(rule.asks)


def _flag(get: Callable[[Asked], bool], wanted: bool) -> Judge:
    return lambda asked: YES if get(asked) is wanted else NO


def _flag_words(get: Callable[[Asked], bool], words: tuple[str, str]) -> Words:
    return lambda asked: words[get(asked)]


def _asks(wanted: bool) -> Condition:
    words = ("nothing outside its own computation", "something outside its own computation")

    def judge(asked: Asked) -> int:
        return UNCLEAR if "scope" in asked.unknown else _yes(asked.scope.opens_nothing is not wanted)

    return Condition(
        judge, "what the package asks for", words[wanted], lambda asked: NOT_ON_RECORD if "scope" in asked.unknown else words[not asked.scope.opens_nothing]
    )


def _of_risk(rule: Rule) -> Iterator[Condition]:
    if rule.security_levels is not None:
        levels = frozenset(rule.security_levels)
        yield Condition(
            lambda asked: _yes(asked.security_level in levels), "the security level", listed(rule.security_levels, 4), lambda asked: asked.security_level
        )
    if rule.risk_least is not None or rule.risk_most is not None:
        least, most = rule.risk_least or 0, RISK_MOST if rule.risk_most is None else rule.risk_most
        wants = f"{least} or more" if rule.risk_most is None else f"{least} to {most}"
        yield Condition(lambda asked: _yes(least <= asked.risk.score <= most), "the risk", wants, lambda asked: str(asked.risk.score))


def _of_time(rule: Rule) -> Iterator[Condition]:
    if rule.when is not None:
        yield Condition(_time_judge(rule.when), "the time", _when_words(rule.when), lambda asked: _time_words(asked.now), True)


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _day_number(text: str) -> int:
    return (dt.date.fromisoformat(text) - dt.date(1970, 1, 1)).days


def _time_judge(when: When) -> Judge:
    since, until = (_minutes(when.since), _minutes(when.until)) if when.since else (0, 24 * 60)
    days = frozenset(DAYS.index(day) for day in (DAYS if when.days is None else when.days))
    first = _day_number(when.not_before) if when.not_before else 0
    last = _day_number(when.not_after) if when.not_after else None

    def judge(asked: Asked) -> int:
        day, second = divmod(asked.now, SECONDS_OF_A_DAY)
        minute = second // 60
        is_date = first <= day and (last is None or day <= last)
        if since < until:
            return _yes(is_date and since <= minute < until and _weekday(day) in days)
        # Past midnight the window is still that of the day before (P-36).
        began = day if minute >= since else day - 1
        return _yes(is_date and (minute >= since or minute < until) and _weekday(began) in days)

    return judge


def _weekday(day: int) -> int:
    return (day + _THURSDAY) % 7


def _when_words(when: When) -> str:
    words = [
        ", ".join(when.days) if when.days else "on no day" if when.days is not None else "",
        f"from {when.since} until {when.until} UTC" if when.since else "",
        f"not before {when.not_before}" if when.not_before else "",
        f"not after {when.not_after}" if when.not_after else "",
    ]
    return ", ".join(word for word in words if word)


def _time_words(now: int) -> str:
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    return f"{DAYS[moment.weekday()]} {moment:%Y-%m-%d %H:%M} UTC"


def _of_capabilities(rule: Rule) -> Iterator[Condition]:
    if rule.capabilities is None and rule.kv is None:
        return
    asking = Asking(rule.capabilities or Reach(), rule.kv)
    is_allowing = rule.effect == "allow"
    parts = asking.outside if is_allowing else asking.touched
    on_items, on_none = (NO, YES) if is_allowing else (YES, NO)

    def judge(asked: Asked) -> int:
        return UNCLEAR if "scope" in asked.unknown else on_none if next(parts(asked.scope), None) is None else on_items

    def found(asked: Asked) -> str:
        return NOT_ON_RECORD if "scope" in asked.unknown else listed(parts(asked.scope), joined=" and ")

    if is_allowing:
        yield Condition(judge, "what it declares beyond the lists of the rule", "nothing", found)
    else:
        yield Condition(judge, "what it declares of the lists of the rule", "anything", found)


def _argument(test: ArgumentTest) -> Condition:
    steps = steps_of(test.pointer)
    is_presence = test.op in {"exists", "absent"}

    def found(asked: Asked) -> str:
        if ARGUMENTS in asked.unknown:
            return NOT_ON_RECORD
        value = look_up(asked.arguments, steps)
        return "there" if is_presence and value is not MISSING else words_of(value)

    return Condition(argument_judge(test), f"the argument {shown(test.pointer) or 'object'}", _op_words(test), found, True)


_OPS = {
    "equals": "", "not_equals": "other than ", "in": "one of ", "not_in": "none of ", "starts_with": "a text that starts with ", "ends_with": "a text that ends with ",
    "contains": "a text that contains ", "below": "a plain path below ", "host_in": "a plain address of ", "at_least": "at least ", "at_most": "at most ",
    "longer_than": "longer than ", "exists": "there", "absent": "missing",
}  # fmt: skip


def _op_words(test: ArgumentTest) -> str:
    if test.op in {"exists", "absent"}:
        return _OPS[test.op]
    wanted = listed(str(one) for one in test.value) if isinstance(test.value, tuple) else words_of(test.value)
    return _OPS[test.op] + wanted + (", whatever the case" if test.ignore_case else "")
