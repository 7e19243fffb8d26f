"""Who calls: an agent, how sure this host is of that, and on whose behalf it acts. Spec: spec/identity.md."""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.model.value import value

LEVELS = ("anonymous", "launched", "token", "signed")
"""From least to most sure: nobody said who; whoever started the agent said it; a bearer token; a signature over this very call."""


@value
class Delegation:
    """One step of acting for somebody: ``of`` acts for ``for_``, which is a user or another agent."""

    kind: str
    """``user`` or ``agent``."""
    name: str
    level: str
    """How sure this host is of this step."""


@value
class AgentIdentity:
    """Made by the front that took the call, from what it verified. No message of an agent changes it."""

    name: str = ""
    level: str = "anonymous"
    key: str = ""
    """The SHA-256 of the key that signed, in hex; empty below ``signed``."""
    issuer: str = ""
    """Who vouches for the name: an organisation's key or an OIDC issuer; empty when this host knows the key itself."""
    behind: tuple[Delegation, ...] = ()
    """For whom it acts, the nearest first."""

    def at_least(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def shown(self) -> dict[str, Json]:
        """What a tool, a question and the record see."""
        found: dict[str, Json] = {"name": self.name, "proof": self.level}
        if self.key:
            found["key"] = self.key
        if self.issuer:
            found["issuer"] = self.issuer
        if self.behind:
            found["behalf"] = [{"kind": one.kind, "name": one.name, "proof": one.level} for one in self.behind]
        return found


ANONYMOUS = AgentIdentity()
