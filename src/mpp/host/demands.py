"""What the sandbox demands before it opens anything, and before it runs anything: a token that covers it, and a warrant for this very call.

All of it is refused, never mended: whoever meets ``token.*`` has mixed up two packages, two calls or two times. Spec: 5-sandbox S-71 to S-75.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from mpp.errors import Refused
from mpp.host.granting import guest_path
from mpp.model.calls import CallContext
from mpp.model.jsontext import shown
from mpp.model.rights import Rights
from mpp.model.scope import Scope, path_covered, rule_covered
from mpp.stages.approval import Grant
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import Held, held_by

COVERED_KEPT_MAX = 256
"""Pairs of a scope and rights whose comparison is kept. Reason: a host has tens of packages in use; each pair is compared once, not at each call."""


def judge_opening(token: object, package: VerifiedPackage, rights: Rights) -> Held:
    """What the token stands for, if it is one, names exactly this package, and opens all that the rights name."""
    held = held_by(token)
    named = (held.publisher_id, held.package_id, held.content_hash)
    if named != (package.publisher_id, package.package_id, package.content_hash) or not _names(held, rights):
        raise _foreign(package.package_id)
    _judge_scope(held, rights)
    return held


def judge_call(grant: Grant, rights: Rights, context: CallContext, argument_sha256: str, now: int, opened_with: Scope | None = None) -> Held:
    """What the grant's token stands for, if the grant is for exactly this call and opens all that the rights name.

    ``opened_with``: a scope that is known to open the rights, so that a call with an equal one costs a few comparisons.
    """
    held = held_by(grant.token)
    named = (held.tenant, held.publisher_id, held.package_id, held.content_hash)
    if not _names(held, rights) or named != (context.tenant, context.publisher_id, context.package_id, context.content_hash):
        raise _foreign(rights.package_id)
    agent, given = grant.agent, (context.agent, context.agent_proof, context.agent_key, context.agent_issuer, context.delegation)
    who = (agent.name, agent.level, agent.key, agent.issuer, agent.behind)
    if (grant.invocation, grant.tool, grant.argument_sha256, who) != (context.invocation, context.tool, argument_sha256, given):
        # Attack: an approved call whose arguments, tool or caller are exchanged before it runs.
        message = "the warrant is for another call: another tool, other arguments, another agent or another invocation"
        raise Refused("token.call", message, where=shown(context.tool), hint="ask policy and approval for this call")
    end = held.scope.until
    if end is not None and now > end:
        raise Refused("token.expired", "the right to call has ended", where=held.package_id, hint="ask for it again")
    if held.scope is not opened_with and held.scope != opened_with:
        _judge_scope(held, rights)
    return held


def judge_values(env: tuple[tuple[str, str], ...], rights: Rights) -> None:
    """Refuse a value for a variable that was not opened."""
    for name, _ in env:
        if name not in rights.env:
            raise Refused(
                "token.beyond", f"the variable {shown(name)} is not among the rights", where=rights.package_id, hint="give values for granted names only"
            )


def _names(held: Held, rights: Rights) -> bool:
    return (held.tenant, held.publisher_id, held.package_id, held.content_hash) == (
        rights.tenant, rights.publisher_id, rights.package_id, rights.content_hash,
    )  # fmt: skip


def _foreign(package_id: str) -> Refused:
    return Refused("token.package", "the token is for another package, content, publisher or tenant", where=package_id, hint="ask for this package")


def _judge_scope(held: Held, rights: Rights) -> None:
    missing = beyond(held.scope, rights)
    if missing:
        message = f"the token does not open {', '.join(missing)}"
        raise Refused("token.beyond", message, where=rights.package_id, hint="make the rights from the token's scope, or ask for more")


@functools.lru_cache(maxsize=COVERED_KEPT_MAX)
def beyond(scope: Scope, rights: Rights) -> tuple[str, ...]:
    """What the rights open and the scope does not, in a few words each. Both are frozen, so the answer holds."""
    return tuple(_beyond(scope, rights))


def _beyond(scope: Scope, rights: Rights) -> Iterator[str]:
    """Folders are compared as the guest sees them: there a path of the workspace has one name."""
    written = tuple(map(guest_path, scope.write))
    seen = (*map(guest_path, scope.read), *written)
    for folder in rights.folders:
        if not path_covered(folder.guest, written if folder.write else seen):
            yield f"{shown(folder.guest)} for {'writing' if folder.write else 'reading'}"
    for device in rights.devices:
        if not any(had.path == device.guest and set(device.mode) <= set(had.mode) for had in scope.devices):
            yield f"the device {shown(device.guest)} ({device.mode})"
    yield from (f"requests to {rule.host}" for rule in rights.network if not rule_covered(rule, scope.network))
    yield from (f"the variable {name}" for name in rights.env if name not in scope.env)
    yield from (f"the secret {one.name}" for one in rights.secrets if one not in scope.secrets)
    if rights.kv_max_bytes > scope.kv_max_bytes:
        yield f"{rights.kv_max_bytes} bytes of storage"
