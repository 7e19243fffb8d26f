"""Identity statements: an organisation says that a key is that of an agent. Pure. Spec: spec/identity.md section 5."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy.agent_names import judge_name, name_matches, read_name
from mpp.stages.policy.identity_limits import AGENT_NAME_CHARS_MAX, ROLES_MAX, STATEMENT_BYTES_MAX, STATEMENT_SECONDS_MAX
from mpp.stages.policy.signed_text import judge_window, opened, read_public, read_signed, read_window, write_signed

STATEMENT_TYPE = "application/vnd.mpp.agent-statement+json"
JTI = re.compile("[0-9a-f]{32}")
JTI_FORM = "32 hex digits"
_ROLE = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


@value
class Organisation:
    """Whose statements this host believes, and of which names."""

    name: str
    key: bytes
    may_name: str
    """A name with at most one ``*``."""


@value
class VerifiedStatement:
    agent: str
    public: bytes
    roles: tuple[str, ...]
    issuer: str
    """The id of the organisation's key."""
    organisation: str
    jti: str
    not_after: int


def make_statement(
    signer: Signer, *, agent: str, public: bytes, not_before: int, not_after: int, jti: str, roles: tuple[str, ...] = ()
) -> bytes:  # fmt: skip
    body: dict[str, Json] = {
        "mpp_agent_statement": 1,
        "agent": judge_name(agent, "agent"),
        "key": base64text.encode(public),
        "not_before": not_before,
        "not_after": not_after,
        "jti": jti,
    }
    return write_signed(STATEMENT_TYPE, {**body, "roles": [*roles]} if roles else body, signer)


def verify_statement(data: bytes, organisations: Mapping[str, Organisation], now: int, *, where: str = "statement") -> VerifiedStatement:
    """What an organisation that this host knows says; ``organisations`` by their key ids."""
    signed = read_signed(data, STATEMENT_TYPE, most=STATEMENT_BYTES_MAX, family="agent", where=where)
    issuer = signed.signature.key
    by = organisations.get(issuer)
    if by is None:
        hint = "add it with `mpp agent trust-org`, if this host is to believe it"
        raise Refused("agent.organisation", f"this host does not know the organisation with the key {issuer[:16]}", where=where, hint=hint)
    if not signed.signed_by(by.key):
        raise Refused("agent.signature", "the signature of the statement does not verify", where=where, hint="ask the organisation for it again")
    faults = Faults("agent")
    fields = opened(signed, "mpp_agent_statement", faults, where=where)
    not_before, not_after = read_window(fields, STATEMENT_SECONDS_MAX)
    found = VerifiedStatement(
        agent=read_name(fields, "agent"),
        public=read_public(fields, "key"),
        roles=_read_roles(fields),
        issuer=issuer,
        organisation=by.name,
        jti=fields.text("jti", most=32, pattern=JTI, form=JTI_FORM),
        not_after=not_after,
    )
    fields.end()
    faults.stop()
    # Spec: identity I-40. Attack: one organisation vouches for an agent of another, or for one of this host's own.
    if not name_matches(by.may_name, found.agent):
        hint = f"it may name {by.may_name}; change that with `mpp agent trust-org`"
        raise Refused("agent.may_name", f"{by.name} may not vouch for the name {found.agent}", where=where, hint=hint)
    judge_window(not_before, not_after, now, what="the statement of the organisation", where=where, family="agent")
    return found


def _read_roles(fields: Fields) -> tuple[str, ...]:
    least = 1 if fields.has("roles") else 0
    return fields.texts("roles", most=ROLES_MAX, each_most=AGENT_NAME_CHARS_MAX, least=least, pattern=_ROLE, form="a role such as reader")
