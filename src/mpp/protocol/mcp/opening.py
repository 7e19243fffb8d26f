"""Of which era is a request, and what is answered without asking the host. Spec: mcp-front J-1 to J-6."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.protocol.mcp import headers as http
from mpp.protocol.mcp.limits import URI_CHARS_MAX
from mpp.protocol.mcp.methods import text
from mpp.protocol.mcp.ports import Backend, Caller
from mpp.protocol.mcp.reading import Params, Request, is_id
from mpp.protocol.mcp.telling import Job
from mpp.protocol.mcp.versions import (
    CAPABILITIES_KEY,
    HEADER_MISMATCH,
    INVALID_REQUEST,
    LEVEL_AT_FIRST,
    LEVEL_KEY,
    LEVELS,
    MODERN,
    NO_VERSION,
    OLD,
    SERVER_KEY,
    SUPPORTED,
    V2024,
    V2025_06,
    VERSION_KEY,
)
from mpp.protocol.mcp.watching import Watching
from mpp.protocol.mcp.writing import BAD_REQUEST, FaultError, refuse

DISCOVERED_FRESH_MS = 3_600_000
"""Milliseconds that a client may keep what ``server/discover`` says. Reason: it changes with the program."""


@value
class Opened:
    """An answer that needs no work: a result, or the first word of a subscription."""

    result: Params
    listening: bytes | None = None


class Openings:
    """What a connection knows of its client: in the old era what ``initialize`` settled, in the new one nothing."""

    def __init__(self, backend: Backend, info: Params, watching: Watching, who: Caller) -> None:
        self.version = ""
        self._backend, self._who = backend, who
        self._info = info
        self._watching = watching
        self._capabilities: Params = {}
        self._level = LEVEL_AT_FIRST

    def ready(self) -> None:
        """The client of the old era listens."""
        if self.version:
            self._watching.session()

    def judge(self, request: Request, headers: dict[str, str] | None) -> Job | Opened:
        """The work of a request, or its answer. Raises FaultError."""
        meta = request.params.get("_meta", {})
        if not isinstance(meta, dict):
            raise refuse("_meta must be an object", status=BAD_REQUEST)
        if "progressToken" in meta and not is_id(meta["progressToken"]):
            raise refuse("progressToken must be a text or an integer", status=BAD_REQUEST)
        header = None if headers is None else headers.get(http.VERSION)
        if VERSION_KEY in meta or (header is not None and header not in OLD):
            return self._modern(request, meta, headers)
        return self._old(request, meta, headers)

    def _modern(self, request: Request, meta: Params, headers: dict[str, str] | None) -> Job | Opened:
        capabilities, level = _stated(meta, headers)
        job = Job(
            id=request.id, method=request.method, params=request.params, meta=meta, version=MODERN, capabilities=capabilities, level=level, headers=headers,
        )  # fmt: skip
        wrong = "" if headers is None else http.wrong_method(headers, request.method, job.name)
        if wrong:
            raise FaultError(HEADER_MISMATCH, f"Header mismatch: {wrong}", status=BAD_REQUEST)
        if request.method == "server/discover":
            return Opened(result=self._discovered())
        if request.method == "subscriptions/listen":
            first = self._watching.listen(request.id, request.params.get("notifications"))
            for uri in self._watching.uris(request.id):
                self._backend.follow(self._who, uri)
            return Opened(result={}, listening=first)
        return job

    def _old(self, request: Request, meta: Params, headers: dict[str, str] | None) -> Job | Opened:
        if request.method == "initialize":
            return Opened(result=self._initialized(request.params))
        if request.method == "ping":
            return Opened(result={})
        if not self.version:
            raise refuse(f"say {VERSION_KEY} in _meta, or initialize first; versions: {', '.join(SUPPORTED)}", status=BAD_REQUEST)
        at_once = _AT_ONCE.get(request.method)
        if at_once is not None:
            at_once(self, request.params)
            return Opened(result={})
        return Job(
            id=request.id, method=request.method, params=request.params, meta=meta, version=self.version, capabilities=self._capabilities,
            level=self._level, headers=headers,
        )  # fmt: skip

    def _initialized(self, params: Params) -> Params:
        if self.version:
            raise FaultError(INVALID_REQUEST, "this connection is initialized already")
        wanted, capabilities = text(params, "protocolVersion"), params.get("capabilities", {})
        if not isinstance(capabilities, dict):
            raise refuse("capabilities must be an object")
        self.version = wanted if wanted in OLD else OLD[-1]
        self._capabilities = capabilities
        info = dict(self._info)
        if self.version < V2025_06:
            info.pop("title", None)
        found: Params = {"protocolVersion": self.version, "capabilities": _abilities(self.version), "serverInfo": info}
        return self._with_instructions(found)

    def _discovered(self) -> Params:
        found: Params = {
            "resultType": "complete", "supportedVersions": [*SUPPORTED], "capabilities": _abilities(MODERN),
            "ttlMs": DISCOVERED_FRESH_MS, "cacheScope": "private", "_meta": {SERVER_KEY: dict(self._info)},
        }  # fmt: skip
        return self._with_instructions(found)

    def _with_instructions(self, found: Params) -> Params:
        words = self._backend.instructions
        return {**found, "instructions": words} if words else found

    def set_level(self, params: Params) -> None:
        level = params.get("level")
        if not isinstance(level, str) or level not in LEVELS:
            raise refuse(f"level must be one of {', '.join(LEVELS)}")
        self._level = level

    def subscribe(self, params: Params) -> None:
        uri = text(params, "uri", URI_CHARS_MAX)
        self._watching.watch(uri, on=True)
        self._backend.follow(self._who, uri)

    def unsubscribe(self, params: Params) -> None:
        self._watching.watch(text(params, "uri", URI_CHARS_MAX), on=False)


_AT_ONCE: Mapping[str, Callable[[Openings, Params], None]] = {
    "logging/setLevel": Openings.set_level,
    "resources/subscribe": Openings.subscribe,
    "resources/unsubscribe": Openings.unsubscribe,
}


def _stated(meta: Params, headers: dict[str, str] | None) -> tuple[Params, str]:
    """The capabilities and the log level that a request of the new era states. Raises FaultError."""
    stated = meta.get(VERSION_KEY)
    if not isinstance(stated, str):
        raise refuse(f"_meta must say {VERSION_KEY}", status=BAD_REQUEST)
    if headers is not None and headers.get(http.VERSION) != stated:
        raise FaultError(HEADER_MISMATCH, "Header mismatch: MCP-Protocol-Version is missing or not the version of the body", status=BAD_REQUEST)
    if stated != MODERN:
        supported: list[Json] = [*SUPPORTED]
        raise FaultError(NO_VERSION, "Unsupported protocol version", data={"supported": supported, "requested": shown(stated)}, status=BAD_REQUEST)
    capabilities, level = meta.get(CAPABILITIES_KEY), meta.get(LEVEL_KEY, "")
    if not isinstance(capabilities, dict):
        raise refuse(f"_meta must say {CAPABILITIES_KEY}", status=BAD_REQUEST)
    if not isinstance(level, str) or (LEVEL_KEY in meta and level not in LEVELS):
        raise refuse(f"{LEVEL_KEY} must be one of {', '.join(LEVELS)}", status=BAD_REQUEST)
    return capabilities, level


def _abilities(version: str) -> Params:
    """What this server does. Each is served by the host in every version that has it."""
    found: Params = {
        "tools": {"listChanged": True},
        "resources": {"subscribe": True, "listChanged": True},
        "prompts": {"listChanged": True},
        "logging": {},
    }
    return found if version == V2024 else {**found, "completions": {}}
