"""Warrants: the last door before the sandbox. A grant becomes one when its approval is spent and its intent is durable.

Spend, then intend, then run: a crash between two steps burns an approval, and none is ever used twice. Spec: spec/4-approval.md section 6.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NoReturn, Self, TypeAlias

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity
from mpp.model.events import Event, Written, written_body
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Events, Once, Steps
from mpp.stages.approval.events import standing_used_event
from mpp.stages.approval.limits import ANSWER_SECONDS_MAX, INTENTS_KNOWN_MAX
from mpp.stages.policy import CapabilityToken, Held, held_by, held_digest

APPROVAL = "approval"
"""The kind under which spent approvals are kept."""

Intend: TypeAlias = Callable[[Event], Steps[object]]
"""Records an intent durably; it may wait, and take others along. It has done so when it ends."""

UseStanding: TypeAlias = Callable[[str, int], int | None]
"""Takes one call from the approval of this id, now: what is left, or None if there was nothing. ``Approvals.use_standing`` is one."""


@value
class Grant:
    """Rights for one call: what is opened, for which tool, arguments and agent, and why it may be."""

    token: CapabilityToken
    invocation: str
    """32 hex digits, new for each call."""
    tool: str
    argument_sha256: str
    agent: AgentIdentity
    because: str
    """``policy``, ``standing`` or ``approval``."""
    approvers: tuple[str, ...] = ()
    amr: str = ""
    """How sure we are that a person answered; empty where nobody was asked."""
    jti: str = ""
    """The one-time name of the approval; empty where nobody was asked."""
    until: int = 0
    """The last second at which the approval may be used; 0 where there is none."""
    rule: str = ""
    """The policy and the rule that decided, for the record."""
    standing: str = ""
    """The id of the approval that lasts and covers the call; empty where there is none."""


_ISSUED: Final[dict[int, tuple[weakref.ref[Warrant], Grant]]] = {}
"""What each warrant stands for, by its identity, until it is used."""


class Warrant:
    """Leave to run one call once. Like a token it is a handle without content."""

    __slots__ = ("__weakref__",)

    def __new__(cls) -> Self:
        raise _forged("a warrant is issued, never made by hand")

    def __init_subclass__(cls) -> None:
        raise _forged("a warrant has no kinds of its own")

    def __copy__(self) -> NoReturn:
        raise _forged("a warrant is not copied: it stands for one run")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise _forged("a warrant is not copied: it stands for one run")

    def __reduce__(self) -> NoReturn:
        raise _forged("a warrant does not leave its process")

    def __del__(self, kept: dict[int, tuple[weakref.ref[Warrant], Grant]] = _ISSUED) -> None:
        # Whoever calls this by hand has a warrant that stands for nothing.
        kept.pop(id(self), None)


def warrant(grant: Grant, once: Once, events: Events, now: int, use_standing: UseStanding | None = None) -> Warrant:
    """Spend the approval, record the intent durably, and only then let the call run. ``use_standing`` takes one call from an approval that lasts."""
    events.record(_intended(grant, once, events, now, use_standing), durable=True)
    return _issued(grant)


def warranting(grant: Grant, once: Once, events: Events, now: int, use_standing: UseStanding | None, intend: Intend) -> Steps[Warrant]:
    """The same in the same order, where several calls have their intents recorded together."""
    yield from intend(_intended(grant, once, events, now, use_standing))
    return _issued(grant)


def _intended(grant: Grant, once: Once, events: Events, now: int, use_standing: UseStanding | None) -> Event:
    """The intent of a call whose approval is spent now."""
    held = held_by(grant.token)
    end = held.scope.until
    if end is not None and now > end:
        raise Refused("token.expired", "the right to call has ended", where=held.package_id, hint="ask for it again")
    if grant.tool not in held.scope.tools:
        raise Refused("token.tool", f"the right does not cover the tool {grant.tool}", where=held.package_id, hint="ask for this tool")
    if grant.jti:
        _spend(grant, held.tenant, once, events, now)
    if grant.standing:
        _take(grant, held.tenant, use_standing, events, now)
    body, written = _told(grant, held)
    commit = {"in": grant.argument_sha256}
    return Event(kind="intent", at=now, tenant=held.tenant, invocation=grant.invocation, body=body, commit=commit, written=written)


def _issued(grant: Grant) -> Warrant:
    issued = object.__new__(Warrant)
    _ISSUED[id(issued)] = (weakref.ref(issued), grant)
    return issued


_INTENTS: dict[tuple[int, str, int, str, str], tuple[Held, AgentIdentity, dict[str, Json], Written | None]] = {}
"""The bodies of intents by what they are of: a token's meaning and an agent, each by its identity and kept with them. To compare both costs more than to look here."""


def _told(grant: Grant, held: Held) -> tuple[dict[str, Json], Written | None]:
    """The body of the intent of a call. Shared by all that are alike: nobody changes it."""
    agent = grant.agent
    if grant.jti:
        # One that a person approved is not seen again.
        return _intent.__wrapped__(held, grant.tool, agent, grant.because, grant.rule, grant.jti)
    key = (id(held), grant.tool, id(agent), grant.because, grant.rule)
    known = _INTENTS.get(key)
    if known is None or known[0] is not held or known[1] is not agent:
        if len(_INTENTS) >= INTENTS_KNOWN_MAX:
            # Attack: an agent with ever new names.
            _INTENTS.clear()
        known = _INTENTS[key] = (held, agent, *_intent(held, grant.tool, agent, grant.because, grant.rule, ""))
    return known[2], known[3]


@lru_cache(INTENTS_KNOWN_MAX)
def _intent(held: Held, tool: str, agent: AgentIdentity, because: str, rule: str, jti: str) -> tuple[dict[str, Json], Written | None]:
    """Shared by the intents of all calls that nobody was asked about and that are alike: nobody changes it."""
    body: dict[str, Json] = {
        "publisher": held.publisher_id,
        "package": held.package_id,
        "content": held.content_hash,
        "tool": tool,
        "agent": agent.shown(),
        "because": because,
        "rule": rule,
        "jti": jti,
        "token": held_digest(held),
    }
    return body, written_body(body)


def _spend(grant: Grant, tenant: str, once: Once, events: Events, now: int) -> None:
    if now > grant.until:
        raise Refused("approval.expired", "the approval is too old to be used", where=grant.jti, hint="call again and approve again")
    # Attack: 64 processes that use one approval at the same moment, or a second proof made of one answer. The store lets one through.
    if not once.spend(APPROVAL, grant.jti, grant.until + ANSWER_SECONDS_MAX, now):
        raise Refused("approval.spent", "this approval has been used already", where=grant.jti, hint="each approval is for one call: approve again")
    events.record(_event("approval-spent", grant, tenant, now, {"jti": grant.jti, "approvers": [*grant.approvers], "amr": grant.amr}))


def _take(grant: Grant, tenant: str, use_standing: UseStanding | None, events: Events, now: int) -> None:
    """One call from the budget of an approval that lasts: here, because every refusal lies behind, and what did not run costs nothing."""
    if use_standing is None:
        # Attack: a host that runs calls under a budget and never counts them.
        raise _forged("nobody counts the calls of the approval that lasts")
    # Attack: many processes at the last call of a budget, or an approval that was taken back since it was looked up.
    left = use_standing(grant.standing, now)
    if left is None:
        raise Refused("approval.spent", "the approval that lasts is used up or over", where=grant.standing, hint="call again and have it approved")
    events.record(standing_used_event(grant.standing, tenant, grant.invocation, left, now))


def use(issued: object) -> Grant:
    """What a warrant stands for. It stands for it once: a second use is refused."""
    # One step, so that of two threads one has it.
    row = _ISSUED.pop(id(issued), None)
    if row is None or row[0]() is not issued:
        raise _forged("this is no warrant of this process, or it was used already")
    return row[1]


def _event(kind: str, grant: Grant, tenant: str, now: int, body: dict[str, Json]) -> Event:
    return Event(kind=kind, at=now, tenant=tenant, invocation=grant.invocation, body=body)


def _forged(message: str) -> Refused:
    return Refused("token.warrant", message, where="warrant", hint="ask policy and approval for each call")
