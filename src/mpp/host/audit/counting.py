"""Numbers out of the search index: how much of what there is, and which agent uses what."""

from __future__ import annotations

import os

import apsw

from mpp.host.audit.places import LogPlaces, segment_files
from mpp.model.value import value

ROWS_MAX = 1_000
"""Rows of one table. Reason: a person reads them; whoever floods the record with names gets no report of a gigabyte."""

CALLS = {
    "calls": "kind = 'intent'",
    "refused": "kind = 'refused'",
    "denied": "kind = 'decision' AND decision = 'deny'",
    "asked": "kind = 'question'",
    "approved": "kind = 'approval-spent'",
    "failed": "kind = 'result' AND outcome <> 'ok'",
    "interrupted": "kind = 'interrupted'",
    "stops": "kind = 'stop'",
}
"""What is counted, and by which entries."""


@value
class Use:
    """One agent with one tool of exactly these bytes."""

    agent: str
    package: str
    tool: str
    content: str
    calls: int
    first: int
    last: int


@value
class Counts:
    entries: int
    first_at: int
    last_at: int
    calls: dict[str, int]
    by: dict[str, tuple[tuple[str, int], ...]]
    uses: tuple[Use, ...]
    has_more: bool
    """Was a table cut?"""


@value
class Stored:
    segments: int
    pruned: int
    bytes: int


def count(connection: apsw.Connection, since: int | None, until: int | None) -> Counts:
    """All of it in one transaction: the numbers fit each other."""
    where, bound = "at >= ? AND at <= ?", (since if since is not None else -1, until if until is not None else 1 << 60)
    # Every word of SQL is ours; the times are bound.
    total = connection.execute(f"SELECT count(*), min(at), max(at) FROM entry WHERE {where}", bound).fetchone() or (0, None, None)  # noqa: S608
    by = {column: _by(connection, column, where, bound) for column in ("kind", "package", "agent", "decision", "outcome", "code")}
    uses = _uses(connection, where, bound)
    return Counts(
        entries=total[0],
        first_at=total[1] or 0,
        last_at=total[2] or 0,
        calls=_calls(connection, where, bound),
        by={column: rows[:ROWS_MAX] for column, rows in by.items()},
        uses=uses[:ROWS_MAX],
        has_more=len(uses) > ROWS_MAX or any(len(rows) > ROWS_MAX for rows in by.values()),
    )


def _by(connection: apsw.Connection, column: str, where: str, bound: tuple[int, int]) -> tuple[tuple[str, int], ...]:
    # A call has its package and its agent in several entries: it is counted once, where it begins to run.
    of_calls = " AND kind = (SELECT id FROM name WHERE text = 'intent')" if column in {"package", "agent"} else ""
    sql = (
        f"SELECT n.text, c.many FROM (SELECT {column} AS name, count(*) AS many FROM entry WHERE {where}{of_calls} AND {column} IS NOT NULL"  # noqa: S608
        f" GROUP BY 1 ORDER BY 2 DESC LIMIT {ROWS_MAX + 1}) c JOIN name n ON n.id = c.name ORDER BY c.many DESC, n.text"
    )
    return tuple((text, many) for text, many in connection.execute(sql, bound))


def _calls(connection: apsw.Connection, where: str, bound: tuple[int, int]) -> dict[str, int]:
    sums = ", ".join(f"coalesce(sum(many) FILTER (WHERE {condition}), 0)" for condition in CALLS.values())
    rows = f"SELECT kind, decision, outcome, count(*) AS many FROM entry WHERE {where} GROUP BY 1, 2, 3"  # noqa: S608
    named = (
        "SELECT k.text AS kind, d.text AS decision, o.text AS outcome, many FROM "  # noqa: S608
        f"({rows}) e JOIN name k ON k.id = e.kind LEFT JOIN name d ON d.id = e.decision LEFT JOIN name o ON o.id = e.outcome"
    )
    found = connection.execute(f"SELECT {sums} FROM ({named})", bound).fetchone() or [0] * len(CALLS)  # noqa: S608
    return dict(zip(CALLS, found, strict=True))


def _uses(connection: apsw.Connection, where: str, bound: tuple[int, int]) -> tuple[Use, ...]:
    grouped = (
        f"SELECT agent, package, tool, content, count(*) AS many, min(at) AS first, max(at) AS last FROM entry WHERE {where}"  # noqa: S608
        f" AND kind = (SELECT id FROM name WHERE text = 'intent') GROUP BY 1, 2, 3, 4 ORDER BY many DESC LIMIT {ROWS_MAX + 1}"
    )
    joined = " ".join(f"LEFT JOIN name {one} ON {one}.id = g.{one}" for one in ("agent", "package", "tool", "content"))
    names = ", ".join(f"coalesce({one}.text, '')" for one in ("agent", "package", "tool", "content"))
    sql = f"SELECT {names}, many, first, last FROM ({grouped}) g {joined} ORDER BY many DESC, 1, 2, 3, 4"  # noqa: S608
    return tuple(
        Use(agent=agent, package=package, tool=tool, content=content, calls=many, first=first, last=last)
        for agent, package, tool, content, many, first, last in connection.execute(sql, bound)
    )


def stored(places: LogPlaces) -> Stored:
    """What of the log lies on the disk."""
    files = segment_files(places.segments)
    count = 0
    for first, kinds in files.items():
        for kind in kinds:
            path = os.path.join(places.segments, f"{first:016d}.{kind}")
            # A segment may be compressed or pruned just now.
            count += os.stat(path).st_size if os.path.exists(path) else 0
    return Stored(segments=len(files), pruned=sum(not kinds & {"jsonl", "jsonl.gz"} for kinds in files.values()), bytes=count)
