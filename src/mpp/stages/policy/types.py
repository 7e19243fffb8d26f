"""What policy takes and gives. Spec: spec/3-policy.md."""

from __future__ import annotations

from typing import TypeAlias

from mpp.model.agents import ANONYMOUS, AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.scope import Scope
from mpp.model.value import value
from mpp.stages.policy.token import CapabilityToken

EFFECTS = ("allow", "ask", "deny")
"""From mild to strict: the strictest that matches holds."""

ORIGINS = ("model", "human", "automation")
"""Who had the idea to call: a model, a person, or a program such as a pipeline."""

STRENGTHS = ("flag", "elicitation", "tty", "passphrase")
"""How sure we are that a person answered, from least to most. ``webauthn`` and ``other-uid`` count as ``passphrase``. Spec: spec/4-approval.md section 4."""

RISK_MOST = 100
"""Points of the highest risk. Reason: a score reads like a percentage."""

LAYERS = ("fleet", "machine", "user")

DEFAULT_RULE = "default"
"""Stands in place of the id of a rule where none matched, and no rule may have it."""


@value
class Reason:
    """One line of a risk score."""

    points: int
    words: str


@value
class Risk:
    """How much harm a call could do, 0 to 100, and why."""

    score: int
    band: str
    """low, medium, high or critical: of the score, or of the tool's own security level if that is higher."""
    reasons: tuple[Reason, ...]


@value
class Asked:
    """One call as policy sees it; or, with ``tool`` empty, a package before any call."""

    tenant: str = "local"
    publisher_id: str
    publisher_name: str = ""
    package_id: str
    version: str
    content_hash: str
    bound: bool
    """Is the package id bound to this publisher here, by a pin or because it is this home's own key?"""
    tool: str = ""
    security_level: str
    """Of the tool; of the package's most sensitive tool where none is named."""
    arguments: Json = None
    """The parsed object; None before any call."""
    agent: AgentIdentity = ANONYMOUS
    user: str = ""
    origin: str = "human"
    now: int
    risk: Risk
    consented: bool = False
    """Has somebody agreed to what this package declares, as it is now?"""
    scope: Scope
    """What the package declares."""
    internal_hosts: tuple[str, ...] = ()
    """Declared hosts that the host's policy lets resolve to addresses that are not public."""
    unknown: tuple[str, ...] = ()
    """Of a past call that is judged again: which of ``arguments``, ``user`` and ``scope`` its record does not hold. Conditions on them are unclear."""


@value
class Limits:
    """What a verdict adds to its yes or its question. Every field can only make it narrower; 0, None and () add nothing."""

    calls_per_minute: int = 0
    timeout_ms: int = 0
    scope: Scope | None = None
    """The declared scope as far as all matching rules leave it; None: as declared."""
    privacy_patterns: tuple[str, ...] = ()
    """Patterns that the filter must look for, whatever the publisher says."""
    strength: str = ""
    """The least strength of an answer, if higher than the security level asks for."""
    approvers: int = 1
    answer_seconds: int = 0
    """A shorter time than usual in which an answer must be used."""


@value
class Decided:
    """The rule that decided in one layer. ``rule`` is ``default`` where none matched."""

    layer: str
    policy: str
    rule: str
    effect: str
    why: str


@value
class Verdict:
    """What all layers together say of one call."""

    effect: str
    limits: Limits
    decided: tuple[Decided, ...]
    """One for each layer, in the order of LAYERS."""
    risk: Risk
    policy_digest: str

    @property
    def decisive(self) -> Decided:
        """The strictest of the layers, the first of equals."""
        if len(self.decided) == 1:
            return self.decided[0]
        return max(self.decided, key=lambda one: (EFFECTS.index(one.effect), -self.decided.index(one)))


@value
class Granted:
    """Nobody need be asked. The token opens what is granted and nothing else."""

    token: CapabilityToken
    verdict: Verdict


@value
class RequiresConfirmation:
    """A person decides. What they would agree to, in words, and how sensitive it is."""

    capabilities: tuple[str, ...]
    security_level: str
    verdict: Verdict


@value
class Denied:
    reason: str
    verdict: Verdict


PolicyDecision: TypeAlias = Granted | RequiresConfirmation | Denied
