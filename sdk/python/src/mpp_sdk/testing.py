"""Call tools without the sandbox: a host in memory, and everything that a tool said to it.

    from mpp_sdk.testing import Bench
    import main  # the tools


    def test_greets() -> None:
        with Bench() as bench:
            assert bench.call("greet", name="Ada").text == "Hello, Ada!"

The call goes through the same reader and writer as in the sandbox, and its arguments are checked against the schema that the package
will have, as a host does. What the sandbox forbids (files that were not granted, processes, sockets) is not forbidden here.
"""

from __future__ import annotations

import json
import os
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from mpp_sdk import _host, _run, _tools, serving
from mpp_sdk.checking import check
from mpp_sdk.describe import definition

KEY_BYTES_MAX = 512
"""Bytes of a key. Reason: call contract C-70."""
VALUE_BYTES_MAX = 1_048_576
"""Bytes of a value. Reason: call contract C-70."""
CALLS_MAX = 10_000
"""Host calls of one call of a tool. Reason: call contract C-55."""
ROUNDS_MAX = 8
"""Times that one call is repeated with answers. Reason: who still asks then asks for ever."""
INVOCATION = "00112233445566778899aabbccddeeff"


class ArgumentsRefused(AssertionError):
    """A host would not run the tool: its arguments do not follow the schema."""


class Request(NamedTuple):
    """What a tool asked of another host."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Reply:
    """What a route of the simulated network answers."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, *, body: bytes | str = b"", json_body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.headers = dict(headers or {})
        if json_body is not None:
            self.headers.setdefault("content-type", "application/json")
            body = json.dumps(json_body)
        self.body = body.encode("utf-8") if isinstance(body, str) else body


Route = Reply | Callable[[Request], Reply]


class Result:
    """What came of a call."""

    __slots__ = ("reply",)

    def __init__(self, reply: dict[str, Any]) -> None:
        self.reply = reply
        """The whole reply."""

    @property
    def error(self) -> dict[str, Any] | None:
        """Code and message, where the reply is an error and no result."""
        return self.reply.get("error")

    @property
    def content(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.reply.get("result", {}).get("content", [])
        return found

    @property
    def text(self) -> str:
        """All texts of the content, a line each."""
        return "\n".join(one["text"] for one in self.content if one["type"] == "text")

    @property
    def structured(self) -> Any:
        return self.reply.get("result", {}).get("structuredContent")

    @property
    def is_error(self) -> bool:
        return bool(self.reply.get("result", {}).get("isError")) or self.error is not None

    @property
    def questions(self) -> dict[str, dict[str, Any]]:
        """What the tool asks, by name, where it ended with questions."""
        found: dict[str, dict[str, Any]] = self.reply.get("result", {}).get("inputRequests", {})
        return found

    def __repr__(self) -> str:
        return f"Result({json.dumps(self.reply, ensure_ascii=False)[:500]})"


class _Stop(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Bench:
    """A host in memory. It is there within its ``with``.

    Args:
        kv: What each tool finds among its own keys at first. None: the manifest declares no storage.
        shared: What all tools find among the keys of the package (``shared=True``).
        routes: Answers of the network: ``{"GET https://api.example.com/x": Reply(json_body={...})}``, or a function of the request. An address without its query
            is looked for too. What has no route is not declared.
        env: Variables that were granted; the tool sees these and no others of this process.
        agent, proof, user, tenant: Who calls.
        kv_max_bytes: How much may be stored.
    """

    def __init__(
        self,
        *,
        kv: Mapping[str, bytes | str] | None = types.MappingProxyType({}),
        shared: Mapping[str, bytes | str] | None = None,
        routes: Mapping[str, Route] | None = None,
        env: Mapping[str, str] | None = None,
        agent: str = "tester",
        proof: str = "anonymous",
        user: str = "",
        tenant: str = "local",
        kv_max_bytes: int = VALUE_BYTES_MAX,
    ) -> None:
        self._at_first = None if kv is None else _as_bytes(kv)
        self._stores: dict[str, dict[str, bytes]] = {}
        self.shared: dict[str, bytes] = _as_bytes(shared or {})
        """What is stored for all tools."""
        self.routes = dict(routes or {})
        self.meta: dict[str, Any] = {
            "invocation": INVOCATION,
            "agent": {"name": agent, "proof": proof},
            "user": user,
            "tenant": tenant,
            "package": {"id": "com.example.test", "version": "0.0.0", "sha256": "0" * 64, "publisher": "0" * 64},
        }
        self.kv_max_bytes = kv_max_bytes
        self.logs: list[tuple[str, str]] = []
        """Level and message of each log line."""
        self.progress: list[tuple[float, float | None, str]] = []
        self.requests: list[Request] = []
        """What was asked of other hosts."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """Name and question, of all that was asked."""
        self._answers: dict[str, Any] = {}
        self._env = dict(env or {})
        self._before: tuple[Any, dict[str, str]] | None = None
        self._left = CALLS_MAX

    def __enter__(self) -> Self:
        self._before = (_host.simulator, dict(os.environ))
        _host.simulator = self._serve
        _tools.prepare()
        os.environ.clear()
        os.environ.update(self._env)
        return self

    def __exit__(self, *_fault: object) -> None:
        if self._before is not None:
            _host.simulator, before = self._before
            os.environ.clear()
            os.environ.update(before)

    def answer(self, name: str, content: Mapping[str, Any] | None = None, *, action: str = "accept") -> None:
        """The person's answer to a question: a call that asks is made again with it."""
        self._answers[name] = {"action": action, **({"content": dict(content)} if content is not None else {})}

    def answer_as(self, name: str, found: Mapping[str, Any]) -> None:
        """The whole answer to a question of another kind: a message of a model, or ``{"roots": [...]}``."""
        self._answers[name] = dict(found)

    def call(self, tool: str | Callable[..., Any], /, **arguments: Any) -> Result:
        """One call of a tool, by its name or its function; with answers, as often as it takes. Raises ``ArgumentsRefused``."""
        name = tool if isinstance(tool, str) else _name_of(tool)
        given = json.loads(json.dumps(arguments))
        for _ in range(ROUNDS_MAX):
            result = self._once(name, given)
            self.asked += result.questions.items()
            known = {asked: self._answers[asked] for asked in result.questions if asked in self._answers and asked not in given}
            if not known:
                return result
            given = {**given, **known}
        return result

    def line(self, line: bytes) -> str:
        """The reply line to a request line, without its line feed; nothing is checked."""
        self._left = CALLS_MAX
        return serving.answer(line)

    def _once(self, name: str, arguments: dict[str, Any]) -> Result:
        found = _tools.tools.get(name)
        described = definition(found) if found is not None else {}
        faults = check(arguments, described.get("parameters", True))
        if faults:
            raise ArgumentsRefused(f"the host would refuse the arguments of {name!r}: {'; '.join(faults)}")
        params = {"name": name, "arguments": arguments, "_meta": {**self.meta, "tool": name}}
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, ensure_ascii=False)
        result = Result(json.loads(self.line(line.encode("utf-8") + b"\n")))
        if "returns" in described and not result.is_error and not result.questions:
            wrong = check(result.structured, described["returns"])
            if wrong:
                raise AssertionError(f"the host would refuse the answer of {name!r}: {'; '.join(wrong)}")
        return result

    def _serve(self, request: bytes) -> bytes:
        asked = json.loads(request)
        self._left -= 1
        try:
            if self._left < 0:
                raise _Stop("quota", f"a call makes at most {CALLS_MAX} host calls")
            method = _METHODS.get(asked["method"])
            if method is None:
                raise _Stop("unknown_method", f"there is no method {asked['method']}")
            return json.dumps({"result": method(self, asked.get("params", {}))}).encode("utf-8")
        except _Stop as fault:
            return json.dumps({"error": {"code": fault.code, "message": str(fault)}}).encode("utf-8")

    def store(self, tool: str | Callable[..., Any] = "") -> dict[str, bytes]:
        """The keys of one tool's own; without a tool, those of code that is called outside of a call."""
        name = tool if isinstance(tool, str) else _name_of(tool)
        return self._stores.setdefault(name, dict(self._at_first or {}))

    def _keys(self, params: dict[str, Any]) -> dict[str, bytes]:
        if self._at_first is None:
            raise _Stop("not_declared", "the manifest does not declare storage.kv")
        key = params.get("key")
        if key is not None and not 0 < len(key.encode("utf-8")) <= KEY_BYTES_MAX:
            raise _Stop("too_large", f"a key has 1 to {KEY_BYTES_MAX} bytes")
        if key is not None and "\0" in key:
            raise _Stop("bad_request", "a key does not hold the character 0")
        if params.get("scope", "tool") == "package":
            return self.shared
        # As in a package: no tool reads what another keeps for itself.
        return self.store(_run.now.name if _run.now is not None else "")

    def _get(self, params: dict[str, Any]) -> dict[str, Any]:
        found = self._keys(params).get(params["key"])
        return {"value": None if found is None else _host.to_base64(found)}

    def _set(self, params: dict[str, Any]) -> dict[str, Any]:
        store, key, value = self._keys(params), params["key"], _host.from_base64(params["value"])
        if len(value) > VALUE_BYTES_MAX:
            raise _Stop("too_large", f"a value has at most {VALUE_BYTES_MAX} bytes")
        if "expect" in params:
            present = store.get(key)
            if params["expect"] != (None if present is None else _host.to_base64(present)):
                return {"stored": False}
        before = store.pop(key, None)
        kept = sum(len(one.encode("utf-8")) + len(stored) for space in (self.shared, *self._stores.values()) for one, stored in space.items())
        if kept + len(key.encode("utf-8")) + len(value) > self.kv_max_bytes:
            if before is not None:
                store[key] = before
            raise _Stop("quota", f"the package may store {self.kv_max_bytes} bytes")
        store[key] = value
        return {"stored": True}

    def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"existed": self._keys(params).pop(params["key"], None) is not None}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        after, prefix, limit = params.get("after", "").encode("utf-8"), params.get("prefix", ""), params.get("limit", 1_000)
        found = sorted((key for key in self._keys(params) if key.startswith(prefix) and key.encode("utf-8") > after), key=lambda key: key.encode("utf-8"))
        return {"keys": found[:limit], "more": len(found) > limit}

    def _fetch(self, params: dict[str, Any]) -> dict[str, Any]:
        headers = tuple((name, value) for name, value in params.get("headers", ()))
        request = Request(params["method"], params["url"], headers, _host.from_base64(params.get("body", "")))
        self.requests.append(request)
        places = (f"{request.method} {request.url}", f"{request.method} {request.url.partition('?')[0]}", request.url, request.url.partition("?")[0])
        route = next((self.routes[place] for place in places if place in self.routes), None)
        if route is None:
            raise _Stop("not_declared", f"this test has no route {places[0]!r}")
        reply = route if isinstance(route, Reply) else route(request)
        pairs = [[name, value] for name, value in reply.headers.items()]
        return {"status": reply.status, "headers": pairs, "body": _host.to_base64(reply.body), "url": request.url}

    def _context(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**self.meta, **({"token": f"test-token-for {params['audience']}"} if "audience" in params else {})}

    def _log(self, params: dict[str, Any]) -> dict[str, Any]:
        self.logs.append((params["level"], params["message"]))
        return {}

    def _progress(self, params: dict[str, Any]) -> dict[str, Any]:
        self.progress.append((params["progress"], params.get("total"), params.get("message", "")))
        return {}


def _as_bytes(found: Mapping[str, bytes | str]) -> dict[str, bytes]:
    return {key: value.encode("utf-8") if isinstance(value, str) else value for key, value in found.items()}


def _name_of(fn: Callable[..., Any]) -> str:
    return next((one.name for one in _tools.tools.values() if one.fn is fn), getattr(fn, "__name__", ""))


_METHODS: dict[str, Callable[[Bench, dict[str, Any]], dict[str, Any]]] = {
    "kv.get": Bench._get,  # noqa: SLF001 - the table of this class
    "kv.set": Bench._set,  # noqa: SLF001
    "kv.delete": Bench._delete,  # noqa: SLF001
    "kv.list": Bench._list,  # noqa: SLF001
    "http.fetch": Bench._fetch,  # noqa: SLF001
    "context.get": Bench._context,  # noqa: SLF001
    "log": Bench._log,  # noqa: SLF001
    "progress": Bench._progress,  # noqa: SLF001
}
