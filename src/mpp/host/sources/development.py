"""The project that somebody works on, as a source of tools: the newest build, replaced while agents are served. It is no installed package.

It has no secrets and a storage of its own, and is labelled wherever it shows. Spec: 5-sandbox S-70.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Protocol

from mpp.host.definitions import definition_of
from mpp.host.oncall import Reply
from mpp.host.secret_store import SecretStore
from mpp.host.sources.naming import public_name
from mpp.host.sources.ports import Offered
from mpp.host.toolcall import META, PackageTool, Room, call_package
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.stages.gatekeeper import VerifiedPackage

ALIAS_END = "-dev"
"""After the name of the project, so that the installed package of the same name keeps its own."""

LABEL = "[development build, unsigned] "

_CODE = META + "code"


class Hears(Protocol):
    """The person who works on the project. What comes here has passed the filter."""

    def called(self, tool: str, seconds: float, inside: float, code: str) -> None:
        """A call is over: the tool, its seconds, those of them in the sandbox, and how it ended."""
        ...

    def said(self, text: str) -> None:
        """What the tool wrote to standard error, or how it said that it failed."""
        ...

    def lacked(self, method: str, params: Json, code: str) -> None:
        """A host call that the manifest or the policy does not let through."""
        ...


class DevelopmentSource:
    """One project. Safe to use from many threads."""

    def __init__(self, room: Room, *, tenant: str, hears: Hears, monotonic: Callable[[], float] = time.monotonic) -> None:
        # Attack: a project from elsewhere that asks for the secrets of whoever tries it. There are none where it looks.
        nowhere = os.path.join(room.home.cache, "development", "no-secrets")
        self._room = replace(room, secrets=SecretStore(nowhere, os.path.join(nowhere, "seal")))
        self._tenant, self._hears, self._monotonic = tenant, hears, monotonic
        self._lock = threading.Lock()
        self._offered: tuple[Offered, ...] = ()
        self._revision = 0
        room.recorder.watch = self._watch

    def put(self, package: VerifiedPackage) -> None:
        """Serve this build from now on. Calls that run keep the one they began with."""
        definitions = package.manifest.tool_definitions
        offered = tuple(self._offer(package, number) for number in range(len(definitions)))
        self.put_offers(offered)

    def put_offers(self, offered: tuple[Offered, ...]) -> None:
        with self._lock:
            self._offered, self._revision = offered, self._revision + 1

    def revision(self) -> Hashable:
        return self._revision

    def offered(self, tenant: str) -> tuple[Offered, ...]:  # noqa: ARG002 - who stands in the project is the one who calls
        with self._lock:
            return self._offered

    def close(self) -> None:
        self._room.recorder.watch = None

    def _offer(self, package: VerifiedPackage, number: int) -> Offered:
        tool = package.manifest.tool_definitions[number]

        def run(who: Caller, call: ToolCall, live: Live) -> Outcome:
            inside: list[float] = []

            def watch(reply: Reply) -> None:
                inside.append(reply.run.seconds)
                self._say(reply.clean.stderr)

            one = PackageTool(package=package, tool=tool, development=True, watch=watch)
            begun = self._monotonic()
            outcome = call_package(one, replace(who, tenant=self._tenant), call, live, self._room)
            if outcome.result.get("isError"):
                self._say(words_of(outcome))
            self._hears.called(tool.name, self._monotonic() - begun, sum(inside), ended_with(outcome))
            return outcome

        return Offered(public_name(f"{package.manifest.name}{ALIAS_END}", tool.name), labelled(definition_of(package, tool), LABEL), run)

    def _say(self, text: str) -> None:
        if text.strip():
            self._hears.said(text)

    def _watch(self, method: str, params: Json, answer: HostAnswer) -> None:
        if answer.error in {"not_declared", "not_granted"}:
            self._hears.lacked(method, params, answer.error)


def labelled(definition: dict[str, Json], label: str) -> dict[str, Json]:
    """What an agent reads says first what this is."""
    meta = definition.get("_meta")
    marks: dict[str, Json] = {META + "verified": False, META + "development": True}
    return {**definition, "description": f"{label}{definition.get('description', '')}", "_meta": {**(meta if isinstance(meta, dict) else {}), **marks}}


def ended_with(outcome: Outcome) -> str:
    """``ok``, the code of a refusal or failure, or that the tool said it could not."""
    if outcome.pending is not None:
        return "approval.required"
    meta = outcome.result.get("_meta")
    code = meta.get(_CODE) if isinstance(meta, dict) else None
    return str(code) if code else "error" if outcome.result.get("isError") else "ok"


def words_of(outcome: Outcome) -> str:
    """The texts of a result."""
    content = outcome.result.get("content")
    items = [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []
    return "\n".join(str(item.get("text", "")) for item in items)
