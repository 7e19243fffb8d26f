"""Erasing what is kept about somebody: salts and records of the vault go, the log and all its proofs stay as they are.

First the log says durably what goes and why, then it goes. What a crash left standing is erased by the next erasure: the log names it.
Spec: audit L-41.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson

from mpp.errors import HostFailed
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.salts import erase_salts, SaltsRead
from mpp.host.audit.vault_store import remove_records
from mpp.limits import JSON_INT_MAX
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.audit import tail_of

RANGES_MAX = 1000
"""Ranges of entries that one event names. Reason: they fit into an event with a reason; more are told in several events."""

REASON_CHARS_MAX = 500
"""Characters of a reason. Reason: one line for an auditor."""

ERASED = "erased"
Ranges = list[tuple[int, int]]


@value
class Wanted:
    """Whose traces are to go. Of a call, all entries go: the same arguments are committed to in several."""

    entries: frozenset[int] = frozenset()
    invocations: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    """Pseudonyms, and names as agents give them of those for whom they act."""
    before: int = 0
    """Seconds since 1970; 0: no matter when."""


@value
class Plan:
    ranges: Ranges
    """First and last entry. Entries in between that commit to nothing have nothing to erase."""
    entries: int
    """How many of them have a salt now."""
    calls: int
    unfinished: Ranges
    """What the log says was erased."""


@value
class _Line:
    seq: int
    kind: str
    at: int
    invocation: str
    body: dict[str, Json]
    commits: bool


def plan_erasure(reader: LogReader, wanted: Wanted) -> Plan:
    """What would go. The log is read from end to end, three times at most; memory holds the calls in question."""
    calls = _calls(reader, wanted)
    approvals = _approvals(reader, calls)
    salts = SaltsRead(reader.places)
    ranges, past, entries, is_open = Ranges(), Ranges(), 0, False
    for line in _lines(reader):
        if line.kind == ERASED:
            past += [(a, b) for a, b in ranges_of(line.body) if b < line.seq]
        if not line.commits:
            continue
        if not _is_meant(line, wanted, calls, approvals):
            is_open = False
        elif salts.has(line.seq):
            entries += 1
            if is_open:
                ranges[-1] = (ranges[-1][0], line.seq)
            else:
                ranges.append((line.seq, line.seq))
            is_open = True
    return Plan(ranges=ranges, entries=entries, calls=len(calls), unfinished=past)


def _calls(reader: LogReader, wanted: Wanted) -> frozenset[str]:
    found = set(wanted.invocations)
    if wanted.entries or wanted.users:
        for line in _lines(reader):
            if line.invocation and (line.seq in wanted.entries or _users(line.body) & wanted.users):
                found.add(line.invocation)
    return frozenset(found)


def _approvals(reader: LogReader, calls: frozenset[str]) -> frozenset[str]:
    """The one-time names of the approvals that were spent: the text of a question quotes what was asked."""
    found = set[str]()
    if calls:
        for line in _lines(reader):
            jti = line.body.get("jti")
            if line.invocation in calls and isinstance(jti, str) and jti:
                found.add(jti)
    return frozenset(found)


def _is_meant(line: _Line, wanted: Wanted, calls: frozenset[str], approvals: frozenset[str]) -> bool:
    return (
        line.seq in wanted.entries
        or line.at < wanted.before
        or line.invocation in calls
        or (line.kind == "question" and line.body.get("jti") in approvals)
        or bool(_users(line.body) & wanted.users)
    )


def _users(body: dict[str, Json]) -> set[str]:
    """The users in an event: of a decision they stand among its facts, of an agent as those for whom it acts."""
    facts = body.get("facts")
    found = [body.get("user"), facts.get("user") if isinstance(facts, dict) else None]
    for agent in (body, body.get("agent"), facts.get("agent") if isinstance(facts, dict) else None):
        behalf = agent.get("behalf") if isinstance(agent, dict) else None
        found += [one.get("name") for one in behalf if isinstance(one, dict) and one.get("kind") == "user"] if isinstance(behalf, list) else []
    return {one for one in found if isinstance(one, str) and one}


def _lines(reader: LogReader) -> Iterator[_Line]:
    """What an erasure looks at, read fast. Attack: a log that somebody changed, so that the wrong entries go: whoever doubts it verifies it first."""
    for raw in reader.lines():
        tail = tail_of(raw)
        try:
            found: Json = orjson.loads(raw)
        except orjson.JSONDecodeError:
            found = None
        event = found.get("event") if isinstance(found, dict) else None
        if tail is None or not isinstance(event, dict):
            raise HostFailed("audit.entry", "a line of the log cannot be read", where=reader.places.folder, hint="see where: mpp audit verify --deep")
        yield _line_of(tail[1], event)


def _line_of(seq: int, event: dict[str, Json]) -> _Line:
    kind, at, invocation, body, commit = (event.get(key) for key in ("kind", "at", "invocation", "body", "commit"))
    return _Line(
        seq=seq, kind=kind if isinstance(kind, str) else "", at=at if isinstance(at, int) else 0,
        invocation=invocation if isinstance(invocation, str) else "", body=body if isinstance(body, dict) else {}, commits=bool(commit),
    )  # fmt: skip


def ranges_of(body: dict[str, Json]) -> Ranges:
    """The entries that an ``erased`` event names."""
    found = body.get("entries")
    out = Ranges()
    for one in found if isinstance(found, list) else []:
        if isinstance(one, list) and len(one) == 2:
            a, b = one
            if isinstance(a, int) and isinstance(b, int) and 0 <= a <= b <= JSON_INT_MAX:
                out.append((a, b))
    return out


def finish(places: LogPlaces, ranges: Ranges) -> tuple[int, int]:
    """Erase what the log already says is erased: salts, and records of the vault; how many of each were still there."""
    return erase_salts(places, ranges), remove_records(places, ranges)


def erase(log: AuditLog, plan: Plan, told: Callable[[Ranges], Event]) -> tuple[int, int]:
    """Say it durably, then do it. ``told`` makes the event for some of the ranges."""
    for at in range(0, len(plan.ranges), RANGES_MAX):
        log.record(told(plan.ranges[at : at + RANGES_MAX]), durable=True)
    return finish(log.places, plan.ranges)


def erased_event(ranges: Ranges, reason: str, by: str, how: str, now: int) -> Event:
    """Which entries, why, who said so, and how a person agreed. Whose they were is not said: that is what is erased."""
    entries: list[Json] = [[a, b] for a, b in ranges]
    return Event(kind=ERASED, at=now, tenant="local", invocation="", body={"entries": entries, "reason": reason, "by": by, "amr": how})
