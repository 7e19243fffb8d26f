"""An agent's key in the hands of the host that serves it: a proof is made for each call, and judged like one that came from elsewhere.

Whoever starts ``mpp serve --agent-key`` is the agent's owner: the process is both, the agent that signs and the host that verifies, as with ``mpp run``.
What it proves is that whoever started it had the key. Spec: spec/identity.md section 4, spec/mcp-front.md J-5.
"""

from __future__ import annotations

from dataclasses import replace

from mpp.host.agent_identity import identify_fully, IdentityRequest
from mpp.host.agent_store import AgentStore
from mpp.host.judging import Services
from mpp.model.agents import Delegation
from mpp.ports import Signer
from mpp.protocol.mcp.ports import Caller
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import CallFacts, make_proof

JTI_BYTES = 16


class AgentSigning:
    """One agent, for as long as the host runs. Safe to use from many threads."""

    def __init__(self, name: str, signer: Signer, agents: AgentStore, *, behalf: tuple[Delegation, ...] = ()) -> None:
        self.name = name
        self._signer, self._agents, self._behalf = signer, agents, behalf

    def proven(self, who: Caller, package: VerifiedPackage, tool: str, argument_sha256: str, on: Services) -> Caller:
        """The caller as the proof of this very call shows it. Refused if the host does not know the key, or knew the agent only until now."""
        now = on.clock.now()
        facts = CallFacts(
            audience=on.host.key_id, tool=tool, publisher_id=package.publisher_id, package_id=package.package_id, argument_sha256=argument_sha256
        )  # fmt: skip
        proof = make_proof(self.name, facts, self._signer, jti=on.random.bytes(JTI_BYTES).hex(), now=now)
        request = IdentityRequest(launched=self.name, behalf=self._behalf, proof=proof)
        found = identify_fully(request, self._agents.load(), facts, on.approvals, now)
        return replace(who, agent=found.identity, proof=found.proof_jti)
