"""What approval takes and gives. Spec: spec/4-approval.md."""

from __future__ import annotations

import enum
import hashlib

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json, canonical
from mpp.model.value import value
from mpp.stages.policy.types import Risk

AMR = ("flag", "elicitation", "tty", "passphrase", "webauthn", "other-uid")
"""How somebody answered: an option of a command, a form of a client, a key typed at the terminal; and, of one strength, a passphrase, a security key, another user."""

VOUCHED = ("flag", "elicitation", "tty")
"""What the host itself saw. Such an answer has no signature and is never read from anywhere."""

SIGNED = ("tty", "passphrase", "webauthn", "other-uid")
"""What an approver's signature can claim."""

ONCE, ALWAYS = "once", "always"
SCOPES = (ONCE, ALWAYS)


@value
class Action:
    """Exactly one action: what an approval is bound to. Two calls that differ in any of it are two actions."""

    tenant: str
    publisher_id: str
    package_id: str
    content_hash: str
    tool: str
    argument_sha256: str
    rights_digest: str
    agent: AgentIdentity
    user: str
    policy_digest: str

    def shown(self) -> dict[str, Json]:
        """As it stands in the binding and in proofs."""
        return {
            "agent": self.agent.shown(),
            "argument_sha256": self.argument_sha256,
            "content": self.content_hash,
            "package": self.package_id,
            "policy": self.policy_digest,
            "publisher": self.publisher_id,
            "rights": self.rights_digest,
            "tenant": self.tenant,
            "tool": self.tool,
            "user": self.user,
        }

    @property
    def binding(self) -> str:
        """SHA-256 over the canonical form, in hex. Spec: approval H-1."""
        try:
            return hashlib.sha256(canonical(self.shown())).hexdigest()
        except UnicodeEncodeError:
            raise Refused("approval.name", "a name holds half of a character", where="binding", hint="give agent and user names in UTF-8") from None


@value
class Particulars:
    """What a question shows of a call beyond what policy saw of it."""

    arguments: bytes
    """Exactly the bytes that the tool will be given: JSON, judged already."""
    rights_digest: str
    uses: tuple[str, ...]
    """Each right in words, with the places on this machine."""
    definitions: str = ""
    """The digest of the package's tool definitions."""
    includes_consent: bool = False
    """Is a yes also a yes to what the package declares?"""
    growth: tuple[str, ...] = ()
    """What is new since somebody last agreed to it, in words."""
    shown: bytes = b""
    """The arguments as a person sees them, where that is not what the tool is given: with placeholders. Spec: 6-privacy F-35."""

    @property
    def argument_sha256(self) -> str:
        return hashlib.sha256(self.arguments).hexdigest()

    @property
    def uses_digest(self) -> str:
        """Names the rights as a person saw them, whatever the version of the package."""
        # A place on this machine may be named by bytes that are no UTF-8.
        return hashlib.sha256(canonical([hashlib.sha256(one.encode("utf-8", "surrogatepass")).hexdigest() for one in self.uses])).hexdigest()


@value
class Offer:
    """What "always" would mean, as far as it is not the question's own: how many calls, and until when."""

    calls: int
    until: int


@value
class Question:
    """One question to a person. Made by ``make_question``; kept as a document; shown as ``text`` and nothing else."""

    ref: str
    """What people and agents call it: the first characters of ``id``. The store makes it longer while another pending question begins alike."""
    id: str
    jti: str
    """The one-time name of the approval that a yes would be."""
    action: Action
    publisher_name: str
    version: str
    security_level: str
    risk: Risk
    origin: str
    rule: str
    """Layer, policy and rule that want a person asked."""
    strength: str
    """The least strength of a yes."""
    approvers: int
    answer_seconds: int
    """Seconds from an answer to its use."""
    capabilities: str
    """The digest of what the package declares."""
    definitions: str
    uses: str
    """The digest of the rights in words."""
    includes_consent: bool
    growth: tuple[str, ...]
    offer: Offer | None
    """None where "always" is no answer."""
    arguments_shown: tuple[str, ...]
    """The lines of the text that show the arguments."""
    text: str
    text_sha256: str
    details: str
    must_open_details: bool
    """Does the text leave something out, so that nobody should say yes before the details were open?"""
    created: int
    expires: int
    """The last second at which it can be answered."""

    @property
    def tenant(self) -> str:
        return self.action.tenant

    @property
    def binding(self) -> str:
        return self.action.binding

    @property
    def counted_as(self) -> str:
        """The agent whose questions are counted together. Attack: one program under ten names that nobody vouches for; all such names are one."""
        agent = self.action.agent
        return agent.name if agent.at_least("token") else ""


@value
class Answer:
    """A yes or a no to one question. ``vouch`` makes it of what the host saw, ``read_answer`` of a signed document."""

    question: str
    """The whole id of the question."""
    jti: str
    binding: str
    text_sha256: str
    yes: bool
    approver: str
    amr: str
    at: int
    scope: str = ONCE
    envelope: bytes = b""
    """The signed document; empty where the host itself vouches."""

    def document(self) -> dict[str, Json]:
        """As it is signed. Spec: attestation N-10."""
        return {
            "mpp_answer": 1,
            "question": self.question,
            "jti": self.jti,
            "binding": self.binding,
            "text_sha256": self.text_sha256,
            "answer": "yes" if self.yes else "no",
            "approver": self.approver,
            "amr": self.amr,
            "at": self.at,
            "scope": self.scope,
        }

    @property
    def sha256(self) -> str:
        """Of the document without its signature: what a proof names."""
        return hashlib.sha256(canonical(self.document())).hexdigest()


class State(enum.Enum):
    """Where a question stands."""

    WAITING = "waiting"
    YES = "yes"
    NO = "no"


@value
class Settled:
    """What the answers to a question come to at one moment."""

    state: State
    answers: tuple[Answer, ...] = ()
    """Those that count."""
    until: int = 0
    """The last second at which they count."""
    refused: tuple[str, ...] = ()
    """The codes of those that do not count, for the record."""


@value
class Approver:
    """Somebody who may answer: a key of this home's, or an identity elsewhere."""

    id: str
    name: str
    roles: tuple[str, ...]
    key: bytes = b""
    issuer: str = ""
    subject: str = ""
    packages: tuple[str, ...] = ()
    """Patterns of the packages it may answer for; all, if empty."""
    until: int | None = None
    amr: str = "passphrase"
    """The most that its signature counts for: a key that lies open on a disk is no passphrase."""


@value
class Standing:
    """A yes that lasts: for one tool, one agent, the rights as they were shown; with a budget and an end."""

    id: str
    tenant: str
    publisher_id: str
    package_id: str
    tool: str
    agent: AgentIdentity
    """Its level is the least that the caller must have."""
    user: str
    origin: str
    capabilities: str
    definitions: str
    uses: str
    score: int
    """The highest risk score that it covers."""
    argument_sha256: str
    """Only these arguments; any, if empty."""
    calls: int
    """What is left of the budget."""
    until: int
    approver: str
    amr: str
    created: int
    question: str
    """The question that it answered."""
    envelope: bytes = b""
    """The signed answer; empty where the host itself vouches."""


@value
class Consent:
    """Somebody agreed to what a package declares. Kept with the manifest, so that an update can be compared with it."""

    tenant: str
    publisher_id: str
    package_id: str
    version: str
    definitions: str
    capabilities: str
    layer: str
    """The content hash of the layer; empty where the package has none."""
    manifest: bytes
    by: str
    """The approver, or ``policy:`` and the name of a policy that agreed beforehand."""
    amr: str
    at: int


@value
class Kept:
    """Whether a consent holds for a package, and what is different, in words."""

    kept: bool
    lines: tuple[str, ...] = ()


@value
class AnsweredBy:
    """One answer as a proof names it."""

    approver: str
    amr: str
    sha256: str


@value
class Proof:
    """A verified approval of one action: made when it is used, good for moments, on one host, once. Spec: attestation N-20."""

    action: Action
    jti: str
    text_sha256: str
    invocation: str
    iat: int
    exp: int
    aud: str
    """The id of the key of the host that made it, which alone takes it."""
    answers: tuple[AnsweredBy, ...]


@value
class Receipt:
    """What became of an approved call. Spec: attestation N-30."""

    invocation: str
    jti: str
    binding: str
    outcome: str
    at: int
    result_sha256: str
    """Of the result as it left the host; empty where there was none."""
