"""What the policies say of the privacy filter, in words for a screen or a page."""

from __future__ import annotations

from collections.abc import Iterator

from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, Exempt, PrivacyRules, Reveal, together_json

NAMES_SHOWN_MAX = 20
"""Names in one line. Reason: a person reads a line; --json has all."""


def privacy_short(rules: PrivacyRules | None) -> str:
    """Of one layer; nothing where it does not speak of the filter."""
    if rules is None:
        return ""
    return f"{_count(rules.grants, 'exception')}, {_count(len(rules.patterns), 'pattern')}" if rules.grants or rules.patterns else "no exception"


def privacy_lines(rules: PrivacyRules) -> Iterator[str]:
    """Of all layers together."""
    yield f"digest    sha256:{rules.digest}"
    for label, found in _lists(rules):
        if found:
            yield f"{label:<9} {_some(found)}"
    for one in rules.exempt:
        yield f"exempt    {', '.join(one.types)} of {one.package or f'publisher {one.publisher[:16]}'}{_within(one)}"
    for told in rules.reveal:
        yield f"reveal    {', '.join(told.types)} to {told.package}{_within(told)}"
    does = "" if rules.outgoing == "none" else f": {rules.outgoing_action}"
    yield f"outgoing  {rules.outgoing}{does}; without an engine a call {'is refused' if rules.require else 'goes on unfiltered'}"
    yield f"pseudonyms may be turned back for {_count(rules.pseudonym_minutes, 'minute')}"


def _lists(rules: PrivacyRules) -> Iterator[tuple[str, list[str]]]:
    # Of a group, the types that it stands for may be named with something stricter.
    names = dict.fromkeys(name for table in rules.actions for name in table)
    yield "actions", [f"{name}: {_words(rules, name)}" for name in names]
    yield "on", [*rules.on]
    yield "off", [*rules.off]
    yield "as asked", [*rules.accept_disabled]
    yield "patterns", [one.id for one in rules.patterns]
    yield "allowed", [(f"{one.type}: " if one.type else "") + (one.value or one.domain or one.cidr) for one in rules.allow]


def _within(one: Exempt | Reveal) -> str:
    return (f", tool {one.tool}" if one.tool else "") + (f", at {one.pointer}" if one.pointer else "")


def _words(rules: PrivacyRules, name: str) -> str:
    one = rules.action_for(name)
    return f"{one.action}, the last {one.keep} stay" if one.action == "partial" else one.action


def _some(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN_MAX
    return ", ".join(names[:NAMES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def privacy_json(rules: PrivacyRules) -> Json:
    """All of it."""
    return {**together_json(rules), "digest": rules.digest}


def explained(privacy: CallPrivacy, exceptions: tuple[str, ...]) -> Iterator[str]:
    """For one call; nothing where everything is filtered."""
    off = [name for name in privacy.rules.off if privacy.is_off(name)]
    if off:
        yield f"Privacy: searched for nowhere, by policy: {_some(off)}."
    yield from (f"Privacy: {line}." for line in exceptions)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
