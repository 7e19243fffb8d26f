"""One call, as values: who asks for what, and what the guest may learn of it.

Spec: spec/call-contract.md.
"""

from __future__ import annotations

from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.jsontext import Json
from mpp.model.value import value


@value
class CallContext:
    """What a guest may know about its call. It comes from the host alone; no message of a guest changes it."""

    invocation: str
    """32 hex digits, new for each call."""
    tenant: str
    agent: str
    """A name for the agent; empty when nobody said one."""
    agent_proof: str
    """How sure the host is of ``agent``: anonymous, launched, token or signed."""
    user: str
    package_id: str
    version: str
    content_hash: str
    publisher_id: str
    tool: str
    agent_key: str = ""
    """The id of the key that signed this call; empty below ``signed``."""
    agent_issuer: str = ""
    """Who vouches for the agent's name; empty when the host itself knows it."""
    delegation: tuple[Delegation, ...] = ()
    """For whom the agent acts, the nearest first."""

    @property
    def identity(self) -> AgentIdentity:
        """Who calls, as one value."""
        return AgentIdentity(name=self.agent, level=self.agent_proof, key=self.agent_key, issuer=self.agent_issuer, behind=self.delegation)

    def shown(self) -> dict[str, Json]:
        """The object that stands in ``_meta`` of the request and that ``context.get`` answers."""
        package: Json = {"id": self.package_id, "version": self.version, "sha256": self.content_hash, "publisher": self.publisher_id}
        return {
            "invocation": self.invocation,
            "agent": self.identity.shown(),
            "user": self.user,
            "tenant": self.tenant,
            "package": package,
            "tool": self.tool,
        }


@value
class HostAnswer:
    """The answer to a host call, and what it used."""

    result: Json
    error: str
    """A code of spec/call-contract.md, empty when it succeeded."""
    message: str
    """Words for the author of the tool; never a secret, an address inside our network or a path of this machine."""
    hosts: tuple[str, ...] = ()
    """``host:port`` that were contacted."""
    secrets: tuple[str, ...] = ()
    """Names of the secrets that were sent."""
    echoed: tuple[str, ...] = ()
    """Names of the secrets that stood in an answer and were taken out."""
    kv: str = ""
    """The method, when it touched the key-value store."""
