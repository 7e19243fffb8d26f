"""What somebody looks for in a log, as a value; and whether an entry has it. Pure.

A condition holds for an entry if the entry says it, or another entry of the same call does: the entry that names the host does not
name the package, and who looks for both means the call.
"""

from __future__ import annotations

from typing import NamedTuple

from mpp.model.value import value
from mpp.stages.audit.told import Line, Told

FACTS = ("package", "publisher", "content", "tool", "agent", "user", "decision", "rule", "code", "outcome", "approver", "host", "approval")
"""What a condition can be about. The place in this row is its number in the index."""


class Condition(NamedTuple):
    fact: str
    patterns: tuple[str, ...]
    """One of these: a whole name, or its beginning and ``*``; of a rule also its last part."""


@value
class Wanted:
    kinds: tuple[str, ...] = ()
    since: int | None = None
    """The first second."""
    until: int | None = None
    """The last second."""
    tenant: str = ""
    invocation: str = ""
    """The beginning of a call's id."""
    risk: int | None = None
    """The least score."""
    conditions: tuple[Condition, ...] = ()


def names_of(fact: str, said: Told) -> tuple[str, ...]:
    """What an entry says of one fact."""
    found: dict[str, tuple[str, ...]] = {
        "package": (said.package,), "publisher": (said.publisher,), "content": (said.content,), "tool": (said.tool,), "agent": (said.agent,),
        "user": said.users, "decision": (said.effect,), "rule": said.rules, "code": (said.code,), "outcome": (said.outcome,),
        "approver": said.approvers, "host": said.hosts, "approval": (said.approval,),
    }  # fmt: skip
    return tuple(one for one in found[fact] if one)


def says(condition: Condition, said: Told) -> bool:
    return any(_fits(pattern, name, condition.fact) for name in names_of(condition.fact, said) for pattern in condition.patterns)


def _fits(pattern: str, name: str, fact: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern or (fact == "rule" and name.endswith("/" + pattern))


def is_in(wanted: Wanted, line: Line, said: Told) -> bool:
    """What must hold for the entry itself, whatever else its call says."""
    return (
        (not wanted.kinds or line.kind in wanted.kinds)
        and (wanted.since is None or line.at >= wanted.since)
        and (wanted.until is None or line.at <= wanted.until)
        and (not wanted.tenant or line.tenant == wanted.tenant)
        and (not wanted.invocation or line.invocation.startswith(wanted.invocation))
        and (wanted.risk is None or (said.risk is not None and said.risk >= wanted.risk))
    )
