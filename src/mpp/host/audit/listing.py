"""Questions to the search index about calls as a whole: a page of them, and the numbers of a window of time. Each reads a bounded number of rows."""

from __future__ import annotations

from collections.abc import Mapping

import apsw

from mpp.host.audit.index_calls import CALL_COLUMNS, CallRow, COUNTED, SPANS
from mpp.host.audit.index_schema import SINGLE
from mpp.host.audit.searching import Part, parts_of_names
from mpp.model.value import value
from mpp.stages.audit import Condition, FACTS, STAGES

SLOTS_MAX = 400
"""Slots of time of one question. Reason: what draws them puts several into one bar anyway."""

NAMES_MAX = 200_000
"""Rows of counts that are added up for one list of names. Reason: a month with fifty tools has 36,000; more takes longer than a person waits."""

SAMPLE_MAX = 2_000
"""Calls whose times are looked at. Reason: their middle and their slowest twentieth are sure enough, and none costs a thousandth of a second."""

TOUCHED_MAX = 10_000
"""Entries that are looked through for a fact which several calls share, such as a host. Reason: the newest ones; more takes longer than a person waits."""


@value
class CallsWanted:
    """Which calls. All must hold."""

    words: Mapping[str, tuple[str, ...]]
    """By column of a call: one of these names, or beginnings with ``*``."""
    conditions: tuple[Condition, ...] = ()
    """What any entry of the call says."""
    since: int | None = None
    until: int | None = None
    risk: int | None = None
    beginning: str = ""
    """How the id of the call begins."""
    anywhere: tuple[str, ...] = ()
    """Each stands in the name of the package, tool or agent, or in the code."""
    running: bool = False
    """Only those that have not ended."""


def calls(connection: apsw.Connection, wanted: CallsWanted, limit: int, *, before: int | None = None, after: int | None = None) -> tuple[CallRow, ...]:
    """The newest ``limit`` calls, the newest first; ``before`` and ``after`` are places in the list. After a place, those next to it."""
    parts = list(_parts(wanted))
    if before is not None:
        parts.append(("id < ?", [before]))
    if after is not None:
        parts.append(("id > ?", [after]))
    where = " AND ".join(sql for sql, _ in parts) or "1"
    order = "ASC" if after is not None else "DESC"
    names = ", ".join(f"(SELECT text FROM name WHERE name.id = c.{one})" for one in CALL_COLUMNS)  # noqa: S608
    # All of it is made of our own words; what was given is bound.
    sql = (
        f"SELECT id, invocation, at, {names}, risk, redactions, us"  # noqa: S608
        f" FROM (SELECT * FROM call WHERE {where} ORDER BY id {order} LIMIT ?) c ORDER BY id DESC"
    )
    given = [one for _, bound in parts for one in bound]
    return tuple(_row(row) for row in connection.execute(sql, (*given, limit)))


def _row(row: tuple[object, ...]) -> CallRow:
    seq, key, at, *words, risk, redactions, us = row
    tenant, agent, package, tool, decision, ending, code = (word if isinstance(word, str) else "" for word in words)
    return CallRow(
        id=_number(seq), invocation=key.hex() if isinstance(key, bytes) else "", at=_number(at), tenant=tenant, agent=agent, package=package, tool=tool,
        decision=decision, ending=ending, code=code, risk=risk if isinstance(risk, int) else None, redactions=_number(redactions),
        us=us if isinstance(us, int) else None,
    )  # fmt: skip


def _number(found: object) -> int:
    return found if isinstance(found, int) else 0


def _parts(wanted: CallsWanted) -> list[Part]:
    parts: list[Part] = []
    for column, patterns in wanted.words.items():
        if column in CALL_COLUMNS and patterns:
            names, bound = parts_of_names(column, patterns)
            parts.append((f"{column} IN ({names})", bound))
    parts += map(_touched, wanted.conditions)
    parts += map(_anywhere, wanted.anywhere)
    if wanted.since is not None:
        parts.append(("at >= ?", [wanted.since]))
    if wanted.until is not None:
        parts.append(("at <= ?", [wanted.until]))
    if wanted.risk is not None:
        parts.append(("risk >= ?", [wanted.risk]))
    if wanted.beginning:
        parts.append(("invocation >= ? AND invocation <= ?", [bytes.fromhex(wanted.beginning.ljust(32, "0")), bytes.fromhex(wanted.beginning.ljust(32, "f"))]))
    if wanted.running:
        parts.append(("ending IS NULL", []))
    return parts


def _touched(one: Condition) -> Part:
    """Calls of which an entry names this: the newest entries that do."""
    names, bound = parts_of_names(one.fact, one.patterns)
    where = f"entry WHERE {one.fact}" if one.fact in SINGLE else f"more WHERE fact = {FACTS.index(one.fact)} AND name"
    seqs = f"SELECT seq FROM {where} IN ({names}) ORDER BY seq DESC LIMIT {TOUCHED_MAX}"  # noqa: S608
    return f"invocation IN (SELECT invocation FROM entry WHERE seq IN ({seqs}) AND invocation IS NOT NULL)", bound  # noqa: S608


def _anywhere(word: str) -> Part:
    names = f"SELECT id FROM name WHERE instr(lower(text), ?) > 0 LIMIT {TOUCHED_MAX}"  # noqa: S608
    return " OR ".join(f"{column} IN ({names})" for column in _SEEN).join("()"), [word.lower()] * len(_SEEN)


_SEEN = ("package", "tool", "agent", "code")

# -- the numbers of a window of time


@value
class Numbers:
    """What was counted from ``since`` up to ``until``, in slots of ``span`` seconds. All of it fits together."""

    since: int
    until: int
    span: int
    endings: Mapping[str, tuple[tuple[int, int], ...]]
    """By ending, the slots in which there were any, in order."""
    tools: tuple[tuple[str, int], ...]
    agents: tuple[tuple[str, int], ...]
    redactions: tuple[tuple[str, int], ...]
    risks: tuple[tuple[str, int], ...]
    codes: tuple[tuple[str, int], ...]
    times: Mapping[str, tuple[int, ...]]
    """By stage, the microseconds of the newest calls, in rising order."""
    first: int | None
    """When the first of all entries was made."""


def span_for(seconds: int) -> int:
    """The finest slots in which a window of this length is counted."""
    return next((span for span in SPANS if seconds // span <= SLOTS_MAX), SPANS[-1])


def numbers(connection: apsw.Connection, since: int, until: int, rows: int) -> Numbers:
    """``rows``: of each list, the most frequent."""
    span = span_for(until - since)
    since -= since % span
    first = connection.execute("SELECT min(at) FROM entry").fetchone()
    tops = {what: _top(connection, what, span, (since, until), rows) for what in COUNTED if what != "ending"}
    return Numbers(
        since=since, until=until, span=span, endings=_slots(connection, span, since, until), tools=tops["tool"], agents=tops["agent"],
        redactions=tops["redaction"], risks=tops["risk"], codes=tops["code"], times=_times(connection, since, until),
        first=first[0] if first is not None and isinstance(first[0], int) else None,
    )  # fmt: skip


def _slots(connection: apsw.Connection, span: int, since: int, until: int) -> Mapping[str, tuple[tuple[int, int], ...]]:
    sql = "SELECT n.text, slot, many FROM tally JOIN name n ON n.id = tally.name WHERE span = ? AND what = ? AND slot >= ? AND slot <= ? ORDER BY slot"
    found: dict[str, list[tuple[int, int]]] = {}
    for name, slot, many in connection.execute(sql, (span, COUNTED.index("ending"), since, until)):
        found.setdefault(name, []).append((slot, many))
    return {name: tuple(slots) for name, slots in found.items()}


def _top(connection: apsw.Connection, what: str, span: int, between: tuple[int, int], rows: int) -> tuple[tuple[str, int], ...]:
    newest = f"SELECT name, many FROM tally WHERE span = ? AND what = ? AND slot >= ? AND slot <= ? ORDER BY slot DESC LIMIT {NAMES_MAX}"  # noqa: S608
    sums = f"SELECT name, sum(many) AS many FROM ({newest}) GROUP BY name ORDER BY many DESC, name LIMIT ?"  # noqa: S608
    sql = f"SELECT n.text, s.many FROM ({sums}) s JOIN name n ON n.id = s.name ORDER BY s.many DESC, n.text"  # noqa: S608
    return tuple((text, many) for text, many in connection.execute(sql, (span, COUNTED.index(what), *between, rows)))


def _times(connection: apsw.Connection, since: int, until: int) -> Mapping[str, tuple[int, ...]]:
    # The newest of all, and of those what lies in the window: a window without calls must not cost a look at each call before it.
    sql = f"SELECT {', '.join(STAGES)} FROM (SELECT * FROM measured ORDER BY seq DESC LIMIT {SAMPLE_MAX}) WHERE at >= ? AND at <= ?"  # noqa: S608
    rows = connection.execute(sql, (since, until)).fetchall()
    return {stage: tuple(sorted(one for row in rows if isinstance(one := row[place], int))) for place, stage in enumerate(STAGES)}
