"""One client of the core, without threads: lines in, messages out. And how a message is compared with what was expected."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from mpp.host.system import FixedClock
from mpp.protocol.mcp import Answered, Connection, Ended, Job, Lines, Listening, Reply, Server, Voice
from mpp.protocol.mcp.ports import Caller, Outcome, ToolCall
from mpp.testing.backend import Approving, MemoryBackend, said

NOW = 1_795_000_000


class CountedRandom:
    """Bytes that differ each time, and are the same in each run."""

    def __init__(self) -> None:
        self._next = 0

    def bytes(self, count: int) -> bytes:
        self._next += 1
        return self._next.to_bytes(4, "big").rjust(count, b"r")


class Wire:
    """Calls are done at once; a question to the client is a message out, and its answer a line in."""

    def __init__(self, server: Server, who: Caller | None = None, *, headers: dict[str, str] | None = None) -> None:
        self.connection = Connection(server, who or Caller())
        self.headers = headers
        self.out: list[bytes] = []
        self.statuses: list[int] = []
        self.listening: list[int | str] = []
        self.ended: list[int | str] = []
        self._lines = Lines()
        self._asked: dict[str, tuple[Job, Generator[Any, Any, Reply]]] = {}

    def feed(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            if line is not None:
                self.line(line)

    def line(self, line: bytes) -> None:
        for event in self.connection.receive(line, self.headers):
            match event:
                case Job():
                    self.work(event, self.connection.run(event, Voice(event, self.out.append)), None)
                case Answered():
                    job, run = self._asked.pop(event.ask)
                    self.work(job, run, event.result)
                case Ended():
                    self.ended.append(event.job.id)
                    for name, (job, run) in list(self._asked.items()):
                        if job is event.job:
                            del self._asked[name]
                            run.close()
                            assert self.connection.done(job, Reply(b"never")) is None
                case Listening():
                    self.listening.append(event.id)
                case Reply():
                    self._keep(event)

    def work(self, job: Job, run: Generator[Any, Any, Reply], answer: dict[str, Any] | None) -> None:
        try:
            ask = run.send(answer)
        except StopIteration as over:
            reply = self.connection.done(job, over.value)
            if reply is not None:
                self._keep(reply)
            return
        self._asked[ask.id] = (job, run)
        self.out.append(ask.data)

    def give_up(self) -> None:
        """As after ELICIT_SECONDS."""
        for name, (job, run) in list(self._asked.items()):
            del self._asked[name]
            self.work(job, run, None)

    def _keep(self, reply: Reply) -> None:
        self.out.append(reply.data)
        self.statuses.append(reply.status)

    def taken(self) -> list[Any]:
        """What was sent since the last look."""
        found = [json.loads(data) for data in self.out]
        assert all(b"\n" not in data for data in self.out)
        self.out.clear()
        return found

    def ask(self, message: Any) -> Any:
        """The one message that a message leads to."""
        self.line(message if isinstance(message, bytes) else json.dumps(message).encode())
        (found,) = self.taken()
        return found


def fits(expected: Any, found: Any) -> bool:
    """Equal, but for ``"*"``, which is anything, and a key ``"..."``, which stands for other keys."""
    if expected == "*":
        return True
    if isinstance(expected, dict) and isinstance(found, dict):
        wanted = {key: item for key, item in expected.items() if key != "..."}
        return (("..." in expected) or wanted.keys() == found.keys()) and all(key in found and fits(item, found[key]) for key, item in wanted.items())
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(fits, expected, found))
    return type(expected) is type(found) and bool(expected == found)


def _loud(who: Caller, call: ToolCall, live: Any) -> Outcome:
    live.log("debug", "quiet")
    live.log("warning", "loud")
    live.progress(1, 2, "half")
    live.progress(1, 2, "again")
    live.progress(2, None, "")
    return said("done")


def _media(who: Caller, call: ToolCall, live: Any) -> Outcome:
    parts: list[Any] = [
        {"type": "text", "text": "a"},
        {"type": "image", "data": "AA==", "mimeType": "image/png"},
        {"type": "audio", "data": "AA==", "mimeType": "audio/wav"},
        {"type": "resource_link", "uri": "mpp://demo/readme", "name": "readme"},
        {"type": "resource", "resource": {"uri": "mpp://x", "text": "x"}},
    ]
    return Outcome(result={"content": parts, "structuredContent": [1], "resultType": "complete"})


def question(words: str, method: str = "elicitation/create") -> dict[str, Any]:
    params = {"elicitation/create": {"message": words, "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}}
    return {"method": method, "params": params.get(method, {})}


def _asks(who: Caller, call: ToolCall, live: Any) -> Outcome:
    """Two rounds: a name, then a colour."""
    for name in ("name", "colour"):
        if name not in call.inputs:
            return Outcome(result={"resultType": "input_required", "inputRequests": {name: question(f"Your {name}?")}})
    return said("/".join(f"{key}={json.dumps(item)}" for key, item in sorted(call.inputs.items())))


def _samples(who: Caller, call: ToolCall, live: Any) -> Outcome:
    if "s" in call.inputs:
        return said("sampled")
    return Outcome(result={"resultType": "input_required", "inputRequests": {"s": question("", "sampling/createMessage")}})


def _forever(who: Caller, call: ToolCall, live: Any) -> Outcome:
    return Outcome(result={"resultType": "input_required", "inputRequests": {"x": question("More?")}})


def _strange(who: Caller, call: ToolCall, live: Any) -> Outcome:
    url = {"method": "elicitation/create", "params": {"mode": "url", "url": "https://evil.example", "message": "go"}}
    named = question("Do you approve?")
    return Outcome(result={"resultType": "input_required", "inputRequests": {"u": url, "approval": named, "n": 3, "m": {"method": "tools/call"}}})


def _huge(who: Caller, call: ToolCall, live: Any) -> Outcome:
    return Outcome(result={"content": [], "structuredContent": {"n": 2**70}})


def _unwritable(who: Caller, call: ToolCall, live: Any) -> Outcome:
    return Outcome(result={"content": [{"type": "text", "text": "\ud800"}]})


def backend() -> MemoryBackend:
    found = MemoryBackend(instructions="Be kind.")
    approving, elsewhere = Approving(), Approving(may_elicit=False)
    approving.backend = elsewhere.backend = found
    tools = {"rm": approving, "rm_elsewhere": elsewhere, "loud": _loud, "media": _media, "asks": _asks, "samples": _samples}
    for name, tool in {**tools, "forever": _forever, "strange": _strange, "huge": _huge, "unwritable": _unwritable}.items():
        found.put(f"demo__{name}", tool)
    return found


def server(at: MemoryBackend | None = None, *, page: int = 1000) -> Server:
    return Server(at or backend(), FixedClock(NOW), CountedRandom(), version="1", page=page)


VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


def modern(ident: Any, method: str, capabilities: Any = None, meta: Any = None, **params: Any) -> dict[str, Any]:
    """A request of the era without sessions."""
    stated = {VERSION: "2026-07-28", CAPABILITIES: {} if capabilities is None else capabilities, **(meta or {})}
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": {**params, "_meta": stated}}


def old(ident: Any, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def begin(version: str = "2025-11-25", capabilities: Any = None) -> list[dict[str, Any]]:
    info = {"name": "test", "version": "1"}
    opening = old("begin", "initialize", protocolVersion=version, capabilities=capabilities or {}, clientInfo=info)
    return [opening, {"jsonrpc": "2.0", "method": "notifications/initialized"}]


def opened(version: str = "2025-11-25", capabilities: Any = None, at: MemoryBackend | None = None, **more: Any) -> Wire:
    """A client of the old era that has been greeted."""
    wire = Wire(server(at), **more)
    for message in begin(version, capabilities):
        wire.line(json.dumps(message).encode())
    wire.taken()
    return wire
