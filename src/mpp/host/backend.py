"""A host as an MCP front sees it: lists, calls, resources, and a word when something changed. Spec: spec/mcp-front.md."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from typing import TYPE_CHECKING

from mpp.errors import MppError
from mpp.host.agent_signing import AgentSigning
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.host import Host, HostOptions
from mpp.host.resources import Resources
from mpp.host.sources import searching
from mpp.host.sources.ports import ToolSource
from mpp.host.toolcall import Room
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Caller, Listing, Live, Outcome, ToolCall, UPDATED

if TYPE_CHECKING:
    from mpp.stages.sandbox import Zygote

LOOK_SECONDS = 1.0
"""Seconds between two looks for a change that somebody waits to hear of. Reason: a list that is a second old harms nobody; each call looks for itself."""

INSTRUCTIONS = (
    "Tools here run in a sandbox with what they declared and somebody approved. An answer may hold placeholders such as [EMAIL-bcdfghjk]: they stand for "
    "private values, equal ones for equal values; pass them on as they are. If a call says 'approval required, ref …', a person must decide; tell them the "
    "reference and call again, unchanged, when they have answered."
)
SEARCH_INSTRUCTIONS = f" Find tools with {searching.SEARCH} and call them with {searching.CALL}."


@value
class ServeOptions:
    """What the owner of a server chooses."""

    workspace: str = ""
    plain_names: bool = False
    search_mode: bool = False
    signing: AgentSigning | None = None
    """The agent for whom all calls are signed."""
    zygote: Zygote | None = field(default=None, compare=False, repr=False)
    """One that starts already; the host closes it."""


class HostBackend:
    """``Backend`` over a host. Safe to use from many threads."""

    def __init__(self, host: Host, options: ServeOptions) -> None:
        self._host, self._search_mode = host, options.search_mode
        self._resources = Resources(host, plain_names=options.plain_names)
        self._lock = threading.Lock()
        self._watching: list[Callable[[str], None]] = []
        self._wake: threading.Event | None = None
        """Ends the thread that looks for changes; None where there is none."""
        host.legacy.updated, host.legacy.changed = self._updated, self._changed

    @property
    def instructions(self) -> str:
        return INSTRUCTIONS + (SEARCH_INSTRUCTIONS if self._search_mode else "")

    # -- tools

    def tools(self, who: Caller) -> Listing:
        return searching.LISTING if self._search_mode else self._host.tools(who)

    def call(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        return drive(self.steps(who, call, live), live.gone_fd)

    def steps(self, who: Caller, call: ToolCall, live: Live) -> Steps[Outcome]:
        return searching.call(who, call, live, self._host.tools, self._host.steps) if self._search_mode else self._host.steps(who, call, live)

    def answer(self, who: Caller, question: str, *, yes: bool) -> str:
        return self._host.answer(question, yes=yes, who=who)

    # -- what packages hold beside tools

    def resources(self, who: Caller) -> Listing:
        return self._resources.listing(who)

    def resource_templates(self, who: Caller) -> Listing:
        return self._resources.templates(who)

    def read(self, who: Caller, uri: str) -> Sequence[Json]:
        return self._resources.read(who, uri)

    def prompts(self, who: Caller) -> Listing:
        return self._resources.prompts(who)

    def prompt(self, who: Caller, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json]) -> Mapping[str, Json]:
        return self._resources.prompt(who, name, arguments, inputs)

    def complete(self, who: Caller, ref: Mapping[str, Json], argument: str, text: str) -> Sequence[str]:
        return self._resources.complete(who, ref, argument, text)

    # -- changes

    def watch(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """One thread looks for all who wait; it is there only while somebody does."""
        with self._lock:
            self._watching.append(changed)
            if self._wake is None:
                # One of its own for each thread: who comes back at once must not wake the thread that was told to end.
                self._wake = threading.Event()
                threading.Thread(target=self._look, args=(self._wake,), name="mpp-watch", daemon=True).start()

        def end() -> None:
            with self._lock:
                if changed in self._watching:
                    self._watching.remove(changed)
                if not self._watching:
                    self._end_looking()

        return end

    def follow(self, who: Caller, uri: str) -> None:
        with suppress(MppError):
            self._resources.follow(who, uri)

    def _updated(self, tenant: str, uri: str) -> None:
        with self._lock:
            told = list(self._watching)
        for tell in told:
            tell(f"{UPDATED}{tenant} {uri}")

    def _end_looking(self) -> None:
        """Under the lock."""
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.set()

    def _look(self, wake: threading.Event) -> None:
        before = self._revision()
        while not wake.wait(LOOK_SECONDS):
            now = self._revision()
            if now != before:
                before = now
                self._changed()

    def _changed(self) -> None:
        with self._lock:
            told = list(self._watching)
        for tell in told:
            for kind in ("tools", "resources", "prompts"):
                tell(kind)

    def _revision(self) -> Hashable:
        try:
            return self._host.tables.revision()
        except MppError as fault:
            # A home that cannot be looked at for a while must not end the looking.
            return fault.code

    def close(self) -> None:
        with self._lock:
            self._watching.clear()
            self._end_looking()


@contextmanager
def open_backend(
    home: Home, options: ServeOptions, *, environment: Mapping[str, str], sources: Callable[[Room], Sequence[ToolSource]] = lambda _: (),
    told: Callable[[str, MppError], None] = lambda _name, _fault: None,
) -> Iterator[HostBackend]:  # fmt: skip
    """The host of a home behind a front, closed at the end. ``told`` hears of each package that is not served, and why."""
    given = HostOptions(workspace=options.workspace, plain_names=options.plain_names, signing=options.signing, zygote=options.zygote)
    with Host(home, given, sources, environment=environment, told=told) as host:
        # A damaged one serves nothing. Whoever starts this is told so, in place of an agent that can do nothing about it.
        host.store.lock()
        backend = HostBackend(host, options)
        try:
            yield backend
        finally:
            backend.close()
