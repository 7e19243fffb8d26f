"""What a call says while it runs, as notifications of its request. Spec: mcp-front J-25, J-26."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp.limits import PROGRESS_MAX
from mpp.protocol.mcp.reading import Id, Params
from mpp.protocol.mcp.versions import LEVELS, MODERN
from mpp.protocol.mcp.writing import notification


@value
class Job:
    """A request that needs the host: work for a thread."""

    id: Id
    method: str
    params: Params
    meta: Params
    version: str
    """The version in which it came, and in which it is answered."""
    capabilities: Params
    """What the client said that it can do."""
    level: str = ""
    """The least log level that it wants to see; empty: none."""
    headers: dict[str, str] | None = None
    """The headers of HTTP; None on other transports."""

    @property
    def modern(self) -> bool:
        return self.version == MODERN

    @property
    def name(self) -> str:
        """Of the tool, prompt or resource, where there is one."""
        found = self.params.get("uri" if self.method == "resources/read" else "name") if self.method in NAMED else None
        return found if isinstance(found, str) else ""

    @property
    def wants_stream(self) -> bool:
        """Can something be said before the answer?"""
        if self.method not in {"tools/call", "prompts/get"}:
            return False
        return "progressToken" in self.meta or bool(self.level) or (not self.modern and not _ASKED.isdisjoint(self.capabilities))


_ASKED = frozenset(("elicitation", "sampling", "roots"))
"""What a client can do that can be asked something."""

NAMED = frozenset(("tools/call", "prompts/get", "resources/read"))
"""Methods that name one thing."""


class Voice:
    """What a call says to its client. Used from the thread of the call."""

    def __init__(self, job: Job, send: Callable[[bytes], None], gone_fd: int = -1) -> None:
        self._send = send
        self._token = job.meta.get("progressToken")
        self._least = LEVELS.index(job.level) if job.level in LEVELS else len(LEVELS)
        self.gone_fd = gone_fd
        """Of the thread in which the call runs now."""
        self._last: float | None = None
        self._left = PROGRESS_MAX

    def end(self) -> None:
        """Nothing more is said: the answer follows."""
        self._left = 0

    def log(self, level: str, message: str) -> None:
        if level in LEVELS and LEVELS.index(level) >= self._least:
            self._tell("notifications/message", {"level": level, "data": message})

    def progress(self, progress: float, total: float | None, message: str) -> None:
        # The protocol wants it to grow; a tool need not know that.
        if self._token is None or not isfinite(progress) or (self._last is not None and progress <= self._last):
            return
        self._last = progress
        params: dict[str, Json] = {"progressToken": self._token, "progress": progress}
        if total is not None and isfinite(total):
            params["total"] = total
        if message:
            params["message"] = message
        self._tell("notifications/progress", params)

    def _tell(self, method: str, params: dict[str, Json]) -> None:
        if self._left > 0:
            self._left -= 1
            self._send(notification(method, params))
