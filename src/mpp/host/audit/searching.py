"""Questions to the search index. What is found is then read from the log itself.

A condition holds for an entry if the entry says it, or another entry of the same call does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import apsw

from mpp.host.audit import pseudonyms
from mpp.host.audit.index_schema import call_key, SINGLE
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.scan import lines_from
from mpp.stages.audit import Condition, FACTS, Line, Wanted, glance

SKIP_MAX = 2_000
"""Entries that are read over on the way to the next hit. Reason: finding it anew costs about as much."""

CALL_DIGITS = 32

Part = tuple[str, list[int | str | bytes]]
"""A condition in SQL, and what is bound in it."""


def find(connection: apsw.Connection, wanted: Wanted, limit: int) -> tuple[int, ...]:
    """The newest ``limit`` entries that have what is wanted, the newest first."""
    parts = [*_of_entry(wanted), *(_of_call(one) for one in wanted.conditions)]
    where = " AND ".join(sql for sql, _ in parts) or "1"
    # All of it is made of our own words; what was given is bound.
    sql = f"SELECT seq FROM entry WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    given = [one for _, bound in parts for one in bound]
    return tuple(int(seq) for (seq,) in connection.execute(sql, (*given, limit)))


def calls_like(connection: apsw.Connection, beginning: str, limit: int) -> tuple[str, ...]:
    """The ids of the calls that begin like this."""
    sql = "SELECT DISTINCT invocation FROM entry WHERE invocation >= ? AND invocation <= ? AND length(invocation) = 16 LIMIT ?"
    low, high = _range(beginning)
    return tuple(found.hex() for (found,) in connection.execute(sql, (low, high, limit)))


def _range(beginning: str) -> tuple[bytes, bytes]:
    return bytes.fromhex(beginning.ljust(CALL_DIGITS, "0")), bytes.fromhex(beginning.ljust(CALL_DIGITS, "f"))


def of_call(connection: apsw.Connection, invocation: str, limit: int) -> tuple[int, ...]:
    """The entries of one call, in order."""
    sql = "SELECT seq FROM entry WHERE invocation = ? ORDER BY seq LIMIT ?"
    return tuple(int(seq) for (seq,) in connection.execute(sql, (call_key(invocation), limit)))


def of_approval(connection: apsw.Connection, jti: str, limit: int) -> tuple[int, ...]:
    """The entries that name one approval: its question, its answers, its use."""
    sql = "SELECT seq FROM more WHERE fact = ? AND name = (SELECT id FROM name WHERE text = ?) ORDER BY seq LIMIT ?"
    return tuple(int(seq) for (seq,) in connection.execute(sql, (FACTS.index("approval"), jti, limit)))


def _of_entry(wanted: Wanted) -> Iterator[Part]:
    if wanted.kinds:
        yield f"kind IN (SELECT id FROM name WHERE text IN ({', '.join('?' * len(wanted.kinds))}))", [*wanted.kinds]  # noqa: S608
    if wanted.since is not None:
        yield "at >= ?", [wanted.since]
    if wanted.until is not None:
        yield "at <= ?", [wanted.until]
    if wanted.tenant:
        yield "tenant = (SELECT id FROM name WHERE text = ?)", [wanted.tenant]
    if wanted.invocation:
        yield "invocation >= ? AND invocation <= ? AND length(invocation) = 16", [*_range(wanted.invocation)]
    if wanted.risk is not None:
        yield "risk >= ?", [wanted.risk]


def _of_call(condition: Condition) -> Part:
    names, bound = parts_of_names(condition.fact, condition.patterns)
    if condition.fact in SINGLE:
        seqs = f"SELECT seq FROM entry WHERE {condition.fact} IN ({names})"  # noqa: S608
    else:
        seqs = f"SELECT seq FROM more WHERE fact = {FACTS.index(condition.fact)} AND name IN ({names})"  # noqa: S608
    calls = f"SELECT invocation FROM entry WHERE seq IN ({seqs}) AND invocation IS NOT NULL"  # noqa: S608
    return f"(seq IN ({seqs}) OR invocation IN ({calls}))", bound * 2


def parts_of_names(fact: str, patterns: Iterable[str]) -> Part:
    """The numbers of all names that are meant."""
    ways, bound = list[str](), list[int | str | bytes]()
    for pattern in patterns:
        if pattern.endswith("*"):
            ways.append("substr(text, 1, ?) = ?")
            bound += [len(pattern) - 1, pattern[:-1]]
        else:
            ways.append("text = ?")
            bound.append(pattern)
            if fact == "rule":
                ways.append("substr(text, ?) = ?")
                bound += [-len(pattern) - 1, "/" + pattern]
    return f"SELECT id FROM name WHERE {' OR '.join(ways)}", bound  # noqa: S608


def meant(places: LogPlaces, fact: str, name: str) -> tuple[str, ...]:
    """What stands in the record for what a person types."""
    if fact == "user":
        pseudonym = pseudonyms.find(places, name)
        return (name,) if pseudonym is None else (name, pseudonym)
    return (name, f"user:{name}") if fact == "approver" else (name,)


def lines_of(places: LogPlaces, seqs: Sequence[int]) -> Iterator[Line]:
    """The lines of some entries, which are given in rising order. Pruned ones are passed over."""
    firsts = list(segment_files(places.segments))
    lines: Iterator[bytes] = iter(())
    at = -1
    for seq in seqs:
        if at < 0 or (seq - at > SKIP_MAX and _apart(firsts, at, seq)):
            lines = lines_from(places, seq)
        found = _upto(lines, seq)
        if found is not None:
            at = found.seq
            if at == seq:
                yield found
                continue
        # What was read over is needed again: the next one is looked for from the beginning of its own.
        at = -1


def _apart(firsts: Iterable[int], at: int, seq: int) -> bool:
    return any(at < first <= seq for first in firsts) or seq - at > 8 * SKIP_MAX


def _upto(lines: Iterator[bytes], seq: int) -> Line | None:
    for line in lines:
        found = glance(line)
        if found is not None and found.seq >= seq:
            return found
    return None
