"""One call of an older server is judged as a call of a package is: stops, policy, approval, rate. It can only come out stricter. Spec: legacy, section 6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mpp.errors import Refused
from mpp.host.judging import by_policy, decided, Judged, keep_rate, Services, Setting
from mpp.host.legacy.deeds import BESIDE
from mpp.host.legacy.launch import FILES, NETWORK
from mpp.host.legacy.types import HTTP, LegacyTool, NO_PUBLISHER, PUBLISHER_NAME, STDIO, UnverifiedServer, VERSION
from mpp.model.agents import AgentIdentity
from mpp.model.events import EntryRef, Event
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.model.rights import Rights
from mpp.model.rights_words import asked_for
from mpp.model.scope import covers
from mpp.model.value import value
from mpp.ports import Events
from mpp.stages.approval import action_of, Call, Particulars, Question
from mpp.stages.approval import judge as judge_approval
from mpp.stages.policy import (
    Asked,
    CapabilityToken,
    Granted,
    Policies,
    privacy_for,
    Reason,
    risk_unverified,
    RiskFacts,
    token_event,
    unfiltered,
    Verdict,
)
from mpp.stages.sandbox import Arguments

FILTERS = PrivacyFilters(enabled=True, patterns=(), custom_patterns=())
"""What the filter does for older servers: all that this host looks for."""

UNVERIFIED_POINTS = 25
"""Points for a server that nobody verified. Reason: by them alone its risk is medium, so that the usual policies ask."""

UNSANDBOXED_POINTS = 40
"""Points for a server without a sandbox. Reason: it can do what its user can; with the points above that is high."""

BARRIER_POINTS = 10
"""Points for each barrier that is missing. Reason: one of them moves a score towards the next band."""

UNPINNED_POINTS = 8
"""Points for code that is fetched by name alone. Reason: as for a publisher that is not known well."""

_DAY = 24 * 3600


@value
class LegacyRequest:
    """One call as a front took it. There is no package in it, and nothing that passes for one."""

    invocation: str
    subject: UnverifiedServer
    tool: LegacyTool
    arguments: Arguments
    agent: AgentIdentity
    user: str
    origin: str
    tenant: str
    shown: Arguments | None = None


class Labelled:
    """A record that says of each event of a call that nobody verified the server, and what did not hold it."""

    def __init__(self, events: Events, subject: UnverifiedServer) -> None:
        missing: list[Json] = [*sorted(subject.barriers.missing)]
        self._events, self._labels = events, dict[str, Json]({"verified": False, "missing_barriers": missing})

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        return self._events.record(replace(event, body={**event.body, **self._labels}), durable=durable)


def judge_legacy(request: LegacyRequest, at: Setting, on: Services) -> Judged | Question:
    """A grant, or a question for a person. What is stopped or denied is ``Refused``."""
    subject, now = request.subject, on.clock.now()
    server = subject.entry.server
    on.stops.current().judge(subject.package_id, NO_PUBLISHER)
    if at.fleet and not server.sandboxed:
        raise Refused("consent.fleet", "this host starts no server without a sandbox", where=subject.package_id, hint="ask its administrator")
    asked = asked_of_legacy(request, at.policies, now)
    decision, token = decided(request, asked, at, on)
    verdict = decision.verdict
    _judge_narrowing(asked, token)
    rights = server.rights(request.tenant, subject.entry.content_hash)
    given = _particulars(request, rights, at, asked, verdict)
    if isinstance(decision, Granted):
        grant, binding = by_policy(request, token, verdict), ""
    else:
        call = Call(asked=asked, need=decision, given=given, token=token, invocation=request.invocation)
        found = judge_approval(call, on.desk(fleet=at.fleet, least=at.strength))
        if isinstance(found, Question):
            return found
        grant, binding = found, action_of(asked, verdict, given).binding
    keep_rate(asked, verdict, on, now)
    on.events.record(token_event("token-granted", token, request.invocation, now))
    return Judged(grant=grant, rights=rights, asked=asked, verdict=verdict, binding=binding)


def asked_of_legacy(request: LegacyRequest, policies: Policies, now: int) -> Asked:
    """The call as policy sees it. No id of a server is bound to anybody, so no rule for bound packages reaches it."""
    subject = request.subject
    entry, server = subject.entry, subject.entry.server
    level = level_of_legacy(subject)
    names = {one.host for one in server.hosts}
    internal = tuple(sorted({one.rpartition(":")[0] or one for one in policies.private_hosts} & names))
    facts = RiskFacts(trusted_because="", first_seen_days=max(0, now - server.added) // _DAY, internal_hosts=internal)
    return Asked(
        tenant=request.tenant,
        publisher_id=NO_PUBLISHER,
        publisher_name=PUBLISHER_NAME,
        package_id=subject.package_id,
        version=VERSION,
        content_hash=entry.content_hash,
        bound=False,
        tool=request.tool.name,
        security_level=level,
        arguments=request.arguments.found,
        agent=request.agent,
        user=request.user,
        origin=request.origin,
        now=now,
        risk=risk_unverified(server.declared, level, facts, _reasons(subject)),
        # Whoever added the server agreed to what it may use and to each definition; what is otherwise now is not called.
        consented=True,
        scope=server.scope((*(one.name for one in entry.tools), *BESIDE)),
        internal_hosts=internal,
    )


def level_of_legacy(subject: UnverifiedServer) -> str:
    """At least medium, whatever the server says of its tools."""
    is_open = not subject.entry.server.sandboxed or {FILES, NETWORK} & subject.barriers.missing.keys()
    return "high" if is_open else "medium"


def _reasons(subject: UnverifiedServer) -> Iterator[Reason]:
    server = subject.entry.server
    yield Reason(points=UNVERIFIED_POINTS, words="Is an older MCP server: nobody verified its code or signed what it says of itself.")
    if server.kind == HTTP:
        yield Reason(points=BARRIER_POINTS, words="Runs on another machine: what it is given leaves this one.")
        return
    if not server.sandboxed:
        yield Reason(points=UNSANDBOXED_POINTS, words="Runs without a sandbox: it can do all that its user can.")
    else:
        for name in sorted(subject.barriers.missing):
            yield Reason(points=BARRIER_POINTS, words=f"This machine does not hold it: {name}.")
    if not server.pinned_code:
        yield Reason(points=UNPINNED_POINTS, words="Its code is not pinned: each start may run another one.")


def _judge_narrowing(asked: Asked, token: CapabilityToken) -> None:
    """A running server cannot be narrowed for one call. Attack: a rule that takes a host away, and a server that reaches it all the same."""
    if not covers(replace(token.scope, tools=asked.scope.tools, until=None), asked.scope):
        message = "policy leaves this server less than it may use, and a running server cannot be held to that"
        raise Refused("policy.denied", message, where=asked.package_id, hint="add the server again with less")


def _particulars(request: LegacyRequest, rights: Rights, at: Setting, asked: Asked, verdict: Verdict) -> Particulars:
    privacy = privacy_for(at.privacy, asked, verdict.limits.privacy_patterns)
    return Particulars(
        arguments=request.arguments.data,
        rights_digest=rights.digest,
        uses=(*_own_uses(request.subject), *asked_for(rights), *unfiltered(privacy, FILTERS)),
        # Spec: legacy V-36. A standing approval ends when a pin changes.
        definitions=request.subject.entry.pin,
        shown=b"" if request.shown is None else request.shown.data,
    )


def _own_uses(subject: UnverifiedServer) -> Iterator[str]:
    server = subject.entry.server
    if server.kind == STDIO:
        how = "in a sandbox of the system" if server.sandboxed else "without a sandbox, with all rights of its user"
        yield f"run the program {server.command[0]} on this machine, {how}; nobody verified it"
        yield from (f"do what this machine does not keep it from: {name}" for name in sorted(subject.barriers.missing) if server.sandboxed)
    else:
        yield f"send the arguments to {server.url}; nobody verified who answers there"
