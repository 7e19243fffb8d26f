"""Errors by fault: one screen, four classes, each fault with a stable code.

Spec: spec/codes.toml lists every code once. A code is ``family.name``; the family alone decides
the stage, the check number and the exit code, so a caller can act without knowing each code.
"""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """What all codes of one family share."""

    stage: str
    check: int | None
    exit_code: int


# The order is the order of judgement. Exit codes 11-17 are the number of the failed check plus ten;
# publisher trust has its own (20), because integrity held and only a person can decide the rest.
FAMILIES: dict[str, Family] = {
    "archive": Family("archive", 1, 11),
    "size": Family("archive", 2, 12),
    "path": Family("archive", 3, 13),
    "content": Family("gatekeeper", 4, 14),
    "signature": Family("gatekeeper", 5, 15),
    "publisher": Family("gatekeeper", 5, 20),
    "manifest": Family("gatekeeper", 6, 16),
    "capability": Family("gatekeeper", 7, 17),
    "wasm": Family("gatekeeper", 7, 17),
    "key": Family("author", None, 3),
    "project": Family("author", None, 3),
    "trust": Family("host", None, 3),
    "secret": Family("host", None, 3),
    "usage": Family("cli", None, 2),
    "call": Family("sandbox", None, 21),
    "layer": Family("sandbox", None, 31),
    "consent": Family("approval", None, 22),
    "policy": Family("policy", None, 23),
    "agent": Family("policy", None, 25),
    "approval": Family("approval", None, 24),
    "token": Family("sandbox", None, 26),
    "audit": Family("audit", None, 27),
    "description": Family("privacy", None, 28),
    "privacy": Family("privacy", None, 29),
    "host": Family("host", None, 1),
    "tool": Family("sandbox", None, 30),
    "remote": Family("remote", None, 40),
    "registry": Family("registry", None, 41),
}


class Fault(NamedTuple):
    """One thing that is wrong, where it is, and what to do about it."""

    code: str
    where: str
    message: str
    hint: str


class MppError(Exception):
    """The root of all our errors; carries at least one fault, the first of which gives the code."""

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "", faults: tuple[Fault, ...] = ()) -> None:
        self.faults = faults or (Fault(code, where, message, hint),)
        self.code, self.where, self.message, self.hint = self.faults[0]
        super().__init__(f"{self.code}: {self.message}" + (f" ({self.where})" if self.where else ""))

    @property
    def family(self) -> Family:
        return FAMILIES[self.code.partition(".")[0]]

    @property
    def stage(self) -> str:
        return self.family.stage

    @property
    def check(self) -> int | None:
        return self.family.check

    @property
    def exit_code(self) -> int:
        return self.family.exit_code


class Refused(MppError):
    """The input was judged and turned down; the same input will be refused again."""

    @classmethod
    def of(cls, faults: tuple[Fault, ...]) -> Refused:
        """One refusal for all collected faults."""
        first = faults[0]
        return cls(first.code, first.message, faults=faults)


class ToolFailed(MppError):
    """The tool itself went wrong: crash, time, memory, bad reply."""


class HostFailed(MppError):
    """This machine could not do its part; we fail closed."""


class RemoteFailed(MppError):
    """Another machine could not do its part."""
