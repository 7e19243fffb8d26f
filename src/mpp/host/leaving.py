"""Arguments on their way to a tool: searched for what must not go there, placeholders turned back where policy grants it. Before anything is judged.

Spec: 6-privacy F-35, F-40; call-contract C-5: what is hashed and approved is what the tool is given, what is shown has the placeholders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field

from mpp.errors import Refused
from mpp.host.filtering import Filters, Whose
from mpp.host.known import Callee, known
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters, ToolDefinition
from mpp.model.value import value
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import PrivacyRules, privacy_for
from mpp.stages.privacy import Filter, has_placeholder, Hiding, Leak, outgoing_arguments, Pass, reveal_arguments, Revealed
from mpp.stages.sandbox import Arguments, read_arguments, SchemaCheck

REVEALS_TOLD_MAX = 64
"""Reveals of one call that the record names one by one. Reason: an event stays small; it says how many there were."""

PLACE_CHARS_MAX = 200
"""Characters of a place in the arguments in an event. Reason: real ones have thirty."""


@value
class Sent:
    """The arguments of one call, as the tool is given them and as anybody else sees them."""

    given: Arguments = field(repr=False)
    """What the tool gets, and what its schema, policy, approval and the record's commitments are about."""
    shown: Arguments
    """The same, with placeholders where something was turned back."""
    found: tuple[Leak, ...] = ()
    """What was found in them and replaced."""
    revealed: tuple[Revealed, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What stands behind the placeholders that were turned back, each with its placeholder."""

    def through(self, by: Filter) -> Pass:
        """The filter for what the tool says: what was turned back for it is shown to nobody else."""
        return Hiding(by, self.values) if self.values else by

    @property
    def differs(self) -> bool:
        """Is what the tool gets more than what is shown?"""
        return bool(self.revealed)


def callee_of(package: VerifiedPackage, tool: str) -> Callee:
    return known(package).callee(tool)


def send(arguments: Arguments, tool: ToolDefinition, package: VerifiedPackage, rules: PrivacyRules, whose: Whose, filters: Filters) -> Sent:
    """What a call sends to its tool. Raises Refused, in words that quote nothing: of what must not leave, and of placeholders that stay what they are."""
    sent = send_to(arguments, callee_of(package, tool.name), package.manifest.privacy_filters, rules, whose, filters)
    _judge(tool, sent)
    return sent


def send_to(arguments: Arguments, callee: Callee, wanted: PrivacyFilters, rules: PrivacyRules, whose: Whose, filters: Filters) -> Sent:
    """The same for a tool of any kind, whose schema somebody else looks at."""
    written = arguments.data.decode("utf-8")
    if rules.outgoing == "none" and not has_placeholder(written):
        return Sent(given=arguments, shown=arguments)
    by = filters.bind(privacy_for(rules, callee), wanted, whose)
    shown, found = _searched(arguments, by)
    return _revealed(shown, by, found) if has_placeholder(written) else Sent(given=shown, shown=shown, found=found)


def _searched(arguments: Arguments, by: Filter) -> tuple[Arguments, tuple[Leak, ...]]:
    """Before placeholders are turned back: what policy grants is no find."""
    is_changed = by.said.rules.outgoing_action == "redact"
    # The search changes what it is given, and nobody else's copy.
    outgoing = outgoing_arguments(json.loads(arguments.data) if is_changed else arguments.found, by)
    if outgoing.fault is not None:
        raise outgoing.fault
    return (again(outgoing.message), outgoing.found) if outgoing.found else (arguments, ())


def _revealed(shown: Arguments, by: Filter, found: tuple[Leak, ...]) -> Sent:
    plain = reveal_arguments(json.loads(shown.data), by)
    given = again(plain.message) if plain.revealed else shown
    return Sent(given=given, shown=shown, found=found, revealed=plain.revealed, values=plain.values)


def again(message: Json) -> Arguments:
    """Written once more, and judged as any arguments are: a value is longer than its placeholder."""
    return read_arguments(json.dumps(message, ensure_ascii=False).encode("utf-8"))


def _judge(tool: ToolDefinition, sent: Sent) -> None:
    """What the tool is given must fit its schema. Attack: a refusal that quotes what stands behind a placeholder."""
    try:
        SchemaCheck(tool.parameters).judge_arguments(sent.given)
    except Refused as fault:
        if not sent.differs:
            raise
        message = "the arguments do not fit the tool's schema once their placeholders are turned back"
        hint = f"see the schema: mpp inspect shows that of {tool.name}"
        raise Refused(fault.code, message, where="arguments", hint=hint) from None


def reveal_event(sent: Sent, *, tenant: str, invocation: str, package_id: str, tool: str, at: int) -> Event:
    """That a tool is told who stands behind placeholders: which types, where, keyed digests; never a value. Spec: events, kind ``reveal``."""
    rows: list[Json] = [{"type": one.type, "where": one.where[:PLACE_CHARS_MAX], "digest": one.digest} for one in sent.revealed[:REVEALS_TOLD_MAX]]
    body: dict[str, Json] = {"package": package_id, "tool": tool, "revealed": rows, "count": len(sent.revealed)}
    return Event(kind="reveal", at=at, tenant=tenant, invocation=invocation, body=body)


__all__ = ["Callee", "Sent", "again", "callee_of", "reveal_event", "send", "send_to"]
