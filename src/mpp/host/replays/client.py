"""A plain MCP client over standard input and output, as of the protocol versions with ``initialize``: it lists tools and calls them, and takes part in nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from mpp.errors import Refused, ToolFailed
from mpp.host.replays.calls import Call, Recorded
from mpp.host.replays.lifetime import Lines
from mpp.host.replays.limits import CALL_SECONDS, OTHER_MESSAGES_MAX, PAGES_MAX, START_SECONDS, TOOLS_MAX
from mpp.model.jsontext import Json, read, shown

VERSION = "2025-06-18"
"""What we ask for. A server that has only an older version answers with that one, and tools are called in the same way."""

KNOWN = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
METHOD_NOT_FOUND = -32601


class Client:
    """One server, from its start to its end."""

    def __init__(self, command: Sequence[str], *, seconds: float = CALL_SECONDS, start_seconds: float = START_SECONDS, cwd: str | None = None) -> None:
        self._seconds, self._last = seconds, 0
        self._lines = Lines(command, cwd=cwd)
        with ExitStack() as undo:
            undo.callback(self._lines.close)
            self.server = self._hello(start_seconds)
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()

    def tools(self) -> list[dict[str, Json]]:
        """All its tools, as it describes them."""
        found: list[dict[str, Json]] = []
        cursor: Json = None
        for _ in range(PAGES_MAX):
            answer = self._ask("tools/list", {} if cursor is None else {"cursor": cursor}, self._seconds)
            page = _object(_result(answer, "tools/list"))
            listed = page.get("tools")
            found += [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            cursor = page.get("nextCursor")
            if len(found) > TOOLS_MAX:
                raise ToolFailed("tool.protocol", f"the server lists more than {TOOLS_MAX} tools", where=self.server, hint="this is more than can be looked at")
            if not isinstance(cursor, str):
                return found
        raise ToolFailed("tool.protocol", f"its list of tools has more than {PAGES_MAX} pages", where=self.server, hint="this is more than can be looked at")

    def call(self, call: Call) -> Recorded:
        """What it answers, whatever that is. A server that does not answer is a failure of ours to record it."""
        answer = self._ask("tools/call", {"name": call.tool, "arguments": call.arguments}, self._seconds)
        if isinstance(answer.get("error"), dict):
            return Recorded(call=call, error=answer["error"])
        return Recorded(call=call, result=answer.get("result"))

    def _hello(self, seconds: float) -> str:
        given: dict[str, Json] = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "mpp", "version": "1"}}
        said = _object(_result(self._ask("initialize", given, seconds), "initialize"))
        if said.get("protocolVersion") not in KNOWN:
            version = shown(str(said.get("protocolVersion")))
            raise ToolFailed("tool.protocol", f"the server speaks version {version}", where=self._lines.name, hint=f"versions known here: {', '.join(KNOWN)}")
        self._say({"jsonrpc": "2.0", "method": "notifications/initialized"}, time.monotonic() + seconds)
        name = _object(said.get("serverInfo")).get("name")
        return shown(name) if isinstance(name, str) and name else self._lines.name

    def _say(self, message: dict[str, Json], until: float) -> None:
        try:
            line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
        except UnicodeEncodeError:
            raise Refused("usage.text", "the arguments hold half of a character", hint="write whole characters") from None
        self._lines.send(line, until)

    def _ask(self, method: str, params: dict[str, Json], seconds: float) -> dict[str, Json]:
        """The answer to this very request. What else it says meanwhile is passed over, within bounds; what it asks of us is turned down."""
        until = time.monotonic() + seconds
        self._last += 1
        self._say({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}, until)
        for _ in range(OTHER_MESSAGES_MAX):
            message = self._message(until)
            if message is None or ("method" in message and "id" not in message):
                continue
            if "method" in message:
                self._turn_down(message, until)
            elif message.get("id") == self._last and not isinstance(message.get("id"), bool):
                return message
        raise ToolFailed("tool.protocol", f"more than {OTHER_MESSAGES_MAX} messages and no answer", where=self._lines.name, hint="have the server say less")

    def _message(self, until: float) -> dict[str, Json] | None:
        """The next message; None for a line that is none. Many servers print a greeting first, so noise is passed over."""
        line = self._lines.receive(until)
        if not line.lstrip().startswith(b"{"):
            return None
        try:
            found = read(line, family="call", where=self._lines.name)
        except Refused as fault:
            raise ToolFailed("tool.protocol", f"a message of the server cannot be read: {fault.message}", where=fault.where, hint=fault.hint) from None
        return found if isinstance(found, dict) else None

    def _turn_down(self, message: dict[str, Json], until: float) -> None:
        answer: dict[str, Json] = {"jsonrpc": "2.0", "id": message["id"]}
        if message.get("method") == "ping":
            self._say({**answer, "result": {}}, until)
        else:
            # Nobody sits here who could be asked, and no folder or model is offered.
            self._say({**answer, "error": {"code": METHOD_NOT_FOUND, "message": "this client only lists and calls tools"}}, until)


def _result(answer: dict[str, Json], method: str) -> Json:
    if "result" not in answer:
        words = _object(answer.get("error")).get("message")
        raise ToolFailed("tool.error", f"the server refuses {method}: {shown(str(words), 200)}", where=method, hint="run its command by hand to see why")
    return answer["result"]


def _object(found: Json) -> dict[str, Json]:
    return found if isinstance(found, dict) else {}
