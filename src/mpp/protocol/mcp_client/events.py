"""What a server's messages mean to its client. Spec: legacy V-3 to V-9."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.protocol.mcp_client.messages import Id


@value
class Greeted:
    """What a server says of itself at the beginning."""

    version: str
    name: str
    server_version: str
    abilities: frozenset[str] = frozenset()
    """The names of its capabilities; ``resources.subscribe`` where it tells of single resources."""

    @property
    def has_tools(self) -> bool:
        return "tools" in self.abilities


@value
class Done:
    """The answer to one request of ours."""

    id: int
    result: Mapping[str, Json] | None
    error: str = ""
    code: int = 0


@value
class Progress:
    id: int
    progress: float
    total: float | None
    message: str


@value
class Log:
    level: str
    message: str


@value
class Changed:
    """The server says that one of its lists is another one now."""

    what: str = "tools"


@value
class Updated:
    """The server says that one resource is another one now."""

    uri: str


@value
class Asked:
    """The server asks its client something: a person, a model, or for folders. It waits for ``Session.answer`` or ``Session.decline``."""

    id: Id
    method: str
    params: Mapping[str, Json] = field(default_factory=dict)


@value
class Reply:
    """What is to be written back at once."""

    data: bytes


Happened: TypeAlias = Done | Progress | Log | Changed | Updated | Asked | Reply


@value
class Wish:
    """One request as it goes to the server: to call a tool, to get a prompt, to read a resource, to complete a word."""

    method: str
    params: Mapping[str, Json]
    arguments: bytes | None = None
    """The arguments of a tool, byte for byte as they were judged."""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    """Answers to the server's questions, by their names. Only the newer era has them in a request."""
    state: str = ""
    """What the server gave with its questions, to be given back."""
    level: str = ""
    """The least level of log lines that are wanted; empty: the server's own choice."""
