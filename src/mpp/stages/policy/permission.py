"""The policy of a host that writes it in its own code, in the words of the integration guide.

    PermissionPolicy().trust_package("com.example.notes").auto_approve_low(True).evaluate(found.manifest)

It is one layer of four rules and needs no document. Whoever wants more (tools, arguments, agents, limits) writes a policy document,
whose verdicts have the same types. Spec: spec/3-policy.md section 5.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical, shown
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.model.scope import scope_of
from mpp.model.value import value
from mpp.model.words import capability_words
from mpp.stages.gatekeeper import VerifiedManifest, VerifiedPackage, package_of
from mpp.stages.policy.risk import BOUND, RiskFacts, level_of, risk_of
from mpp.stages.policy.token import CapabilityToken, mint
from mpp.stages.policy.types import Decided, Denied, Granted, Limits, PolicyDecision, RequiresConfirmation, Risk, Verdict

POLICY_NAME = "host code"
LAYER = "user"
LOCAL = "local"
"""The tenant of a host that serves one."""


@value
class PermissionPolicy:
    """Each call gives a new policy; the old one stays as it was. Without any, everything is asked about."""

    trusted: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    approves_low: bool = False
    denies_by_default: bool = False
    tenant: str = LOCAL
    first_seen_days: int | None = None
    internal_hosts: tuple[str, ...] = ()

    def trust_package(self, package_id: str) -> PermissionPolicy:
        """Let this package run without a question, if its id is bound to its publisher here; otherwise it is asked about."""
        return replace(self, trusted=self.trusted | {_package_id(package_id)})

    def deny_package(self, package_id: str) -> PermissionPolicy:
        """Never let it run, whatever else is said of it."""
        return replace(self, denied=self.denied | {_package_id(package_id)})

    def auto_approve_low(self, approves: bool = True) -> PermissionPolicy:
        """Let what is low in risk and in security level run without a question."""
        return replace(self, approves_low=approves)

    def deny_by_default(self, denies: bool = True) -> PermissionPolicy:
        """Deny where one would be asked: for pipelines, where nobody is there to answer."""
        return replace(self, denies_by_default=denies)

    def for_tenant(self, tenant: str) -> PermissionPolicy:
        """The tokens of this policy are for one tenant of a host that serves several."""
        return replace(self, tenant=tenant)

    def knowing(self, *, first_seen_days: int | None = None, internal_hosts: tuple[str, ...] = ()) -> PermissionPolicy:
        """What this host knows and the risk score asks for."""
        return replace(self, first_seen_days=first_seen_days, internal_hosts=internal_hosts)

    def evaluate(self, manifest: VerifiedManifest, tool: str = "") -> PolicyDecision:
        """What may be done with the package, or with one of its tools. Spec: 3-policy R-20 to R-26.

        Attack: a manifest that nobody verified, or one that was changed since.
        """
        package = package_of(manifest)
        chosen = _tool(package.manifest, tool) if tool else None
        facts = RiskFacts(trusted_because=package.trusted_because, first_seen_days=self.first_seen_days, internal_hosts=self.internal_hosts)
        risk = risk_of(package.manifest, chosen, facts)
        decided = self._decide(package, risk)
        verdict = Verdict(effect=decided.effect, limits=Limits(), decided=(decided,), risk=risk, policy_digest=self.digest)
        if decided.effect == "deny":
            return Denied(reason=decided.why, verdict=verdict)
        if decided.effect == "ask":
            words = capability_words(package.manifest.capabilities)
            return RequiresConfirmation(capabilities=words, security_level=level_of(package.manifest, chosen), verdict=verdict)
        return Granted(token=self.token(package, tool), verdict=verdict)

    def token(self, package: VerifiedPackage, tool: str = "") -> CapabilityToken:
        """A token for all that the package declares. Only who was granted it, or has a person's yes, asks for it."""
        scope = scope_of(package.manifest)
        return mint(
            tenant=self.tenant,
            publisher_id=package.publisher_id,
            package_id=package.package_id,
            content_hash=package.content_hash,
            scope=replace(scope, tools=(tool,)) if tool else scope,
        )

    @property
    def digest(self) -> str:
        """What an approval is bound to: a change of the policy makes it void."""
        said: dict[str, Json] = {
            "trusted": [*sorted(self.trusted)],
            "denied": [*sorted(self.denied)],
            "approves_low": self.approves_low,
            "denies_by_default": self.denies_by_default,
            "tenant": self.tenant,
        }
        return hashlib.sha256(canonical(said)).hexdigest()

    def _decide(self, package: VerifiedPackage, risk: Risk) -> Decided:
        """Deny before ask before allow: no order of calls changes the outcome."""
        name = package.package_id
        if name in self.denied:
            return _decided("deny_package", "deny", f"the host denies {name}")
        bound = package.trusted_because in BOUND
        if name in self.trusted and not bound:
            # Attack: an id that a stranger uses. Only a binding says that it is the package that was meant.
            return self._unsure("trust_package", f"{name} is trusted, but its id is not bound to its publisher here")
        if name in self.trusted:
            return _decided("trust_package", "allow", f"the host trusts {name}, and its id is bound to its publisher")
        if self.approves_low and risk.band == "low":
            return _decided("auto_approve_low", "allow", f"the risk is low ({risk.score} of 100)")
        return self._unsure("default", f"nothing allows {name} (risk {risk.band}, {risk.score} of 100)")

    def _unsure(self, rule: str, why: str) -> Decided:
        if self.denies_by_default:
            return _decided(rule, "deny", f"{why}, and nobody is asked on this host")
        return _decided(rule, "ask", why)


def _decided(rule: str, effect: str, why: str) -> Decided:
    return Decided(layer=LAYER, policy=POLICY_NAME, rule=rule, effect=effect, why=why)


def _tool(manifest: Manifest, name: str) -> ToolDefinition:
    found = next((tool for tool in manifest.tool_definitions if tool.name == name), None)
    if found is None:
        raise Refused("policy.tool", f"the package has no tool {shown(name)!r}", where="tool", hint="name one of the tools of its manifest")
    return found


def _package_id(name: str) -> str:
    # Attack: a pattern, or another spelling, that seems to be trusted and means nothing, or more than was meant.
    if PACKAGE_ID.fullmatch(name) is None:
        raise Refused(
            "policy.package", f"{shown(name)!r} is not {PACKAGE_ID_FORM}", where="package_id", hint="write the id that `mpp inspect` shows, without '*'"
        )
    return name
