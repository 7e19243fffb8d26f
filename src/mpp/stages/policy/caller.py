"""Who calls, proven: an agent signs each call, and the proof fits this call on this host, once. Pure.

What is verified here says nothing of whether it was used before: the host spends ``VerifiedProof.once`` before the call goes on.
Spec: spec/identity.md section 4.
"""

from __future__ import annotations

import re

from mpp.crypto import base64text
from mpp.crypto.ed25519 import KEY_ID, key_id
from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.events import Event
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical
from mpp.model.jsontext import read as read_json
from mpp.model.limits import NAME_MAX, PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, SHA256_HEX, SHA256_HEX_FORM, TOOL_NAME, TOOL_NAME_FORM
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy.agent_names import judge_name, read_name
from mpp.stages.policy.agent_statement import JTI, JTI_FORM
from mpp.stages.policy.delegation import KnownKeys, Link, read_link, verify_delegations
from mpp.stages.policy.identity_limits import (
    DELEGATIONS_MAX,
    IDENTITY_TIME_MAX,
    PROOF_AGE_SECONDS_MAX,
    PROOF_AHEAD_SECONDS_MAX,
    PROOF_BYTES_MAX,
    PROOF_KEPT_SECONDS,
)
from mpp.stages.policy.signed_text import Signed, opened, read_public, read_signed, write_signed

PROOF_TYPE = "application/vnd.mpp.agent-proof+json"
_PACKAGE = re.compile(rf"{KEY_ID.pattern}/{PACKAGE_ID.pattern}")


@value
class CallFacts:
    """What a proof must be about: this call on this host."""

    audience: str
    """The full id of the host's key."""
    tool: str
    publisher_id: str
    package_id: str
    argument_sha256: str

    @property
    def package(self) -> str:
        return f"{self.publisher_id}/{self.package_id}"


@value
class VerifiedProof:
    """It holds for the call it was judged for. It has not been spent yet."""

    agent: str
    key: str
    user: str
    """Whom the agent says it calls for. Only its word, unless a delegation says the same."""
    behind: tuple[Delegation, ...]
    jti: str
    issued: int

    @property
    def once(self) -> str:
        """The name under which it is spent."""
        return self.key + self.jti

    @property
    def kept_until(self) -> int:
        """How long it must be remembered as spent."""
        return self.issued + PROOF_AGE_SECONDS_MAX + PROOF_KEPT_SECONDS


def make_proof(
    agent: str, facts: CallFacts, signer: Signer, *, jti: str, now: int, user: str = "", delegation: tuple[bytes, ...] = (), with_key: bool = False
) -> bytes:  # fmt: skip
    """A proof for one call. ``delegation``: the links by which the agent acts for somebody, the first one first.

    ``with_key``: the public key goes along, for a host that gets to know it by an ID token.
    """
    body: dict[str, Json] = {
        "mpp_agent_proof": 1,
        "agent": judge_name(agent, "agent"),
        "aud": facts.audience,
        "tool": facts.tool,
        "package": facts.package,
        "argument_sha256": facts.argument_sha256,
        "jti": jti,
        "iat": now,
    }
    if with_key:
        body["key"] = base64text.encode(signer.public_key)
    if user:
        body["user"] = judge_name(user, "user")
    if delegation:
        body["delegation"] = [read_json(link, family="agent", where="delegation") for link in delegation]
    return write_signed(PROOF_TYPE, body, signer)


@value
class _Proof:
    """A proof as read. Nothing in it is verified yet."""

    agent: str
    audience: str
    tool: str
    package: str
    argument_sha256: str
    jti: str
    issued: int
    user: str
    links: tuple[Link, ...]
    public: bytes
    """The key as the proof carries it along; empty if it does not. It is believed only where somebody else names it."""
    signed: Signed


def read_and_verify(data: bytes, expected: CallFacts, known: KnownKeys, now: int, *, where: str = "proof") -> VerifiedProof:
    """Judge one proof. The signature first, so that what is said of the rest is said to the owner of the key."""
    proof = _read(data, where)
    public = (known("agent", proof.agent) or {}).get(proof.signed.signature.key)
    if public is None:
        hint = f"add its key with `mpp agent add {proof.agent}`, or send a statement of an organisation that this host knows"
        raise Refused("agent.key", f"this host knows no such key of the agent {proof.agent}", where=where, hint=hint)
    if not proof.signed.signed_by(public):
        raise Refused("agent.signature", "the signature of the proof does not verify", where=where, hint="make a new proof for each call")
    _judge_call(proof, expected, where)
    _judge_time(proof.issued, now, where)
    behind = verify_delegations(proof.links, proof.agent, public, known, now, where=where)
    user = behind[-1].name if behind and behind[-1].kind == "user" else ""
    if user and proof.user and user != proof.user:
        raise Refused("agent.contradiction", "the proof names one user, and its delegation another", where=where, hint="name the user that it acts for")
    return VerifiedProof(agent=proof.agent, key=proof.signed.signature.key, user=proof.user, behind=behind, jti=proof.jti, issued=proof.issued)


def _read(data: bytes, where: str) -> _Proof:
    signed = read_signed(data, PROOF_TYPE, most=PROOF_BYTES_MAX, family="agent", where=where)
    faults = Faults("agent")
    fields = opened(signed, "mpp_agent_proof", faults, where=where)
    proof = _Proof(
        agent=read_name(fields, "agent"),
        audience=fields.text("aud", most=64, pattern=KEY_ID, form="the id of a host's key"),
        tool=fields.text("tool", most=NAME_MAX, pattern=TOOL_NAME, form=TOOL_NAME_FORM),
        package=fields.text("package", most=65 + PACKAGE_ID_MAX, pattern=_PACKAGE, form="publisher id, '/', package id"),
        argument_sha256=fields.text("argument_sha256", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        jti=fields.text("jti", most=32, pattern=JTI, form=JTI_FORM),
        issued=fields.number("iat", least=0, most=IDENTITY_TIME_MAX),
        user=read_name(fields, "user") if fields.has("user") else "",
        links=_read_links(fields),
        public=read_public(fields, "key") if fields.has("key") else b"",
        signed=signed,
    )
    if fields.has("key") and key_id(proof.public) != signed.signature.key:
        faults.add("form", fields.path("key"), "is not the key that signed the proof", "let the agent send its own key")
    fields.end()
    faults.stop()
    return proof


def claimed_agent(data: bytes, *, where: str = "proof") -> str:
    """The name under which a proof comes. Nothing is verified."""
    return _read(data, where).agent


def claimed_key(data: bytes, *, where: str = "proof") -> bytes:
    """The key that a proof carries along. Nothing is verified: whoever asks must find it named by somebody whom this host believes."""
    public = _read(data, where).public
    if not public:
        raise Refused("agent.confirmation", "the proof does not carry the key that the ID token names", where=where, hint="make it with the key in it")
    return public


def _read_links(fields: Fields) -> tuple[Link, ...]:
    least = 1 if fields.has("delegation") else 0
    found = fields.items("delegation", most=DELEGATIONS_MAX, least=least)
    return tuple(read_link(canonical(item), where=f"{fields.path('delegation')}/{i}") for i, item in enumerate(found))


def _judge_call(proof: _Proof, expected: CallFacts, where: str) -> None:
    """Spec: identity I-31. Attack: a proof that was seen elsewhere, taken to another host, another package, another tool or with other arguments."""
    if proof.audience != expected.audience:
        raise Refused("agent.audience", "the proof is for another host", where=where, hint="make it for the key that `mpp agent host-key` shows there")
    if proof.package != expected.package:
        raise Refused("agent.package", "the proof is for another package", where=where, hint="make a new proof for each call")
    if proof.tool != expected.tool:
        raise Refused("agent.tool", "the proof is for another tool", where=where, hint="make a new proof for each call")
    if proof.argument_sha256 != expected.argument_sha256:
        raise Refused("agent.arguments", "the proof is for other arguments", where=where, hint="make it over the very bytes that are sent")


def _judge_time(issued: int, now: int, where: str) -> None:
    # Spec: identity I-32.
    hint = "make a new proof for each call; set the clocks of both machines"
    if issued > now + PROOF_AHEAD_SECONDS_MAX:
        raise Refused("agent.early", f"the proof lies {issued - now} seconds in the future", where=where, hint=hint)
    if issued < now - PROOF_AGE_SECONDS_MAX:
        raise Refused("agent.expired", f"the proof is {now - issued} seconds old, at most {PROOF_AGE_SECONDS_MAX} count", where=where, hint=hint)


def agent_event(identity: AgentIdentity, *, at: int, tenant: str, invocation: str = "", proof_jti: str = "", roles: tuple[str, ...] = ()) -> Event:
    """What the record keeps of who called: never a token, a proof or a key that signs."""
    body = identity.shown()
    if proof_jti:
        body["jti"] = proof_jti
    if roles:
        body["roles"] = [*roles]
    return Event(kind="agent", at=at, tenant=tenant, invocation=invocation, body=body)
