"""A home with older servers, for tests: real processes behind real barriers, and a person who says yes to everything."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from mpp.host.home import Home
from mpp.host.judging import Services, Setting
from mpp.host.legacy.calling import LegacyRoom
from mpp.host.legacy.connection import StdioConnection
from mpp.host.legacy.keeping import Surroundings
from mpp.host.legacy.plan import plan_of
from mpp.host.legacy.proxy import Proxy
from mpp.host.legacy.source import LegacySource
from mpp.host.legacy.store import LegacyStore
from mpp.host.legacy.types import Entry, Server
from mpp.host.legacy.waiting import Order
from mpp.host.secret_store import SecretStore
from mpp.host.toolcall import META
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, Outcome, ToolCall
from mpp.protocol.mcp_client.events import Done
from mpp.stages.approval import accept, vouch
from mpp.testing import legacy_server

PROGRAM = os.path.realpath(legacy_server.__file__)
SECONDS = 20.0


class Heard:
    """What a call said while it ran."""

    def __init__(self, gone_fd: int = -1) -> None:
        self.gone_fd = gone_fd
        self.logs: list[tuple[str, str]] = []
        self.steps: list[tuple[float, float | None, str]] = []

    def log(self, level: str, message: str) -> None:
        self.logs.append((level, message))

    def progress(self, progress: float, total: float | None, message: str) -> None:
        self.steps.append((progress, total, message))


def server(name: str = "tests", mode: str = "plain", *words: str, **more: object) -> Server:
    made = Server(
        name=name, kind="stdio", command=(sys.executable, "-S", PROGRAM, mode, *words), read=(PROGRAM,), added=1, by="tests", amr="flag", pinned_code=True
    )
    read = more.pop("read", ())
    return replace(made, read=(*made.read, *read), **more)  # type: ignore[misc,arg-type]


def started(made: Server, home: str, *, namespaces: bool = True, private: tuple[str, ...] = (), env: Mapping[str, str] | None = None) -> StdioConnection:
    """A connection that has greeted. Close it."""
    plan = plan_of(made, env or {}, environment=os.environ, mpp_home=home, namespaces=namespaces)
    found = StdioConnection(plan, Proxy(made.hosts, lambda: private), "1")
    found.open(SECONDS)
    return found


def call(connection: StdioConnection, name: str, arguments: Mapping[str, Json] | None = None, seconds: float = SECONDS, heard: Heard | None = None) -> str:
    """The text that a tool answers."""
    order = Order(name=name, arguments=json.dumps(arguments or {}).encode(), seconds=seconds, inputs={})
    live = heard or Heard()
    found = connection.call(order, live, gone_fd=live.gone_fd, ask=lambda _: None)
    assert isinstance(found, Done)
    assert found.result is not None, found.error
    return text_of(found.result)


def text_of(result: Mapping[str, Json]) -> str:
    content = result["content"]
    first = content[0] if isinstance(content, list) else None
    found = first.get("text") if isinstance(first, dict) else None
    assert isinstance(found, str)
    return found


def meta(outcome: Outcome) -> dict[str, Json]:
    found = outcome.result["_meta"]
    assert isinstance(found, dict)
    return {key.removeprefix(META): item for key, item in found.items()}


class World:
    """A source over one home."""

    def __init__(self, home: Home, on: Services, setting: Callable[[], Setting], secrets: SecretStore, *, namespaces: bool = True) -> None:
        self.home, self.on, self.setting = home, on, setting
        self.store = LegacyStore(home.path)
        self.about = Surroundings(
            store=self.store, secrets=secrets, home=home.path, environment=os.environ, clock=on.clock, namespaces=namespaces,
            private=lambda: setting().policies.private_hosts, is_fleet=lambda: setting().fleet,
        )  # fmt: skip
        self.source = LegacySource(self.about, LegacyRoom(on=on, setting=setting))

    def add(self, made: Server, tenant: str = "local") -> None:
        """With its tools pinned."""
        self.store.put(Entry(server=made))
        self.source.keeper(made.name, tenant).ready()

    def names(self, tenant: str = "local") -> list[str]:
        return sorted(one.name for one in self.source.offered(tenant))

    def ask(self, name: str, arguments: Mapping[str, Json] | None = None, *, who: Caller | None = None, heard: Heard | None = None, **more: object) -> Outcome:
        """One call, without anybody's yes."""
        who = who or Caller()
        offered = {one.name: one for one in self.source.offered(who.tenant)}
        made = ToolCall(name=name, arguments=json.dumps(arguments or {}).encode(), **more)  # type: ignore[arg-type]
        return offered[name].run(who, made, heard or Heard())

    def call(self, name: str, arguments: Mapping[str, Json] | None = None, *, who: Caller | None = None, heard: Heard | None = None, **more: object) -> Outcome:
        """One call, and a yes where one is wanted."""
        found = self.ask(name, arguments, who=who, heard=heard, **more)
        if found.pending is None:
            return found
        now, tenant = self.on.clock.now(), (who or Caller()).tenant
        question = self.on.approvals.question(tenant, found.pending.ref, now)
        assert question is not None
        accept(question, vouch(question, yes=True, user="tests", amr="tty", now=now), self.on.desk(fleet=False), now)
        return self.ask(name, arguments, who=who, heard=heard, **more)


def until(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait for something that another process or thread does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Is it there, and no more than its remains?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}
