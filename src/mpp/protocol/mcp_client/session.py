"""One session with a server of the older era: what to write, and what came of what was read. It does no I/O and keeps no clock. Spec: legacy V-3 to V-9."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from mpp.errors import ToolFailed
from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.protocol.mcp_client.limits import CURSOR_CHARS_MAX, NAME_CHARS_MAX, PAGES_MAX
from mpp.protocol.mcp_client.messages import Answered, Id, Message, Noted, Wanted

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The versions that we speak, the newest first. We offer the newest; the server may choose any of them."""

NOT_OURS, METHOD_MISSING = -32600, -32601
INITIALIZE, LIST, CALL = "initialize", "tools/list", "tools/call"

ANOTHER_ID, UNKNOWN, FLOOD, UNREADABLE = "answers with another id", "unknown messages", "notifications dropped", "lines that cannot be read"


@value
class Greeted:
    """What a server says of itself at the beginning."""

    version: str
    name: str
    server_version: str
    has_tools: bool


@value
class Done:
    """The answer to one request of ours."""

    id: int
    result: Mapping[str, Json] | None
    error: str = ""
    code: int = 0


@value
class Progress:
    id: int
    progress: float
    total: float | None
    message: str


@value
class Log:
    level: str
    message: str


@value
class Changed:
    """The server says that its tools are others now."""


@value
class Elicits:
    """The server asks a person something. It waits for ``Session.answer`` or ``Session.decline``."""

    id: Id
    message: str
    form: Json
    """The schema; None where there is no form, as when an address is to be opened."""


@value
class Reply:
    """What is to be written back at once."""

    data: bytes


Happened: TypeAlias = Done | Progress | Log | Changed | Elicits | Reply


class Session:
    """Ids, versions and counts of one connection."""

    def __init__(self, client_version: str) -> None:
        self._client_version = client_version
        self._next = 0
        self._open: set[int] = set()
        self.version = ""
        self.counts: Counter[str] = Counter()
        """What was ignored, by kind."""

    # -- what we write

    def initialize(self) -> tuple[int, bytes]:
        capabilities: dict[str, Json] = {"elicitation": {}}
        about: dict[str, Json] = {"name": "mpp", "version": self._client_version}
        return self.request(INITIALIZE, {"protocolVersion": VERSIONS[0], "capabilities": capabilities, "clientInfo": about})

    def greeted(self, done: Done) -> tuple[Greeted, bytes]:
        """What the answer to ``initialize`` says, and what to write then. Raises ToolFailed where we do not understand each other."""
        result = done.result
        version = result.get("protocolVersion") if result is not None else None
        if result is None or version not in VERSIONS:
            words = done.error or f"it speaks version {shown(str(version), 40)}"
            message = f"the server did not take up the connection: {shown(words, NAME_CHARS_MAX)}"
            raise ToolFailed("tool.protocol", message, where=INITIALIZE, hint=f"the versions that are spoken here: {', '.join(VERSIONS)}")
        self.version = str(version)
        about, can = result.get("serverInfo"), result.get("capabilities")
        name, its = (_text(about, "name"), _text(about, "version")) if isinstance(about, dict) else ("", "")
        return Greeted(version=self.version, name=name, server_version=its, has_tools=isinstance(can, dict) and "tools" in can), notification(
            "notifications/initialized"
        )

    def request(self, method: str, params: Mapping[str, Json]) -> tuple[int, bytes]:
        self._next += 1
        self._open.add(self._next)
        return self._next, _line({"id": self._next, "method": method, "params": dict(params)})

    def call(self, name: str, arguments: bytes) -> tuple[int, bytes]:
        """The arguments go as they were judged, byte for byte."""
        self._next += 1
        self._open.add(self._next)
        head = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%b,"arguments":' % (self._next, json.dumps(name).encode("ascii"))
        return self._next, head + arguments + b',"_meta":{"progressToken":%d}}}\n' % self._next

    def cancel(self, identity: int, why: str) -> bytes:
        self._open.discard(identity)
        return notification("notifications/cancelled", {"requestId": identity, "reason": why})

    def answer(self, identity: Id, result: Mapping[str, Json]) -> bytes:
        return _line({"id": identity, "result": dict(result)})

    # -- what we read

    def receive(self, message: Message) -> Happened | None:
        """What it means; None for what is ignored and counted."""
        if isinstance(message, Answered):
            return self._answered(message)
        return self._wanted(message) if isinstance(message, Wanted) else self._noted(message)

    def _answered(self, message: Answered) -> Happened | None:
        # Attack: an answer to another call, or to none. A text that looks like our number is not our number.
        if not isinstance(message.id, int) or message.id not in self._open:
            self.counts[ANOTHER_ID] += 1
            return None
        self._open.discard(message.id)
        if message.error is not None:
            return Done(id=message.id, result=None, error=message.error or "no message", code=message.code)
        if not isinstance(message.result, dict):
            return Done(id=message.id, result=None, error="the result is no object")
        return Done(id=message.id, result=message.result)

    def _wanted(self, message: Wanted) -> Happened | None:
        if message.method == "ping":
            return Reply(data=self.answer(message.id, {}))
        if message.method == "elicitation/create":
            words, form = message.params.get("message"), message.params.get("requestedSchema")
            is_form = message.params.get("mode", "form") == "form" and isinstance(form, dict)
            return Elicits(id=message.id, message=words if isinstance(words, str) else "", form=form if is_form else None)
        # Attack: a server that asks for the folders of the user, or for a model to do its work. Both are refused, in so many words.
        polite = {"roots/list": "no folders are shown to servers", "sampling/createMessage": "servers get no model here"}
        known = message.method in polite
        if not known:
            self.counts[UNKNOWN] += 1
        error: dict[str, Json] = {"code": NOT_OURS if known else METHOD_MISSING, "message": polite.get(message.method, "there is no such method here")}
        return Reply(data=_line({"id": message.id, "error": error}))

    def _noted(self, message: Noted) -> Happened | None:
        params = message.params
        if message.method == "notifications/tools/list_changed":
            return Changed()
        if message.method == "notifications/progress":
            token, done, total, words = (params.get(key) for key in ("progressToken", "progress", "total", "message"))
            if isinstance(token, int) and token in self._open and _is_number(done):
                return Progress(
                    id=token, progress=_number(done), total=_number(total) if _is_number(total) else None, message=words if isinstance(words, str) else ""
                )
            self.counts[ANOTHER_ID] += 1
            return None
        if message.method == "notifications/message":
            data = params.get("data")
            level = params.get("level")
            return Log(
                level=level if isinstance(level, str) and level.isalpha() and len(level) < 16 else "info",
                message=data if isinstance(data, str) else json.dumps(data),
            )
        self.counts[UNKNOWN] += 1
        return None


class ListedTools:
    """A list, page by page. Attack: a cursor that leads round in a circle, or on without end."""

    def __init__(self, tools_max: int) -> None:
        self._most = tools_max
        self._seen: set[str] = set()
        self.tools: list[Json] = []

    def take(self, done: Done) -> str:
        """The cursor of the next page; empty at the end. Raises ToolFailed for what is no list."""
        page = done.result.get("tools") if done.result is not None else None
        if done.result is None or not isinstance(page, list):
            raise ToolFailed("tool.protocol", f"the server gives no list of tools: {shown(done.error or 'it is none')}", where=LIST, hint="look at the server")
        self.tools += page
        cursor = done.result.get("nextCursor")
        following = cursor if isinstance(cursor, str) else ""
        if len(self.tools) > self._most:
            raise ToolFailed("tool.protocol", f"the server lists more than {self._most} tools", where=LIST, hint="look at the server")
        if following and (len(following) > CURSOR_CHARS_MAX or following in self._seen or len(self._seen) >= PAGES_MAX):
            raise ToolFailed("tool.protocol", "the list of tools has no end", where=LIST, hint="look at the server")
        self._seen.add(following)
        return following


def notification(method: str, params: Mapping[str, Json] | None = None) -> bytes:
    return _line({"method": method} | ({} if params is None else {"params": dict(params)}))


def _line(message: dict[str, Json]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _text(found: Mapping[str, Json], key: str) -> str:
    text = found.get(key)
    return shown(text, NAME_CHARS_MAX) if isinstance(text, str) else ""


def _is_number(found: Json) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _number(found: Json) -> float:
    return found if isinstance(found, int | float) else 0.0
