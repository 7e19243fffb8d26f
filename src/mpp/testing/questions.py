"""Calls that a person must approve, for tests: a sound one, and the same with one thing changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from mpp.crypto.ed25519 import SeedSigner
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.stages.approval import Approver, Approvers, Call, Desk, NOBODY, Particulars
from mpp.stages.policy.token import CapabilityToken, mint
from mpp.stages.policy.types import Asked, Decided, Limits, Reason, RequiresConfirmation, Risk, Verdict
from mpp.testing.approvals import MemoryApprovals, MemoryEvents
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW, TestRandom

POLICY_DIGEST = hashlib.sha256(b"a policy").hexdigest()
RIGHTS_DIGEST = hashlib.sha256(b"some rights").hexdigest()
CONTENT = hashlib.sha256(b"a package").hexdigest()
PUBLISHER = hashlib.sha256(b"a publisher").hexdigest()
DEFINITIONS = hashlib.sha256(b"definitions").hexdigest()
INVOCATION = "0f" * 16
AGENT = AgentIdentity(name="claude", level="launched")
SCOPE = Scope(read=("/data",), tools=("greet",))
ARGUMENTS: dict[str, Json] = {"name": "Ada"}
LOW = Risk(score=12, band="low", reasons=(Reason(points=12, words="Reads one folder."),))


def asked(**changes: object) -> Asked:
    """One call of a package that somebody agreed to."""
    base = Asked(
        publisher_id=PUBLISHER,
        publisher_name="Example Publisher",
        package_id="com.example.hello",
        version="0.1.0",
        content_hash=CONTENT,
        bound=True,
        tool="greet",
        security_level="low",
        arguments=dict(ARGUMENTS),
        agent=AGENT,
        user="ada",
        origin="model",
        now=NOW,
        risk=LOW,
        consented=True,
        scope=SCOPE,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def need(level: str = "low", *, risk: Risk = LOW, limits: Limits | None = None, digest: str = POLICY_DIGEST) -> RequiresConfirmation:
    decided = Decided(layer="user", policy="developer", rule="default", effect="ask", why="what is not allowed is asked")
    verdict = Verdict(effect="ask", limits=limits or Limits(), decided=(decided,), risk=risk, policy_digest=digest)
    return RequiresConfirmation(capabilities=("May read /data, with everything in it.",), security_level=level, verdict=verdict)


def given(arguments: Json = None, **changes: object) -> Particulars:
    data = json.dumps(ARGUMENTS if arguments is None else arguments, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    base = Particulars(arguments=data, rights_digest=RIGHTS_DIGEST, uses=("read /data, which is /home/ada/data here",), definitions=DEFINITIONS)
    return replace(base, **changes)  # type: ignore[arg-type]


def token_for(one: Asked) -> CapabilityToken:
    return mint(tenant=one.tenant, publisher_id=one.publisher_id, package_id=one.package_id, content_hash=one.content_hash, scope=one.scope)


def call(one: Asked | None = None, what: RequiresConfirmation | None = None, more: Particulars | None = None, *, invocation: str = INVOCATION) -> Call:
    one = one or asked()
    return Call(asked=one, need=what or need(), given=more or given(), token=token_for(one), invocation=invocation)


def approver(label: str, *roles: str, **changes: object) -> Approver:
    """An approver whose key follows from its name."""
    base = Approver(id=label, name=label.title(), roles=roles or ("approver",), key=approver_key(label).public_key)
    return replace(base, **changes)  # type: ignore[arg-type]


def approver_key(label: str) -> SeedSigner:
    return fixed_signer(f"approver {label}")


def approvers(*known: Approver) -> Approvers:
    return Approvers(known={one.id: one for one in known})


HOST = fixed_signer("host")
OTHER_HOST = fixed_signer("other host")


def desk(known: Approvers = NOBODY, *, fleet: bool = False, host: SeedSigner = HOST) -> Desk:
    """A desk in memory. Its store is ``MemoryApprovals``, its events are ``MemoryEvents``."""
    return Desk(approvals=MemoryApprovals(), approvers=known, host=host, random=TestRandom(), events=MemoryEvents(), fleet=fleet)
