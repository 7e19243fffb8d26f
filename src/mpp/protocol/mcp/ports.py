"""What a front needs of the host behind it. The front knows messages; who may do what, and what may be shown, is the host's business alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from mpp.model.agents import ANONYMOUS, AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Steps


@value
class Caller:
    """Who calls, as the transport verified it. No message changes it."""

    tenant: str = "local"
    agent: AgentIdentity = ANONYMOUS
    user: str = ""
    """For whom the agent acts, if a token or the owner of the process says so."""
    proof: str = ""
    """The id of the proof by which the agent signed this very call, for the record."""


@value
class Listing:
    """A list that clients may keep while its revision is the same."""

    revision: int
    items: tuple[Json, ...]
    """Sorted by name. They are shared by all who read them: nobody changes them."""


UPDATED = "updated "
"""Before the tenant and the address of a resource that changed."""

CARRIED = "mpp/carried"
"""The name under which a server's own state goes back to it, among the answers to its questions. No client gives an answer of that name."""


def carried(inputs: Mapping[str, Json]) -> str:
    """The state that came with the questions that ``inputs`` answer; empty where there was none."""
    found = inputs.get(CARRIED)
    state = found.get("state") if isinstance(found, dict) else None
    return state if isinstance(state, str) else ""


@value
class ToolCall:
    """One ``tools/call`` as the front took it."""

    name: str
    arguments: bytes
    """A JSON object, as it came or written anew."""
    timeout_ms: int = 0
    """What the client asks for; 0: nothing. It can only shorten."""
    traceparent: str = ""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    """Answers to a tool's own questions, by the names of the questions. They are no approvals."""
    level: str = ""
    """The least level of log lines that the client wants to see; empty: none."""


@value
class Pending:
    """The call waits for a person's yes. It is not resumed: after an answer it is asked again."""

    question: str
    """The id by which ``answer`` names it. It goes to no agent."""
    ref: str
    """What an agent may see."""
    text: str
    """What a person is shown, whole."""
    may_elicit: bool
    """May the person behind the client answer through the client? Policy and level decide."""


@value
class Outcome:
    """What a call came to. All of it has passed the filter and is in the record."""

    result: Mapping[str, Json]
    """A CallToolResult with ``content``, ``isError`` and ``_meta``; or ``inputRequests`` with ``resultType`` ``input_required``, and a ``requestState`` that comes
    back as the answer ``CARRIED``."""
    pending: Pending | None = None
    """Set where a person must answer first; ``result`` then says so in words."""

    @property
    def wants_input(self) -> bool:
        return self.result.get("resultType") == "input_required"


class SaidError(Exception):
    """A prompt, resource or completion that is not given, in words that are fit for the client: filtered, and in the record."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Live(Protocol):
    """What a call says while it runs, filtered already; and whether somebody still waits for it. Called from the thread of the call."""

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...

    @property
    def gone_fd(self) -> int:
        """A descriptor that becomes readable when nobody waits any more; -1 where that cannot happen. The call is ended then, at once."""
        ...


class Backend(Protocol):
    """The host as a front sees it. Every function blocks, and is safe to call from many threads at once.

    ``read``, ``prompt`` and ``complete`` raise SaidError for what a client may read of why not. Each raises MppError for what it refuses outright: a name that nobody knows (``call.tool``, ``call.resource``, ``call.prompt``), arguments that are no JSON.
    What goes wrong with a tool, its policy or its approval is an Outcome with ``isError``.
    """

    def tools(self, who: Caller) -> Listing: ...

    def call(self, who: Caller, call: ToolCall, live: Live) -> Outcome: ...

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        """``call`` for whoever has several calls under way in one thread: it waits where it says so, and may block all the same."""
        ...

    def answer(self, who: Caller, question: str, *, yes: bool) -> str:
        """A person's answer through the client (strength: elicitation). Empty: it was taken; else the code of why it does not count."""
        ...

    def resources(self, who: Caller) -> Listing: ...

    def resource_templates(self, who: Caller) -> Listing: ...

    def read(self, who: Caller, uri: str) -> Sequence[Json]:
        """The ``contents`` of a resource."""
        ...

    def prompts(self, who: Caller) -> Listing: ...

    def prompt(self, who: Caller, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json]) -> Mapping[str, Json]:
        """A GetPromptResult; or ``inputRequests`` with ``resultType`` ``input_required``. ``inputs`` answer what was asked before, by name."""
        ...

    def complete(self, who: Caller, ref: Mapping[str, Json], argument: str, text: str) -> Sequence[str]:
        """Ways to complete ``text`` as that argument of a prompt or resource template."""
        ...

    def follow(self, who: Caller, uri: str) -> None:
        """A client watches this resource. It is quick, and raises nothing."""
        ...

    def watch(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call ``changed`` with ``tools``, ``resources`` or ``prompts`` when such a list changes, and with ``UPDATED``, tenant and address when a resource that is
        followed does; from any thread. Returns what ends it.
        """
        ...

    @property
    def instructions(self) -> str:
        """A word to the model of how to use this server; may be empty."""
        ...
