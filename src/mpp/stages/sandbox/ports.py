"""What the sandbox needs of its host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mpp.model.capabilities import NetworkRule
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.ports import Steps


class HostCalls(Protocol):
    """Answers what a guest asks its host. Rights come from the connection, never from the message."""

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:
        """The answer; an expected refusal is one too. ``until`` is the call's deadline on the monotonic clock."""
        ...


class Live(Protocol):
    """Where a call's messages go while it runs. What comes here is raw: the receiver filters it."""

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


class Border(Protocol):
    """Where a call's requests to other hosts go through before they leave."""

    def leave(self, params: Mapping[str, Json]) -> Mapping[str, Json]:
        """The parameters of ``http.fetch`` as they may leave, not judged in any other way. Raises Refused, with words that the guest may read."""
        ...

    def returned(self, url: str, data: bytes) -> None:
        """What the host that answered said: it may be told that again."""
        ...


class Scope(Protocol):
    """Who is calling: what the host knows of the worker at the other end."""

    @property
    def rights(self) -> Rights: ...

    @property
    def context(self) -> CallContext: ...

    @property
    def live(self) -> Live: ...

    @property
    def declared(self) -> tuple[NetworkRule, ...]:
        """What the manifest asks of the network, some of it perhaps not granted."""
        ...

    @property
    def border(self) -> Border: ...
