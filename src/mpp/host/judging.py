"""One call is judged anew each time: stops, policy, approval. It ends as a grant or as a question, and nothing in between goes on.

Spec: spec/3-policy.md, spec/4-approval.md; the order is that of spec/call-contract.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, TypeVar

from mpp.errors import Fault, Refused
from mpp.host.described import to_look_at
from mpp.host.filtering import Filters
from mpp.host.granting import Places, elsewhere, rights_for
from mpp.host.host_key import HostKey
from mpp.host.known import About, forget, keep, Known, known, KNOWN_MAX
from mpp.host.measured import Spent
from mpp.host.stops import StopStore
from mpp.host.stores.approvals import ApprovalsStore
from mpp.host.watched import Watched
from mpp.model.agents import AgentIdentity
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.rights import Rights
from mpp.model.rights_words import asked_for
from mpp.model.scope import Scope, scope_of
from mpp.model.value import value
from mpp.model.words import layer_uses
from mpp.ports import Clock, Events, Random
from mpp.stages.approval import (
    Approvers,
    Call,
    Consent,
    Desk,
    Grant,
    Kept,
    Particulars,
    Question,
    action_of,
    consent_event,
    consent_of,
    definitions_digest,
    keeps,
)
from mpp.stages.approval import judge as judge_approval
from mpp.stages.archive import MANIFEST_NAME
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import (
    Asked,
    CallPrivacy,
    CapabilityToken,
    Denied,
    Granted,
    Policies,
    PrivacyRules,
    RequiresConfirmation,
    Risk,
    RiskFacts,
    Verdict,
    decide,
    decision_event,
    level_of,
    privacy_for,
    risk_of,
    token_event,
    token_for,
    unfiltered,
)
from mpp.stages.sandbox import Arguments

BY_POLICY = "policy:"
"""How the name of a policy begins where a consent says by whom it is."""

_DAY = 24 * 3600


@value
class Request:
    """One call as a front took it: everything in it is verified or judged in its form."""

    invocation: str
    package: VerifiedPackage
    tool: ToolDefinition
    arguments: Arguments
    """What the tool is given."""
    agent: AgentIdentity
    user: str
    origin: str
    tenant: str
    development: bool = False
    shown: Arguments | None = None
    """The arguments as people and the record see them, where that is not what the tool is given. Spec: 6-privacy F-35."""


@value
class Setting:
    """What calls of one tenant are judged by. A call keeps the one that it began with."""

    policies: Policies
    places: Places
    fleet: bool
    """Is this host one of a fleet, where no option of a command is a person's answer?"""
    strength: str = ""
    """The least strength of any approval on this machine."""
    faults: tuple[Fault, ...] = ()
    """What the owner of this host should know of its policies. They are safe to use all the same."""

    @property
    def privacy(self) -> PrivacyRules:
        """What the policies say of the privacy filter."""
        return self.policies.privacy


@value
class Services:
    """What judging needs of this host, once for all calls."""

    clock: Clock
    random: Random
    events: Events
    approvals: ApprovalsStore
    approvers: Watched[Approvers]
    host: HostKey
    stops: StopStore
    pseudonym: Callable[[str], str]
    """What the record calls a user."""
    filters: Filters
    """The privacy filter."""

    def telling(self, events: Events) -> Services:
        """The same, whose events go elsewhere."""
        return Services(
            clock=self.clock, random=self.random, events=events, approvals=self.approvals, approvers=self.approvers, host=self.host, stops=self.stops,
            pseudonym=self.pseudonym, filters=self.filters,
        )  # fmt: skip

    def desk(self, *, fleet: bool, least: str = "") -> Desk:
        """What approval needs of it."""
        return Desk(
            approvals=self.approvals,
            approvers=self.approvers.current(),
            host=self.host.signer,
            random=self.random,
            events=self.events,
            fleet=fleet,
            least=least,
        )


@value
class Judged:
    """A call that may run: once its warrant is issued."""

    grant: Grant
    rights: Rights
    asked: Asked
    verdict: Verdict
    binding: str
    """Names the approved action; empty where nobody was asked."""
    spent: Spent = ()
    """How long judging took, by stage, where it was measured."""


def privacy_of(judged: Judged, at: Setting) -> CallPrivacy:
    """What the policies say of filtering this call."""
    return privacy_for(at.privacy, judged.asked, judged.verdict.limits.privacy_patterns)


def judge(request: Request, at: Setting, on: Services) -> Judged | Question:
    """A grant, or a question for a person. What is stopped or denied is ``Refused``."""
    signed, now, begun = known(request.package), on.clock.now(), time.perf_counter()
    on.stops.current().judge(signed.package_id, signed.publisher_id, signed.content_hash)
    consent, kept = known_consent(request, on.approvals)
    asked = asked_of(request, at.policies, consent, kept, now)
    decision, token = decided(request, asked, at, on)
    verdict, at_policy = decision.verdict, time.perf_counter()
    rights = placed(request.package.manifest, token, request, at)
    binding = ""
    if isinstance(decision, Granted):
        _look(request, kept)
        grant = by_policy(request, token, verdict)
    else:
        given = particulars(request, rights, kept, privacy_for(at.privacy, asked, verdict.limits.privacy_patterns))
        call = Call(asked=asked, need=decision, given=given, token=token, invocation=request.invocation)
        found = judge_approval(call, on.desk(fleet=at.fleet, least=at.strength))
        if isinstance(found, Question):
            return found
        grant, binding = found, action_of(asked, verdict, given).binding
    keep_rate(asked, verdict, on, now)
    if consent is None or (grant.because == "approval" and not kept.kept):
        _consent(request, grant, verdict, on, now)
    on.events.record(token_event("token-granted", token, request.invocation, now))
    spent = (("policy", at_policy - begun), ("approval", time.perf_counter() - at_policy))
    return Judged(grant=grant, rights=rights, asked=asked, verdict=verdict, binding=binding, spent=spent)


def known_consent(request: Request, approvals: ApprovalsStore) -> tuple[Consent | None, Kept]:
    """What somebody agreed to before, and whether it still holds for the package as it is now."""
    signed = known(request.package)
    consent = approvals.consent(request.tenant, signed.publisher_id, signed.package_id)
    # Attack: a rule that allows a harmless tool, taken for a person's yes to all that the package declares.
    if consent is None or consent.by.startswith(BY_POLICY):
        return consent, _NOT_KEPT
    return consent, _keeps(consent, signed, request.tenant)


_NOT_KEPT = Kept(kept=False)


@lru_cache(KNOWN_MAX)
def _keeps(consent: Consent, signed: Known, tenant: str) -> Kept:
    return keeps(consent, signed.package.manifest, tenant=tenant, publisher_id=signed.package.publisher_id)


def _about(signed: Known, tool: ToolDefinition, private_hosts: tuple[str, ...], days: int | None, development: bool) -> About:
    manifest, because = signed.package.manifest, signed.package.trusted_because
    internal = tuple(rule.host for rule in manifest.capabilities.network if not rule.wildcard and _is_internal(rule.host, private_hosts))
    facts = RiskFacts(trusted_because=because, first_seen_days=days, internal_hosts=internal, development=development)
    # What is equal is one object from here on, and is compared by that alone: days pass, and most risks stay as they are.
    return About(level_of(manifest, tool), _one(risk_of(manifest, tool, facts)), _one(scope_of(manifest)), internal)


One = TypeVar("One", Risk, Scope)


@lru_cache(KNOWN_MAX)
def _one(found: One) -> One:
    return found


def asked_of(request: Request, policies: Policies, consent: Consent | None, kept: Kept, now: int) -> Asked:
    """The call as policy sees it."""
    signed = known(request.package)
    days = None if consent is None else max(0, now - consent.at) // _DAY
    tool, hosts = request.tool, policies.private_hosts
    row = signed.abouts.get(key := (tool.name, hosts, days, request.development))
    if row is None or row[0] is not tool:
        row = keep(signed.abouts, key, (tool, _about(signed, tool, hosts, days, request.development)))
    about = row[1]
    return Asked(
        tenant=request.tenant,
        publisher_id=signed.publisher_id,
        publisher_name=signed.publisher_name,
        package_id=signed.package_id,
        version=signed.version,
        content_hash=signed.content_hash,
        bound=signed.bound,
        tool=tool.name,
        security_level=about.security_level,
        arguments=request.arguments.found,
        agent=request.agent,
        user=request.user,
        origin=request.origin,
        now=now,
        risk=about.risk,
        consented=kept.kept,
        scope=about.scope,
        internal_hosts=about.internal_hosts,
    )


def with_real_places(asked: Asked, at: Setting) -> Asked:
    """Spec: 3-policy P-39. Attack: a link that somebody left in an allowed folder, so that a rule about the folder opens another place."""
    scope = asked.scope
    if not scope.read and not scope.write:
        return asked
    mapped = {**at.places.mappings, **at.policies.mappings}
    read, write = elsewhere(scope.read, mapped), elsewhere(scope.write, mapped)
    if not read and not write:
        return asked
    return replace(asked, scope=replace(scope, read=(*scope.read, *read), write=(*scope.write, *write)))


def _is_internal(host: str, private_hosts: tuple[str, ...]) -> bool:
    return any(one.rpartition(":")[0] == host or one == host for one in private_hosts)


def placed(manifest: Manifest, token: CapabilityToken, request: Request, at: Setting) -> Rights:
    """What the token opens, as rights on this machine. Where policy places a path, nobody else does."""
    asked = manifest.capabilities
    if not (asked.read or asked.write or asked.hardware or at.places.mappings):
        # Nothing of this machine is in it but names of hosts, so it is the same each time.
        signed, scope, hosts, home = known(request.package), token.scope, at.policies.private_hosts, at.places.home
        row = signed.rights.get(key := (request.tenant, request.tool.name, hosts, home))
        if row is None or row[0] is not scope:
            row = keep(signed.rights, key, (scope, _placeless(signed, request.tenant, scope, hosts, home)))
        return row[1]
    declared = {*manifest.capabilities.read, *manifest.capabilities.write, *(one.path for one in manifest.capabilities.hardware)}
    fixed: Mapping[str, str] = {path: place for path, place in at.policies.mappings.items() if path in declared}
    return rights_for(
        manifest,
        tenant=request.tenant,
        publisher_id=request.package.publisher_id,
        content_hash=request.package.content_hash,
        places=replace(at.places, mappings={**at.places.mappings, **fixed}),
        scope=token.scope,
        private_hosts=at.policies.private_hosts,
    )


def _look(request: Request, kept: Kept) -> tuple[str, ...]:
    """What hides something is refused, whoever allows it, unless somebody agreed to this very text."""
    if kept.kept:
        return ()
    signed = known(request.package)
    if signed.looks is None:
        signed.looks = to_look_at(signed.package.manifest)
    return signed.looks


@lru_cache(KNOWN_MAX)
def _placeless(signed: Known, tenant: str, scope: Scope, private_hosts: tuple[str, ...], home: str) -> Rights:
    package = signed.package
    return rights_for(
        package.manifest, tenant=tenant, publisher_id=package.publisher_id, content_hash=package.content_hash, places=Places(home=home, mappings={}), scope=scope,
        private_hosts=private_hosts,
    )  # fmt: skip


def forget_packages() -> None:
    """Let go of all packages of which something was worked out. Whoever serves packages says so when they changed.

    Attack: a publisher of large updates. Each version that was called once would stay in memory, with a descriptor.
    """
    for kept in (_keeps, _one, _placeless):
        kept.cache_clear()
    forget()


def particulars(request: Request, rights: Rights, kept: Kept, privacy: CallPrivacy) -> Particulars:
    """What the question shows beyond what policy saw. What hides something from whoever agrees is refused before anybody is asked."""
    looks = _look(request, kept)
    return Particulars(
        arguments=request.arguments.data,
        rights_digest=rights.digest,
        # Attack: a yes that was given while answers were filtered, and that lives on when they are not. What is not filtered is a right as any other.
        uses=(*asked_for(rights), *layer_uses(request.package.manifest.runtime), *unfiltered(privacy, request.package.manifest.privacy_filters)),
        definitions=definitions_digest(request.package.manifest),
        includes_consent=not kept.kept,
        growth=(*kept.lines, *looks),
        shown=b"" if request.shown is None else request.shown.data,
    )


class Requested(Protocol):
    """A call of a package or of an older server, as far as policy and its grant go by it."""

    @property
    def invocation(self) -> str: ...

    @property
    def tool(self) -> Named: ...

    @property
    def arguments(self) -> Arguments: ...

    @property
    def agent(self) -> AgentIdentity: ...

    @property
    def user(self) -> str: ...


class Named(Protocol):
    @property
    def name(self) -> str: ...


def decided(request: Requested, asked: Asked, at: Setting, on: Services) -> tuple[Granted | RequiresConfirmation, CapabilityToken]:
    """What policy says, with what may be opened. It is in the record before anything follows from it; a no is ``Refused``."""
    seen = with_real_places(asked, at)
    decision = decide(seen, at.policies)
    on.events.record(decision_event(seen, decision.verdict, request.invocation, request.arguments.sha256, on.pseudonym(request.user)))
    if isinstance(decision, Denied):
        where = f"{asked.package_id}: {request.tool.name}"
        raise Refused("policy.denied", decision.reason, where=where, hint="`mpp policy explain` says which rule decided and what would change it")
    return decision, decision.token if isinstance(decision, Granted) and seen is asked else token_for(asked, decision.verdict)


def by_policy(request: Requested, token: CapabilityToken, verdict: Verdict) -> Grant:
    """A rule lets it through: nobody is asked."""
    return Grant(
        token=token,
        invocation=request.invocation,
        tool=request.tool.name,
        argument_sha256=request.arguments.sha256,
        agent=request.agent,
        because="policy",
        rule=_rule(verdict),
    )


def _rule(verdict: Verdict) -> str:
    one = verdict.decisive
    return f"{one.layer}/{one.policy}/{one.rule}"


def keep_rate(asked: Asked, verdict: Verdict, on: Services, now: int) -> None:
    """Counted among all processes of this home, for each tool and agent."""
    most = verdict.limits.calls_per_minute
    if not most:
        return
    # Attack: a name that is only claimed, and another one for each call. Those share one count.
    agent = asked.agent.name if asked.agent.at_least("token") else ""
    key = f"{asked.tenant}/{asked.publisher_id}/{asked.package_id}/{asked.tool}/{agent}"
    if not on.approvals.take(key, most, now):
        raise Refused("policy.rate", f"policy allows {most} calls a minute, and they are used up", where=asked.package_id, hint="call again in a minute")


def _consent(request: Request, grant: Grant, verdict: Verdict, on: Services, now: int) -> None:
    """A yes of a person is kept: what grows is asked anew. That a policy allowed a first call is kept too, and is nobody's yes."""
    package = request.package
    manifest = package.read(MANIFEST_NAME) or b""
    by = f"{BY_POLICY}{_rule(verdict)}" if grant.because == "policy" else ", ".join(grant.approvers)
    consent = consent_of(package.manifest, manifest, tenant=request.tenant, publisher_id=package.publisher_id, by=by, amr=grant.amr, now=now)
    on.approvals.put_consent(consent)
    on.events.record(consent_event(consent, invocation=request.invocation))
