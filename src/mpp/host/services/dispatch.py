"""Answers a guest's host calls: one method, one service. What a guest may do was decided before it ran.

Spec: call-contract, host calls. The rights are those of the worker at the other end; nothing in a message widens them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from mpp.crypto.context_token import read_audience
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.capabilities import NetworkRule
from mpp.model.hosts import covers
from mpp.model.jsontext import Json
from mpp.ports import Steps
from mpp.stages.sandbox.ports import Scope

LOG_CHARS_MAX = 8192
"""Characters of one log message or progress note. Reason: it is one line for a person."""

LEVELS = ("debug", "info", "warning", "error")

Params: TypeAlias = Mapping[str, Json]


class Service(Protocol):
    """One family of methods."""

    def answer(self, method: str, params: Params, scope: Scope, until: float) -> Steps[HostAnswer]: ...


class Contexts(Protocol):
    """Signs contexts with the key of this host."""

    def token(self, context: CallContext, audience: str) -> str: ...


def refused(code: str, message: str) -> HostAnswer:
    return HostAnswer(result=None, error=code, message=message)


def granted(result: Json) -> HostAnswer:
    return HostAnswer(result=result, error="", message="")


class Dispatcher:
    """All methods of one host. ``kv`` and ``http`` bring their own; the others are here. ``contexts`` None: no context is signed."""

    def __init__(self, *, kv: Service, http: Service, contexts: Contexts | None = None) -> None:
        self._services: Mapping[str, Service] = {"kv": kv, "http": http}
        self._contexts = contexts
        self._own: Mapping[str, Callable[[Params, Scope], HostAnswer]] = {"context.get": self._context, "log": _log, "progress": _progress}

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:
        """One answer; an unknown method is one too."""
        if not isinstance(params, dict):
            return refused("bad_request", '"params" is an object')
        own = self._own.get(method)
        if own is not None:
            return own(params, scope)
        service = self._services.get(method.partition(".")[0])
        if service is None:
            return refused("unknown_method", "the host has no such method")
        return (yield from service.answer(method, params, scope, until))

    def _context(self, params: Params, scope: Scope) -> HostAnswer:
        context = scope.context.shown()
        if not params:
            return granted(context)
        audience = params.get("audience")
        origin = read_audience(audience) if isinstance(audience, str) else None
        if not isinstance(audience, str) or origin is None or len(params) != 1:
            return refused("bad_request", "context.get takes nothing, or an audience: an https origin such as https://api.example.com")
        # Spec: identity I-61. Attack: a tool has its host vouch for the agent to somebody whom the tool was never allowed to reach.
        if not _reached(origin, scope.rights.network):
            return refused("not_granted", "a context is signed only for an https origin that the tool may reach")
        if self._contexts is None:
            return refused("unavailable", "this host signs no contexts")
        return granted({**context, "token": self._contexts.token(scope.context, audience)})


def _reached(audience: tuple[str, int], rules: tuple[NetworkRule, ...]) -> bool:
    """Whether a granted rule reaches the origin over https."""
    host, port = audience
    return any("https" in rule.schemes and port in rule.ports and covers(rule.host, host, wildcard=rule.wildcard) for rule in rules)


def _log(params: Params, scope: Scope) -> HostAnswer:
    level, message = params.get("level"), params.get("message")
    if level not in LEVELS or not isinstance(level, str) or not isinstance(message, str) or params.keys() != {"level", "message"}:
        return refused("bad_request", f"log takes a level ({', '.join(LEVELS)}) and a message")
    scope.live.log(level, message[:LOG_CHARS_MAX])
    return granted({})


def _progress(params: Params, scope: Scope) -> HostAnswer:
    progress, total, message = _number(params.get("progress")), _number(params.get("total")), params.get("message", "")
    if progress is None or (params.get("total") is not None and total is None) or not isinstance(message, str):
        return refused("bad_request", "progress takes numbers, and a text as message")
    if not params.keys() <= {"progress", "total", "message"}:
        return refused("bad_request", "progress takes progress, total and message")
    scope.live.progress(progress, total, message[:LOG_CHARS_MAX])
    return granted({})


def _number(found: Json) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
