"""Acting for somebody: an agent for a user, a sub-agent for an agent. A chain of links, each signed by whoever is acted for.

Pure. The first link is signed with a key that this host knows of whoever stands at the end; each further one with the key that the
link before names. Spec: spec/identity.md section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mpp.crypto import base64text
from mpp.crypto.ed25519 import KEY_ID, key_id
from mpp.errors import Refused
from mpp.model.agents import Delegation
from mpp.model.fields import Faults, Fields
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy.agent_names import judge_name, read_name
from mpp.stages.policy.identity_limits import DELEGATION_SECONDS_MAX, DELEGATIONS_MAX, STATEMENT_BYTES_MAX
from mpp.stages.policy.signed_text import Signed, judge_window, opened, read_public, read_signed, read_window, write_signed

DELEGATION_TYPE = "application/vnd.mpp.delegation+json"
KINDS = ("user", "agent")


class KnownKeys(Protocol):
    """The keys of whoever is called ``name``, by their ids; None where this host does not know the name."""

    def __call__(self, kind: str, name: str) -> Mapping[str, bytes] | None: ...


@value
class Link:
    """``of``, who has the key ``of_public``, acts for ``name``."""

    of: str
    of_public: bytes
    kind: str
    name: str
    not_before: int
    not_after: int
    max_depth: int
    """How many links may follow."""
    parent: str
    """The digest of the link before; empty for the first."""
    signed: Signed


def make_delegation(
    signer: Signer, *, of: str, of_public: bytes, kind: str, name: str, not_before: int, not_after: int, max_depth: int = 0, parent: bytes = b""
) -> bytes:  # fmt: skip
    """A link by which the owner of ``signer``, who is ``name``, lets ``of`` act. ``parent``: the link by which ``name`` acts itself."""
    above = read_link(parent, where="parent") if parent else None
    made = write_signed(
        DELEGATION_TYPE,
        {
            "mpp_delegation": 1,
            "of": judge_name(of, "of"),
            "of_key": base64text.encode(of_public),
            "for": {"kind": kind, "name": judge_name(name, "for")},
            "not_before": not_before,
            "not_after": not_after,
            "max_depth": max_depth,
            "parent": above.signed.digest if above is not None else "",
        },
        signer,
    )
    link = read_link(made, where="delegation")
    if above is not None:
        _judge_step(above, link, "delegation")
    return made


def read_link(data: bytes, *, where: str) -> Link:
    signed = read_signed(data, DELEGATION_TYPE, most=STATEMENT_BYTES_MAX, family="agent", where=where)
    faults = Faults("agent")
    fields = opened(signed, "mpp_delegation", faults, where=where)
    inner = fields.object("for")
    acted_for = inner if inner is not None else Fields({}, where, faults)
    not_before, not_after = read_window(fields, DELEGATION_SECONDS_MAX)
    link = Link(
        of=read_name(fields, "of"),
        of_public=read_public(fields, "of_key"),
        kind=acted_for.one_of("kind", KINDS),
        name=read_name(acted_for, "name"),
        not_before=not_before,
        not_after=not_after,
        max_depth=fields.number("max_depth", least=0, most=DELEGATIONS_MAX - 1),
        parent=fields.text("parent", most=64, least=0),
        signed=signed,
    )
    if link.parent and KEY_ID.fullmatch(link.parent) is None:
        faults.add("form", fields.path("parent"), "is neither empty nor the digest of a link", "make the link from the one before it")
    acted_for.end()
    fields.end()
    faults.stop()
    return link


def verify_delegations(links: tuple[Link, ...], agent: str, public: bytes, known: KnownKeys, now: int, *, where: str) -> tuple[Delegation, ...]:
    """For whom ``agent``, who has the key ``public``, acts: the nearest first. ``links`` begins at the other end."""
    if not links:
        return ()
    if len(links) > DELEGATIONS_MAX:
        raise Refused("agent.delegation_depth", f"more than {DELEGATIONS_MAX} act for one another", where=where, hint="let fewer agents stand between")
    _judge_first(links[0], known, where)
    for before, link in zip(links, links[1:], strict=False):
        _judge_step(before, link, where)
        # Attack: an agent that was removed here, or has another key here, goes on to act under an old link.
        keys = known(link.kind, link.name)
        if keys is not None and key_id(before.of_public) not in keys:
            raise _unknown(link, where)
    for link in links:
        judge_window(link.not_before, link.not_after, now, what=f"the delegation to {link.of}", where=where, family="agent")
    # Spec: identity I-53.
    last = links[-1]
    if (last.of, last.of_public) != (agent, public):
        hint = "send the delegation that was made for this agent and this key"
        raise Refused("agent.delegation", "the last delegation is for another agent or another key", where=where, hint=hint)
    _judge_loop(links, where)
    return tuple(Delegation(kind=link.kind, name=link.name, level="signed") for link in reversed(links))


def _judge_first(link: Link, known: KnownKeys, where: str) -> None:
    if link.parent:
        raise Refused("agent.delegation", "the beginning of the chain of delegations is missing", where=where, hint="send all links, the first one first")
    public = (known(link.kind, link.name) or {}).get(link.signed.signature.key)
    if public is None:
        raise _unknown(link, where)
    if not link.signed.signed_by(public):
        raise _unsigned(where)


def _judge_step(before: Link, link: Link, where: str) -> None:
    """Whether ``link`` may follow ``before``. Spec: identity I-51, I-52."""
    if link.parent != before.signed.digest or (link.kind, link.name) != ("agent", before.of):
        raise Refused("agent.delegation", "a delegation does not follow the one before it", where=where, hint="send all links, in their order")
    if not link.signed.signed_by(before.of_public):
        raise _unsigned(where)
    if link.max_depth >= before.max_depth:
        hint = f"have {before.name} allow more steps, or ask for fewer"
        raise Refused("agent.delegation_depth", f"{before.of} may not let others act, or not so deep", where=where, hint=hint)


def _judge_loop(links: tuple[Link, ...], where: str) -> None:
    """Spec: identity I-54. Attack: an agent that acts for itself by a detour makes the record say nothing of who is behind it."""
    names = [(links[0].kind, links[0].name), *(("agent", link.of) for link in links)]
    if len(set(names)) < len(names) or len({link.of_public for link in links}) < len(links):
        raise Refused("agent.delegation_loop", "somebody stands twice in the chain of delegations", where=where, hint="act for each only once")


def _unknown(link: Link, where: str) -> Refused:
    hint = f"add the key with `mpp agent add {link.name}`, if it is right"
    return Refused("agent.delegation_key", f"a delegation by {link.name} is signed with a key that this host does not know", where=where, hint=hint)


def _unsigned(where: str) -> Refused:
    return Refused("agent.signature", "the signature of a delegation does not verify", where=where, hint="send it as it was made")
