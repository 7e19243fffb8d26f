"""One rule of a policy document: its conditions and its limits. Spec: spec/3-policy.md sections 1 to 4."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from mpp.model.agents import LEVELS
from mpp.model.fields import Faults, Fields, near
from mpp.model.hiddentext import hidden_in
from mpp.model.hostpattern import HOST_PATTERN_MAX, read_host_pattern
from mpp.model.jsontext import Json, shown
from mpp.model.limits import ENV_NAME_MAX, KV_BYTES_MAX, NAME_MAX, PACKAGE_ID_MAX, PATH_CHARS_MAX, PATTERNS_MAX, TIMEOUT_MS_MAX
from mpp.model.manifest import SECURITY_LEVELS
from mpp.model.names import PACKAGE_NAME, SHA256_HEX, SHA256_HEX_FORM
from mpp.stages.policy.document import Reach, Rule, RuleLimits, Texts
from mpp.stages.policy.limits import (
    ANSWER_SECONDS_MAX,
    APPROVERS_MAX,
    ARGUMENT_TESTS_MAX,
    CALLS_PER_MINUTE_MAX,
    LIST_MAX,
    PATTERN_CHARS_MAX,
    VERSION_RANGE_MAX,
    WHY_MAX,
)
from mpp.stages.policy.patterns import check_name, check_package, check_path, read_range
from mpp.stages.policy.reading_tests import read_argument, read_when
from mpp.stages.policy.types import DEFAULT_RULE, EFFECTS, ORIGINS, RISK_MOST, STRENGTHS

ID_FORM = f"a short name of at most {NAME_MAX} characters such as deny-payments (lower case and digits, single '-', '_' or '.' between)"

_TOOL = re.compile(r"[A-Za-z0-9_.*-]+")
_DEVICE = re.compile(r"/dev/[A-Za-z0-9*][A-Za-z0-9._:*-]*(?:/[A-Za-z0-9*][A-Za-z0-9._:*-]*)*|\*")
_ENV = re.compile(r"[A-Z0-9_*]+")
_SECRET = re.compile(r"[A-Za-z0-9_*-]+")
_WORD = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")

Check = Callable[[str, str, Faults], object]


class _List(NamedTuple):
    """A list of texts in a rule: how long each may be, its form, and what else is judged."""

    each_most: int
    pattern: re.Pattern[str] | None
    form: str
    check: Check | None


def _one_of(allowed: tuple[str, ...]) -> Check:
    def check(item: str, where: str, faults: Faults) -> None:
        if item not in allowed:
            faults.add("choice", where, f"{shown(item)!r} is not one of {', '.join(allowed)}", near(item, allowed) or "take one of them", family="policy")

    return check


def _check_person(item: str, where: str, faults: Faults) -> None:
    check_name(item, where, faults)
    character = hidden_in(item)
    if character:
        faults.add("hidden_text", where, f"holds the hidden character {character}", "remove it, or use an ordinary space", family="policy")


_LISTS: dict[str, _List] = {
    "packages": _List(PACKAGE_ID_MAX + 2, None, "", check_package),
    "publishers": _List(64, SHA256_HEX, SHA256_HEX_FORM, None),
    "versions": _List(VERSION_RANGE_MAX, None, "", read_range),
    "tools": _List(NAME_MAX, _TOOL, "a tool name: letters, digits, '_', '.', '-', and at most one '*'", check_name),
    "agents": _List(PATTERN_CHARS_MAX, None, "", _check_person),
    "users": _List(PATTERN_CHARS_MAX, None, "", _check_person),
    "origins": _List(NAME_MAX, None, "", _one_of(ORIGINS)),
    "security_levels": _List(NAME_MAX, None, "", _one_of(SECURITY_LEVELS)),
}
_KINDS: dict[str, _List] = {
    "hosts": _List(HOST_PATTERN_MAX, None, "", read_host_pattern),
    "read": _List(PATH_CHARS_MAX, None, "", check_path),
    "write": _List(PATH_CHARS_MAX, None, "", check_path),
    "env": _List(ENV_NAME_MAX, _ENV, "the name of a variable such as API_KEY or API_*", check_name),
    "secrets": _List(NAME_MAX, _SECRET, "the name of a secret such as CRM_TOKEN or CRM_*", check_name),
    "devices": _List(PATH_CHARS_MAX, _DEVICE, "the path of a device such as /dev/ttyUSB0 or /dev/ttyUSB*", check_name),
}


def read_rule(found: Json, where: str, faults: Faults) -> Rule:
    fields = Fields(found, where, faults)
    effect = fields.one_of("effect", EFFECTS)
    risk_least, risk_most = _read_risk(fields)
    capabilities, kv = _read_capabilities(fields)
    rule = Rule(
        id=_read_id(fields),
        effect=effect,
        why=fields.text("why", most=WHY_MAX, default="", least=0),
        agent_at_least=_read_level(fields, "agent_at_least"),
        agent_below=_read_level(fields, "agent_below"),
        risk_least=risk_least,
        risk_most=risk_most,
        consented=_flag(fields, "consented"),
        asks=_flag(fields, "asks"),
        bound=_flag(fields, "bound"),
        internal=_flag(fields, "internal"),
        when=read_when(fields),
        capabilities=capabilities,
        kv=kv,
        arguments=fields.each("arguments", lambda item, place: read_argument(item, place, faults), most=ARGUMENT_TESTS_MAX),
        limits=_read_limits(fields, effect),
        **{key: _texts(fields, key, how) for key, how in _LISTS.items()},
    )
    if rule.agent_at_least and rule.agent_below and LEVELS.index(rule.agent_at_least) >= LEVELS.index(rule.agent_below):
        faults.add("range", fields.path("agent_below"), "no agent is at that level and below it", "raise agent_below, or leave one of the two out")
    fields.end()
    return rule


def _read_id(fields: Fields) -> str:
    found = fields.text("id", most=NAME_MAX, pattern=PACKAGE_NAME, form=ID_FORM)
    if found == DEFAULT_RULE:
        fields.faults.add("form", fields.path("id"), f"{DEFAULT_RULE!r} is the name of what holds where no rule does", "take another id")
    return found


def _texts(fields: Fields, key: str, how: _List) -> Texts:
    """A list that is absent says nothing, and an empty one fits nothing; so they are not the same. Spec: 3-policy P-7."""
    found = fields.texts(key, most=LIST_MAX, each_most=how.each_most, pattern=how.pattern, form=how.form)
    if not fields.has(key):
        return None
    if how.check is not None:
        for i, item in enumerate(found):
            how.check(item, f"{fields.path(key)}/{i}", fields.faults)
    return found


def _flag(fields: Fields, key: str) -> bool | None:
    found = fields.flag(key, default=False)
    return found if fields.has(key) else None


def _read_level(fields: Fields, key: str) -> str:
    return fields.one_of(key, LEVELS, default="")


def _not_empty(block: Fields) -> None:
    """Attack: a condition that is forgotten in an empty table would say nothing, and its rule would fit everything."""
    if block.is_object and not block.found:
        block.faults.add("missing", block.where, "is empty", "say something in it, or leave it out")


def _read_risk(fields: Fields) -> tuple[int | None, int | None]:
    block = fields.object("risk", required=False)
    if block is None:
        return None, None
    _not_empty(block)
    least = block.number("least", least=0, most=RISK_MOST, default=0)
    most = block.number("most", least=0, most=RISK_MOST, default=RISK_MOST)
    if least > most:
        block.faults.add("range", block.where, "least is above most: no risk fits", "exchange the two numbers")
    block.end()
    return (least if block.has("least") else None), (most if block.has("most") else None)


def _read_reach(block: Fields) -> Reach | None:
    """None if no list is there."""
    lists = {key: _texts(block, key, how) for key, how in _KINDS.items()}
    return Reach(**lists) if any(texts is not None for texts in lists.values()) else None


def _read_capabilities(fields: Fields) -> tuple[Reach | None, bool | None]:
    block = fields.object("capabilities", required=False)
    if block is None:
        return None, None
    _not_empty(block)
    reach, kv = _read_reach(block), _flag(block, "kv")
    block.end()
    return reach, kv


def _read_limits(fields: Fields, effect: str) -> RuleLimits | None:
    block = fields.object("limits", required=False)
    if block is None:
        return None
    _not_empty(block)
    if effect == "deny":
        block.faults.add("limits", block.where, "a rule that denies leaves nothing to limit", "remove the limits, or change the effect")
    kv_max_bytes = block.number("kv_max_bytes", least=0, most=KV_BYTES_MAX, default=0)
    patterns = block.texts("privacy_patterns", most=PATTERNS_MAX, each_most=NAME_MAX, pattern=_WORD, form="the id of a pattern such as credit_card")
    limits = RuleLimits(
        reach=_read_reach(block),
        kv_max_bytes=kv_max_bytes if block.has("kv_max_bytes") else None,
        timeout_ms=_above_zero(block, "timeout_ms", TIMEOUT_MS_MAX),
        calls_per_minute=_above_zero(block, "calls_per_minute", CALLS_PER_MINUTE_MAX),
        privacy_patterns=patterns,
        strength=block.one_of("strength", STRENGTHS, default=""),
        approvers=block.number("approvers", least=1, most=APPROVERS_MAX, default=1),
        answer_seconds=_above_zero(block, "answer_seconds", ANSWER_SECONDS_MAX),
    )
    block.end()
    return None if limits == RuleLimits() else limits


def _above_zero(block: Fields, key: str, most: int) -> int:
    return block.number(key, least=1, most=most) if block.has(key) else block.number(key, least=0, most=0, default=0)
