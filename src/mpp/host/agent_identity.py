"""Who calls: what the front was told, judged against what this host knows. One identity, or a refusal; never a lower level in silence.

Spec: spec/identity.md sections 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpp.crypto.ed25519 import key_id
from mpp.errors import Refused
from mpp.host.agent_store import KnownAgent, KnownAgents, agent_of_token
from mpp.host.oidc import verify_id_token
from mpp.model.agents import ANONYMOUS, AgentIdentity, Delegation
from mpp.model.value import value
from mpp.ports import Once
from mpp.stages.policy import DELEGATIONS_MAX, CallFacts, KnownKeys, VerifiedProof, claimed_agent, claimed_key, judge_name, read_and_verify, verify_statement

SPENT_KIND = "agent"
"""Under which proofs are spent."""


@value
class IdentityRequest:
    """What somebody says of who calls. Each part that is there must hold, and all must name one agent."""

    launched: str = ""
    """A name out of the host's own start options."""
    behalf: tuple[Delegation, ...] = ()
    """For whom, out of the host's own start options; the nearest first."""
    token: str = ""
    proof: bytes = b""
    statement: bytes = b""
    """By which an organisation vouches for the key that signed the proof."""
    id_token: str = ""
    """By which an OIDC issuer does."""


@value
class Identified:
    """An identity, and what the record keeps of how it was found."""

    identity: AgentIdentity
    proof_jti: str = ""
    roles: tuple[str, ...] = ()


@value
class _Vouched:
    """A key for which somebody vouches that this host knows."""

    agent: str
    public: bytes
    issuer: str
    roles: tuple[str, ...]


def identify(request: IdentityRequest, known: KnownAgents, facts: CallFacts | None, once: Once, now: int) -> AgentIdentity:
    """The identity alone; see ``identify_fully``."""
    return identify_fully(request, known, facts, once, now).identity


def identify_fully(request: IdentityRequest, known: KnownAgents, facts: CallFacts | None, once: Once, now: int) -> Identified:
    """Judge all that was said. ``facts``: this call on this host; None where there is no call yet, and then no proof is taken."""
    _judge_behalf(request.behalf)
    vouched = _vouched(request, known, now)
    proof = None
    if request.proof:
        if facts is None:
            raise Refused("agent.proof", "a proof is for a call, and there is none yet", where="proof", hint="send it with the call")
        # Spec: identity I-6. Of an entry that has ended, or is a user's, that is said, and not that its key is unknown.
        _judge_entry(known.agents.get(claimed_agent(request.proof)), now)
        proof = read_and_verify(request.proof, facts, _keys(known, vouched, now), now)
    names = {
        "proof": proof.agent if proof else "",
        "statement": vouched.agent if vouched else "",
        "token": agent_of_token(known, request.token, now).name if request.token else "",
        "start option": judge_name(request.launched, "agent") if request.launched else "",
    }
    name = _one_name(names)
    _judge_entry(known.agents.get(name), now)
    found = _identity(name, request, proof, vouched, known)
    if proof is not None and not once.spend(SPENT_KIND, proof.once, proof.kept_until, now):
        # Spec: identity I-33. Last of all: a proof that was refused for another reason can be sent again once that is mended.
        raise Refused("agent.replay", "the proof was used before", where="proof", hint="make a new proof for each call")
    roles = vouched.roles if vouched is not None and found.issuer else ()
    return Identified(identity=found, proof_jti=proof.jti if proof else "", roles=roles)


def _judge_behalf(behalf: tuple[Delegation, ...]) -> None:
    if len(behalf) > DELEGATIONS_MAX:
        # Spec: identity I-50, I-55. Attack: a crowd behind an agent, so that no question shows it and no proof can hold it.
        message = f"the start options name more than {DELEGATIONS_MAX} for whom the agent acts"
        raise Refused("agent.behalf", message, where="on behalf of", hint=f"name at most {DELEGATIONS_MAX}, the nearest first")


def user_behind(identity: AgentIdentity) -> str:
    """The user at the end of the chain, if anybody but the agent says so; else nothing."""
    last = identity.behind[-1] if identity.behind else None
    return last.name if last is not None and last.kind == "user" and last.level != "anonymous" else ""


def read_behalf(written: str) -> Delegation:
    """``user:NAME`` or ``agent:NAME`` out of a start option."""
    kind, colon, name = written.partition(":")
    if not colon or kind not in {"user", "agent"}:
        raise Refused("agent.behalf", "say for whom the agent acts", where="on behalf of", hint="write user:NAME or agent:NAME")
    return Delegation(kind=kind, name=judge_name(name, "on behalf of"), level="launched")


def _vouched(request: IdentityRequest, known: KnownAgents, now: int) -> _Vouched | None:
    """Whose key it is, if somebody vouches for it. Spec: identity I-41. Without a proof by that key a statement says nothing: everybody may have a copy."""
    if not request.statement and not request.id_token:
        return None
    if not request.proof or (request.statement and request.id_token):
        hint = "send one of them, together with a proof of the call"
        raise Refused("agent.statement", "a statement, or an ID token, goes with a proof, and only one of the two", where="statement", hint=hint)
    if request.statement:
        said = verify_statement(request.statement, known.organisations, now)
        return _Vouched(agent=said.agent, public=said.public, issuer=said.issuer, roles=said.roles)
    public = claimed_key(request.proof)
    token = verify_id_token(request.id_token, known.issuers, public, now)
    return _Vouched(agent=token.agent, public=public, issuer=token.issuer, roles=())


def _keys(known: KnownAgents, vouched: _Vouched | None, now: int) -> KnownKeys:
    """Spec: identity I-42. What this host knows itself comes first: of a name in its list, nobody else says whose it is."""

    def find(kind: str, name: str) -> Mapping[str, bytes] | None:
        entry = known.agents.get(name)
        if entry is not None:
            holds = entry.is_user == (kind == "user") and (entry.until is None or now <= entry.until)
            return {key_id(key): key for key in entry.keys} if holds else {}
        if vouched is not None and (kind, name) == ("agent", vouched.agent):
            return {key_id(vouched.public): vouched.public}
        return None

    return find


def _one_name(names: Mapping[str, str]) -> str:
    """Spec: identity I-5. Attack: the token of one agent with the proof of another, so that rights and record speak of two."""
    said = {where: name for where, name in names.items() if name}
    if len(set(said.values())) > 1:
        words = ", ".join(f"the {where} {name}" for where, name in said.items())
        raise Refused("agent.contradiction", f"the call names several agents: {words}", where="agent", hint="let all of them name the same one")
    return next(iter(said.values()), "")


def _judge_entry(entry: KnownAgent | None, now: int) -> None:
    if entry is None:
        return
    if entry.is_user:
        raise Refused("agent.user", f"{entry.name} is a user here, no agent", where="agent", hint="say for whom the agent acts with its delegation")
    if entry.until is not None and now > entry.until:
        hint = f"renew it: mpp agent add {entry.name} --until TIME"
        raise Refused("agent.expired", f"this host knew {entry.name} only until an earlier time", where="agent", hint=hint)


def _identity(
    name: str, request: IdentityRequest, proof: VerifiedProof | None, vouched: _Vouched | None, known: KnownAgents
) -> AgentIdentity:  # fmt: skip
    if not name:
        if request.behalf:
            raise Refused("agent.behalf", "somebody acts for another, and nobody says who", where="agent", hint="name the agent too")
        return ANONYMOUS
    if proof is None:
        level = "token" if request.token else "launched"
        return AgentIdentity(name=name, level=level, behind=request.behalf)
    # A name that this host knows itself needs nobody to vouch for it.
    issuer = vouched.issuer if vouched is not None and name not in known.agents else ""
    return AgentIdentity(name=name, level="signed", key=proof.key, issuer=issuer, behind=_behind(request.behalf, proof))


def _behind(said: tuple[Delegation, ...], proof: VerifiedProof) -> tuple[Delegation, ...]:
    """Whom the agent acts for. Spec: identity I-34, I-55. What is signed counts for more than the start option, and that for more than the agent's own word."""
    claimed = (Delegation(kind="user", name=proof.user, level="anonymous"),) if proof.user else ()
    found = proof.behind or said
    if said and [(one.kind, one.name) for one in found] != [(one.kind, one.name) for one in said]:
        hint = "let the start option name the same as the delegation"
        raise Refused("agent.contradiction", "the start option and the delegation say two things of whom the agent acts for", where="agent", hint=hint)
    if not claimed:
        return found
    user = found[-1].name if found and found[-1].kind == "user" else ""
    if not user:
        return (*found, *claimed)
    if user != proof.user:
        raise Refused("agent.contradiction", "the proof names another user than the start option", where="agent", hint="name the user that it acts for")
    return found
