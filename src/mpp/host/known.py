"""What follows from a verified package alone: worked out once for all its calls, and forgotten with it.

Nothing here depends on who calls, on policy, on approvals or on the time: those are looked at in each call.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from mpp.model.jsontext import Json
from mpp.model.manifest import ToolDefinition
from mpp.model.rights import Rights
from mpp.model.scope import Scope
from mpp.model.value import value
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import Risk

BOUND = ("pinned", "own key")
"""Why the gatekeeper believed a publisher for this very package id."""

K = TypeVar("K")
V = TypeVar("V")

OF_ONE_MAX = 64
"""Answers that are remembered for one package. Reason: one or two for each tool; a package has a handful of tools."""

KNOWN_MAX = 512
"""Packages of which is remembered what follows from signed bytes alone. Reason: a host serves hundreds; each is a kilobyte."""


@value
class Callee:
    """Whose tool is called, as far as grants of the filter depend on it."""

    publisher_id: str
    package_id: str
    bound: bool
    tool: str


class About(NamedTuple):
    """What policy sees of a tool, as far as it is the same in each call."""

    security_level: str
    risk: Risk
    scope: Scope
    internal_hosts: tuple[str, ...]


class Known:
    """A verified package by its content and publisher. Two of them are equal where all that is signed is, so that what follows from it is worked out once."""

    __slots__ = (
        "_callees",
        "_hash",
        "_key",
        "abouts",
        "bound",
        "content_hash",
        "labels",
        "looks",
        "package",
        "package_id",
        "publisher_id",
        "publisher_name",
        "rights",
        "version",
    )

    def __init__(self, package: VerifiedPackage) -> None:
        self.package = package
        self.publisher_id, self.package_id = package.publisher_id, package.package_id
        self.version, self.content_hash = package.version, package.content_hash
        self.publisher_name = package.chain.newest.name
        self.bound = package.trusted_because in BOUND
        self._callees = {tool.name: self._callee(tool.name) for tool in package.manifest.tool_definitions}
        self.labels: dict[str, Json] = {
            "package": self.package_id, "version": self.version, "contentHash": self.content_hash, "publisher": self.publisher_id,
        }  # fmt: skip
        """What a client may know of whose answer it is. Shared: nobody changes it."""
        self.abouts: dict[tuple[object, ...], tuple[ToolDefinition, About]] = {}
        """What policy sees of its tools, each beside the very tool that it is about: see ``keep``."""
        self.rights: dict[tuple[object, ...], tuple[Scope, Rights]] = {}
        """Rights that name no place of this machine, each beside the very scope that they open: see ``keep``."""
        self.looks: tuple[str, ...] | None = None
        """What a person should look at in its texts, once somebody asked."""
        self._key = (self.publisher_id, self.content_hash)
        self._hash = hash(self._key)

    def callee(self, tool: str) -> Callee:
        """Empty: any of its tools."""
        return self._callees.get(tool) or self._callee(tool)

    def _callee(self, tool: str) -> Callee:
        return Callee(publisher_id=self.publisher_id, package_id=self.package_id, bound=self.bound, tool=tool)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Known) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash


def keep(where: dict[K, V], key: K, row: V) -> V:
    """Remember it for one package. Whoever looks there compares what stands beside it by its identity."""
    if len(where) >= OF_ONE_MAX:
        # Days pass, and tenants come and go.
        where.clear()
    where[key] = row
    return row


_KNOWN: dict[int, Known] = {}
"""By the identity of its package, which it keeps: so nothing else can have that identity meanwhile."""


def known(package: VerifiedPackage) -> Known:
    found = _KNOWN.get(id(package))
    if found is None or found.package is not package:
        if len(_KNOWN) >= KNOWN_MAX:
            _KNOWN.clear()
        found = _KNOWN[id(package)] = Known(package)
    return found


def forget() -> None:
    """Let go of all packages."""
    _KNOWN.clear()
