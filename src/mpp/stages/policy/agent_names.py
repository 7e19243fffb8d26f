"""Names of agents and users, and patterns over them. One name has one spelling. Spec: spec/identity.md section 1."""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.model.fields import Fields
from mpp.model.jsontext import shown
from mpp.stages.policy.identity_limits import AGENT_NAME_CHARS_MAX

# Spec: identity I-1. Attacks: look-alikes by case, by letters of other scripts, by a doubled or trailing sign; parts such as '..'.
_PART = r"[a-z0-9]+(?:(?:[._@]|-{1,2})[a-z0-9]+)*"
AGENT_NAME = re.compile(rf"(?=.{{1,{AGENT_NAME_CHARS_MAX}}}\Z){_PART}(?:/{_PART})*")
AGENT_NAME_FORM = f"a name of at most {AGENT_NAME_CHARS_MAX} characters such as planner or acme.example/planner (lower case, digits, single . _ - @ / between)"
NAME_PATTERN_FORM = "a name with at most one '*', such as acme.example/*"


def judge_name(name: str, where: str) -> str:
    """The name, or a refusal."""
    if AGENT_NAME.fullmatch(name) is None:
        raise Refused("agent.name", f"{shown(name)!r} is no name of an agent or a user", where=where, hint=f"write {AGENT_NAME_FORM}")
    return name


def read_name(fields: Fields, key: str) -> str:
    return fields.text(key, most=AGENT_NAME_CHARS_MAX, pattern=AGENT_NAME, form=AGENT_NAME_FORM)


def is_name_pattern(pattern: str) -> bool:
    # What stands for the star must leave a name: so a pattern cannot hold what no name can.
    return len(pattern) <= AGENT_NAME_CHARS_MAX and pattern.count("*") <= 1 and AGENT_NAME.fullmatch(pattern.replace("*", "a")) is not None


def name_matches(pattern: str, name: str) -> bool:
    """Whether ``name`` is what ``pattern`` says; the star stands for one character or more. Spec: identity I-2."""
    before, star, after = pattern.partition("*")
    if not star:
        return name == pattern
    # Attack: a beginning and an end that overlap in a short name.
    return len(name) > len(before) + len(after) and name.startswith(before) and name.endswith(after)
