"""A host in memory for tests of fronts: tools are functions, approvals are a list. It judges nothing and records nothing."""

# ruff: noqa: ARG001, ARG002 - the contract gives more than a host in memory looks at

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import orjson

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Caller, Listing, Live, Outcome, Pending, ToolCall

Tool: TypeAlias = "Callable[[Caller, ToolCall, Live], Outcome]"


def said(words: str, *, error: bool = False) -> Outcome:
    """An outcome of one text."""
    return Outcome(result={"content": [{"type": "text", "text": words}], "isError": error})


def echo(who: Caller, call: ToolCall, live: Live) -> Outcome:
    return said(call.arguments.decode("utf-8"))


def add(who: Caller, call: ToolCall, live: Live) -> Outcome:
    given = orjson.loads(call.arguments)
    total = given["a"] + given["b"]
    return Outcome(result={"content": [{"type": "text", "text": str(total)}], "structuredContent": {"sum": total}, "isError": False})


class MemoryBackend:
    """Tools by name; each is called as a host would call it. It implements mpp.protocol.mcp.ports.Backend."""

    def __init__(self, tools: Mapping[str, Tool] | None = None, *, instructions: str = "") -> None:
        self._tools: dict[str, Tool] = dict({"demo__add": add, "demo__echo": echo} if tools is None else tools)
        self._schemas: dict[str, Json] = {}
        self._watchers: list[Callable[[str], None]] = []
        self._lock = threading.Lock()
        self._revision = 1
        self._words = instructions
        self.answers: list[tuple[Caller, str, bool]] = []
        """What persons answered through a front: who, which question, yes or no."""
        self.calls: list[ToolCall] = []
        self.followed: list[str] = []
        """The resources that clients watch."""
        self.contents: dict[str, str] = {"mpp://demo/readme": "A demonstration."}
        self._listing = self._listed()

    @property
    def instructions(self) -> str:
        return self._words

    def put(self, name: str, tool: Tool, schema: Json = None) -> None:
        """Add or replace a tool while clients look on."""
        with self._lock:
            self._tools[name] = tool
            if schema is not None:
                self._schemas[name] = schema
            self._revision += 1
            self._listing = self._listed()
            watchers = list(self._watchers)
        for changed in watchers:
            changed("tools")

    def _listed(self) -> Listing:
        any_object: Json = {"type": "object"}
        items: list[Json] = [
            {"name": name, "description": f"The tool {name}.", "inputSchema": self._schemas.get(name, any_object)} for name in sorted(self._tools)
        ]
        return Listing(revision=self._revision, items=tuple(items))

    def tools(self, who: Caller) -> Listing:
        return self._listing

    def call(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        self.calls.append(call)
        tool = self._tools.get(call.name)
        if tool is None:
            raise Refused("call.tool", f"there is no tool {call.name!r}", hint="see tools/list")
        return tool(who, call, live)

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        yield from ()
        return self.call(who, call, live)

    def answer(self, who: Caller, question: str, *, yes: bool) -> str:
        self.answers.append((who, question, yes))
        return ""

    def answered(self, question: str) -> bool | None:
        """The last answer to a question; None if nobody answered."""
        return next((yes for _, asked, yes in reversed(self.answers) if asked == question), None)

    def resources(self, who: Caller) -> Listing:
        items: list[Json] = [{"uri": uri, "name": uri.rpartition("/")[2], "mimeType": "text/plain"} for uri in sorted(self.contents)]
        return Listing(revision=1, items=tuple(items))

    def resource_templates(self, who: Caller) -> Listing:
        return Listing(revision=1, items=({"uriTemplate": "mpp://{package}/readme", "name": "readme"},))

    def read(self, who: Caller, uri: str) -> Sequence[Json]:
        if uri not in self.contents:
            raise Refused("call.resource", f"there is no resource {uri!r}", hint="see resources/list")
        return [{"uri": uri, "mimeType": "text/plain", "text": self.contents[uri]}]

    def prompts(self, who: Caller) -> Listing:
        return Listing(revision=1, items=({"name": "greet", "arguments": [{"name": "who", "required": True}]},))

    def prompt(self, who: Caller, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json]) -> Mapping[str, Json]:
        if name == "ask" and "who" not in inputs:
            schema: Json = {"type": "object", "properties": {"who": {"type": "string"}}}
            asked: Json = {"method": "elicitation/create", "params": {"message": "Whom?", "requestedSchema": schema}}
            return {"resultType": "input_required", "inputRequests": {"who": asked}}
        if name not in {"greet", "ask"}:
            raise Refused("call.prompt", f"there is no prompt {name!r}", hint="see prompts/list")
        return {"messages": [{"role": "user", "content": {"type": "text", "text": f"Greet {arguments.get('who', 'everybody')}."}}]}

    def complete(self, who: Caller, ref: Mapping[str, Json], argument: str, text: str) -> Sequence[str]:
        return [word for word in ("Alice", "Alan", "Bob") if word.startswith(text)]

    def follow(self, who: Caller, uri: str) -> None:
        self.followed.append(uri)

    def watch(self, changed: Callable[[str], None]) -> Callable[[], None]:
        with self._lock:
            self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def tell(self, what: str) -> None:
        """Say that a list changed."""
        for changed in list(self._watchers):
            changed(what)


class Approving:
    """A tool that a person must agree to, each time it is called."""

    def __init__(self, *, may_elicit: bool = True, text: str = "Delete 3 files in /work") -> None:
        self._may_elicit = may_elicit
        self._text = text
        self.backend: MemoryBackend | None = None
        self.asked = 0

    def __call__(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        name = f"question-{call.arguments.hex()}"
        answer = self.backend.answered(name) if self.backend is not None else None
        if answer is not None:
            return said("done") if answer else said("denied by a person", error=True)
        self.asked += 1
        result: dict[str, Json] = {"content": [{"type": "text", "text": "approval required, ref 7f3a"}], "isError": True}
        return Outcome(result=result, pending=Pending(question=name, ref="7f3a", text=self._text, may_elicit=self._may_elicit))
