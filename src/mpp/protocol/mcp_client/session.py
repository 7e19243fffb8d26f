"""One session with a server: what to write, and what came of what was read. It does no I/O and keeps no clock. Spec: legacy V-3 to V-9."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping

from mpp.errors import ToolFailed
from mpp.model.jsontext import Json, shown
from mpp.protocol.mcp_client.events import Asked, Changed, Done, Greeted, Happened, Log, Progress, Reply, Updated, Wish
from mpp.protocol.mcp_client.limits import LEVELS, NAME_CHARS_MAX, URI_CHARS_MAX, WORDS_CHARS_MAX
from mpp.protocol.mcp_client.messages import Answered, Id, Message, Noted, Wanted

MODERN = "2026-07-28"
"""The era without sessions: each request says version and capabilities, and a server's questions come in its results."""
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The versions of ``initialize`` that we speak, the newest first. We offer the newest; the server may choose any of them."""

REFUSED, METHOD_MISSING = -1, -32601
INITIALIZE, DISCOVER, LISTEN = "initialize", "server/discover", "subscriptions/listen"
CALL = "tools/call"
ELICIT, SAMPLE, ROOTS = "elicitation/create", "sampling/createMessage", "roots/list"
QUESTIONS = frozenset((ELICIT, SAMPLE, ROOTS))

ANOTHER_ID, UNKNOWN, FLOOD, UNREADABLE = "answers with another id", "unknown messages", "notifications dropped", "lines that cannot be read"

_META = "io.modelcontextprotocol/"
_ABLE: dict[str, Json] = {"elicitation": {}, "sampling": {}, "roots": {}}
"""What the client of an agent may be asked. Whether it can answer is seen when it is."""
_CHANGED = {f"notifications/{what}/list_changed": what for what in ("tools", "prompts", "resources")}


class Session:
    """Ids, versions and counts of one connection."""

    def __init__(self, client_version: str) -> None:
        self._about: dict[str, Json] = {"name": "mpp", "version": client_version}
        self._next = 0
        self._open: set[int] = set()
        self._level = len(LEVELS)
        self.version = ""
        self.counts: Counter[str] = Counter()
        """What was ignored, by kind."""

    @property
    def is_modern(self) -> bool:
        return self.version == MODERN

    # -- what we write

    def discover(self) -> tuple[int, bytes]:
        """The first word to a server whose era nobody knows. One of the older era does not know the method."""
        return self.request(DISCOVER, {}, modern=True)

    def discovered(self, done: Done) -> Greeted | None:
        """What a server of the newer era says of itself; None where it is none, and ``initialize`` comes next."""
        result = done.result
        versions = result.get("supportedVersions") if result is not None else None
        if result is None or not isinstance(versions, list) or MODERN not in versions:
            return None
        self.version = MODERN
        meta = result.get("_meta")
        return _greeted(MODERN, meta.get(_META + "serverInfo") if isinstance(meta, dict) else None, result.get("capabilities"))

    def initialize(self) -> tuple[int, bytes]:
        return self.request(INITIALIZE, {"protocolVersion": VERSIONS[0], "capabilities": _ABLE, "clientInfo": self._about})

    def greeted(self, done: Done) -> tuple[Greeted, bytes]:
        """What the answer to ``initialize`` says, and what to write then. Raises ToolFailed where we do not understand each other."""
        result = done.result
        version = result.get("protocolVersion") if result is not None else None
        if result is None or version not in VERSIONS:
            words = done.error or f"it speaks version {shown(str(version), 40)}"
            message = f"the server did not take up the connection: {shown(words, NAME_CHARS_MAX)}"
            raise ToolFailed("tool.protocol", message, where=INITIALIZE, hint=f"the versions that are spoken here: {', '.join((MODERN, *VERSIONS))}")
        self.version = str(version)
        return _greeted(self.version, result.get("serverInfo"), result.get("capabilities")), notification("notifications/initialized")

    def request(self, method: str, params: Mapping[str, Json], *, modern: bool | None = None) -> tuple[int, bytes]:
        self._next += 1
        self._open.add(self._next)
        said = dict(params)
        if self.is_modern if modern is None else modern:
            said["_meta"] = self._stated()
        return self._next, _line({"id": self._next, "method": method, "params": said})

    def _stated(self) -> dict[str, Json]:
        return {_META + "protocolVersion": MODERN, _META + "clientInfo": self._about, _META + "clientCapabilities": _ABLE}

    def listen(self, uris: tuple[str, ...]) -> tuple[int, bytes]:
        """The newer era: be told when a list or one of these resources is another one. The request stays open."""
        watched: dict[str, Json] = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}
        if uris:
            watched["resourceSubscriptions"] = [*uris]
        return self.request(LISTEN, {"notifications": watched})

    def send(self, wish: Wish) -> tuple[int, bytes]:
        """One request of an agent. The arguments of a tool go as they were judged, byte for byte."""
        self._next += 1
        identity = self._next
        self._open.add(identity)
        meta: dict[str, Json] = {"progressToken": identity}
        more: dict[str, Json] = {}
        if self.is_modern:
            meta |= self._stated() | ({_META + "logLevel": wish.level} if wish.level in LEVELS else {})
            more = {**({"inputResponses": dict(wish.inputs)} if wish.inputs else {}), **({"requestState": wish.state} if wish.state else {})}
        parts = [b"%b:%b" % (_written(key), _written(item)) for key, item in wish.params.items()]
        if wish.arguments is not None:
            parts.append(b'"arguments":' + wish.arguments)
        parts += [b"%b:%b" % (_written(key), _written(item)) for key, item in (*more.items(), ("_meta", meta))]
        return identity, b'{"jsonrpc":"2.0","id":%d,"method":%b,"params":{%b}}\n' % (identity, _written(wish.method), b",".join(parts))

    def level(self, level: str) -> bytes:
        """What to write first so that log lines of this level come; empty where they come already. The newer era says it in each request."""
        at = LEVELS.index(level) if level in LEVELS else len(LEVELS)
        if self.is_modern or at >= self._level:
            return b""
        self._level = at
        return self.request("logging/setLevel", {"level": level})[1]

    def cancel(self, identity: int, why: str) -> bytes:
        self._open.discard(identity)
        return notification("notifications/cancelled", {"requestId": identity, "reason": why})

    def answer(self, question: Asked, result: Mapping[str, Json]) -> bytes:
        return _line({"id": question.id, "result": dict(result)})

    def decline(self, question: Asked, action: str = "decline") -> bytes:
        """Nobody answers. A form has a word for that; the other questions have an error."""
        if question.method == ELICIT:
            return self.answer(question, {"action": action})
        return self._error(question.id, REFUSED, "nobody answers this here")

    def _error(self, identity: Id, code: int, words: str) -> bytes:
        error: dict[str, Json] = {"code": code, "message": words}
        return _line({"id": identity, "error": error})

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
            return Reply(data=_line({"id": message.id, "result": {}}))
        if message.method in QUESTIONS and not self.is_modern:
            return Asked(id=message.id, method=message.method, params=message.params)
        self.counts[UNKNOWN] += 1
        return Reply(data=self._error(message.id, METHOD_MISSING, "there is no such method here"))

    def _noted(self, message: Noted) -> Happened | None:
        params = message.params
        if message.method in _CHANGED:
            return Changed(what=_CHANGED[message.method])
        if message.method == "notifications/resources/updated":
            uri = params.get("uri")
            return Updated(uri=uri) if isinstance(uri, str) and len(uri) <= URI_CHARS_MAX else None
        if message.method == "notifications/progress":
            return self._progress(params)
        if message.method == "notifications/message":
            data, level = params.get("data"), params.get("level")
            return Log(
                level=level if isinstance(level, str) and level.isalpha() and len(level) < 16 else "info",
                # Attack: a thousand lines of four megabytes each, kept for a client that reads slowly.
                message=(data if isinstance(data, str) else json.dumps(data))[:WORDS_CHARS_MAX],
            )
        if message.method != "notifications/subscriptions/acknowledged":
            self.counts[UNKNOWN] += 1
        return None

    def _progress(self, params: Mapping[str, Json]) -> Progress | None:
        token, done, total, words = (params.get(key) for key in ("progressToken", "progress", "total", "message"))
        step, all_of = _number(done), _number(total)
        if isinstance(token, int) and token in self._open and step is not None:
            return Progress(id=token, progress=step, total=all_of, message=words[:WORDS_CHARS_MAX] if isinstance(words, str) else "")
        self.counts[ANOTHER_ID] += 1
        return None


def _greeted(version: str, about: Json, can: Json) -> Greeted:
    name, its = (_text(about, "name"), _text(about, "version")) if isinstance(about, dict) else ("", "")
    found = frozenset(can) if isinstance(can, dict) else frozenset[str]()
    resources = can.get("resources") if isinstance(can, dict) else None
    more = {"resources.subscribe"} if isinstance(resources, dict) and resources.get("subscribe") is True else set[str]()
    return Greeted(version=version, name=name, server_version=its, abilities=found | more)


def notification(method: str, params: Mapping[str, Json] | None = None) -> bytes:
    return _line({"method": method} | ({} if params is None else {"params": dict(params)}))


def _line(message: dict[str, Json]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _text(found: Mapping[str, Json], key: str) -> str:
    text = found.get(key)
    return shown(text, NAME_CHARS_MAX) if isinstance(text, str) else ""


def _written(found: Json) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode("ascii")


def _number(found: Json) -> float | None:
    """Attack: an integer of hundreds of digits, which is no number that anybody can count with."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
