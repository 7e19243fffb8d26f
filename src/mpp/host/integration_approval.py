"""A person's yes for a host with its own dialogue: bound to one request, good for one run. Spec: spec/3-policy.md section 5."""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from typing import Final

from mpp.errors import Refused
from mpp.host.integration_types import read_request
from mpp.host.oncall import judge_arguments
from mpp.host.system import SystemRandom
from mpp.model.agents import AgentIdentity
from mpp.model.value import value
from mpp.stages.approval import Grant, enough, needed_strength
from mpp.stages.approval.limits import ANSWER_SECONDS_MAX
from mpp.stages.approval.types import VOUCHED
from mpp.stages.gatekeeper import VerifiedManifest, VerifiedPackage, package_of
from mpp.stages.policy import CapabilityToken, PermissionPolicy, held_by
from mpp.stages.policy.types import Denied, Granted
from mpp.stages.sandbox import Arguments

JTI_BYTES = 16
"""Bytes of the one-time name of an approval. Reason: never the same twice."""


@value
class Approved:
    """What a person agreed to when the token was made: one request, once."""

    token: CapabilityToken
    """What is granted. The one that the host holds opens no tool by itself, so narrowing it does not shake off the approval."""
    argument_sha256: str
    by: str
    amr: str
    jti: str
    until: int
    rule: str


BY_CHARS_MAX = 200
"""Characters of the name of whoever said yes. Reason: it stands in the record, whose lines are bounded."""

_APPROVED: Final[weakref.WeakKeyDictionary[CapabilityToken, Approved]] = weakref.WeakKeyDictionary()
"""As tokens are handles, so is what stands behind an approved one."""


def approve(policy: PermissionPolicy, manifest: VerifiedManifest, request: bytes, *, by: str, amr: str = "tty", now: int | None = None) -> CapabilityToken:
    """A token for one run of exactly this request, after a person said yes to it in the host's own dialogue.

    ``amr`` is what the host itself saw: flag, elicitation or tty, which count up to the level medium. What is high or critical needs an answer that an
    approver signed, so it is refused here. Spec: 3-policy R-27, R-28.
    """
    if not 1 <= len(by) <= BY_CHARS_MAX or not by.isprintable():
        raise Refused("approval.name", f"say in 1 to {BY_CHARS_MAX} printable characters who said yes", where="by", hint="give the name of a person")
    package, moment = package_of(manifest), int(time.time()) if now is None else now
    tool, arguments = read_request(request, package.manifest)
    judge_arguments(tool, arguments)
    decision = policy.evaluate(manifest, tool.name)
    if isinstance(decision, Denied):
        raise Refused("policy.denied", decision.reason, where=f"{package.package_id}: {tool.name}", hint="no approval lifts a denial; change the policy")
    if isinstance(decision, Granted):
        return decision.token
    needed = needed_strength((decision.security_level, decision.verdict.risk.band), decision.verdict.limits)
    if amr not in VOUCHED or not enough(amr, needed):
        message = f"this call needs an answer of the strength {needed}, and a host cannot vouch for more than tty"
        raise Refused("approval.weak", message, where=f"{package.package_id}: {tool.name}", hint="ask through an approval channel of MPP")
    granted = policy.token(package, tool.name)
    token = granted.attenuate(replace(granted.scope, tools=()))
    _APPROVED[token] = Approved(
        token=granted,
        argument_sha256=arguments.sha256,
        by=by,
        amr=amr,
        jti=SystemRandom().bytes(JTI_BYTES).hex(),
        until=moment + ANSWER_SECONDS_MAX,
        rule=f"{decision.verdict.decisive.policy}/{decision.verdict.decisive.rule}",
    )
    return token


def granted_by(token: CapabilityToken | None, package: VerifiedPackage, tenant: str) -> tuple[CapabilityToken, Approved | None]:
    """The token that is granted, for exactly this package, and the person's yes behind it, if there is one."""
    if token is None:
        raise Refused("token.absent", "nothing runs without a capability token", where="capability_token", hint="take it from Granted, or from approve()")
    held = held_by(token)
    if (held.tenant, held.publisher_id, held.package_id, held.content_hash) != (tenant, package.publisher_id, package.package_id, package.content_hash):
        message = "the token is for another package, content, publisher or tenant"
        raise Refused("token.package", message, where=package.package_id, hint="evaluate the policy for this package")
    approved = _APPROVED.get(token)
    return (token, None) if approved is None else (approved.token, approved)


def judge_tool(token: CapabilityToken, approved: Approved | None, tool: str, arguments: Arguments) -> None:
    if tool not in token.scope.tools:
        raise Refused("token.tool", f"the token does not open the tool {tool}", where=token.package_id, hint="ask for a token for this tool")
    # Attack: another request, or other arguments, behind a yes.
    if approved is not None and approved.argument_sha256 != arguments.sha256:
        raise Refused("token.call", "the person approved other arguments than these", where=tool, hint="ask again for this request")


def grant_of(token: CapabilityToken, approved: Approved | None, tool: str, arguments: Arguments, agent: AgentIdentity, invocation: str) -> Grant:
    """The grant of the policy, or of the person who approved this request."""
    grant = Grant(token=token, invocation=invocation, tool=tool, argument_sha256=arguments.sha256, agent=agent, because="policy")
    if approved is None:
        return grant
    return replace(
        grant, because="approval", approvers=(approved.by,), amr=approved.amr, jti=approved.jti, until=approved.until, rule=approved.rule
    )  # fmt: skip
