"""What of the search index is about calls as a whole: one row for each call, counts for charts, times of stages. It proves nothing and follows from the log.

A page about a hundred thousand calls reads a bounded number of rows here, where it would else count all entries for each look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import apsw

from mpp.model.value import value
from mpp.stages.audit import Line, redactions_of, STAGES, times_of, Told

SPANS = (300, 3600, 86400)
"""Seconds of the slots in which is counted. Reason: an hour, a day and a year each have a few hundred of one of them at most."""

RISK_BAND = 10
"""Points of risk of one bar of its distribution. Reason: ten bars, from 0 to 100."""

RISK_MAX = 100
"""Points of risk from which all stand in the last bar. Reason: a score goes up to 100; a record from elsewhere may say more."""

OK, FAILED, INTERRUPTED, WAITED, DENIED, REFUSED = "ok", "failed", "interrupted", "asked", "denied", "refused"
ENDINGS = (OK, FAILED, INTERRUPTED, WAITED, DENIED, REFUSED)
"""How a call ends: it ran; it failed; its writer died; a person is asked, and it may come again; policy says no; it was refused for another reason."""

COUNTED = ("ending", "tool", "agent", "redaction", "risk", "code")
"""What is counted by its name. The place in this row is its number."""

CALL_COLUMNS = ("tenant", "agent", "package", "tool", "decision", "ending", "code")
"""What a call says in words, each a number of a name."""

_TALLY = ", ".join(f"{one} INTEGER NOT NULL" for one in ("span", "what", "slot", "name", "many"))
_CALL = ", ".join(f"{one} INTEGER" for one in CALL_COLUMNS)

SCHEMA = (
    f"CREATE TABLE call (id INTEGER PRIMARY KEY, invocation BLOB NOT NULL UNIQUE, at INTEGER NOT NULL, {_CALL}, risk INTEGER, redactions INTEGER, us INTEGER) STRICT",
    f"CREATE TABLE tally ({_TALLY}, PRIMARY KEY (span, what, slot, name)) STRICT, WITHOUT ROWID",
    f"CREATE TABLE measured (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, {', '.join(f'{one} INTEGER' for one in STAGES)}) STRICT",
    *(f"CREATE INDEX call_{one} ON call ({one}) WHERE {one} IS NOT NULL" for one in ("agent", "package", "tool")),
    # Of a call that goes on it is nothing, and these are looked for too.
    "CREATE INDEX call_ending ON call (ending)",
)

_WORDS = ("invocation", "id", "at", *CALL_COLUMNS, "risk", "redactions", "us")
# Every word of SQL is ours. What an entry does not say stays as an earlier one said it.
_PUT_CALL = (
    f"INSERT INTO call ({', '.join(_WORDS)}) VALUES ({', '.join('?' * len(_WORDS))}) ON CONFLICT (invocation) DO UPDATE SET "  # noqa: S608
    + ", ".join(f"{one} = coalesce(excluded.{one}, {one})" for one in _WORDS[3:])
)
_PUT_TALLY = "INSERT INTO tally VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET many = many + excluded.many"
_PUT_MEASURED = f"INSERT INTO measured VALUES ({', '.join('?' * (len(STAGES) + 2))})"  # noqa: S608


_TELLING = frozenset(("agent", "decision", "intent", "result", "refused", "interrupted"))
"""Kinds of entries that say something of a call as a whole. The others are passed over: most of an index is made of them."""


class _Call:
    """One call, as far as this batch speaks of it."""

    __slots__ = ("at", "redactions", "risk", "seq", "us", "words")

    def __init__(self, line: Line) -> None:
        self.seq, self.at = line.seq, line.at
        self.words: dict[str, str] = {"tenant": line.tenant}
        self.risk: int | None = None
        self.redactions: int | None = None
        self.us: int | None = None

    def tell(self, line: Line, said: Told, end: str) -> None:
        for name, text in (("agent", said.agent), ("package", said.package), ("tool", said.tool), ("ending", end), ("code", said.code)):
            if text:
                self.words[name] = text
        if line.kind == "decision":
            self.words["decision"] = said.effect
            self.risk = said.risk
        if line.kind == "result":
            self.redactions = sum(count for _, count in redactions_of(line))
            self.us = sum(times_of(line).values()) or None


def ending_of(line: Line, said: Told) -> str:
    """How the call ends by this entry; empty where it goes on."""
    if line.kind == "result":
        return OK if said.outcome == "ok" else FAILED
    if line.kind == "interrupted":
        return INTERRUPTED
    if line.kind == "decision":
        return DENIED if said.effect == "deny" else ""
    if line.kind != "refused" or said.code == "policy.denied":
        # That policy said no is counted where it did.
        return ""
    return WAITED if said.code.startswith("approval.") else REFUSED


class Calls:
    """Gathers what the lines of one batch say, and writes it once."""

    def __init__(self) -> None:
        self._calls: dict[bytes, _Call] = {}
        self._tally: Counter[tuple[str, int, str]] = Counter()
        self._measured: list[tuple[int | None, ...]] = []

    def tell(self, line: Line, said: Told, key: bytes | None) -> None:
        kind = line.kind
        if kind not in _TELLING:
            return
        end = ending_of(line, said)
        if key is not None and len(key) == _KEY_BYTES:
            found = self._calls.get(key)
            if found is None:
                found = self._calls[key] = _Call(line)
            found.tell(line, said, end)
        for what, name, many in self._counted(line, said, end):
            self._tally[what, line.at, name] += many
        if kind == "result":
            self._time(line)

    def _time(self, line: Line) -> None:
        times = times_of(line)
        if times:
            self._measured.append((line.seq, line.at, *(times.get(stage) for stage in STAGES)))

    def _counted(self, line: Line, said: Told, end: str) -> Iterable[tuple[str, str, int]]:
        if end:
            yield "ending", end, 1
        if said.code and line.kind in {"result", "refused"}:
            yield "code", said.code, 1
        if line.kind == "intent":
            yield "tool", f"{said.package}/{said.tool}", 1
            if said.agent:
                yield "agent", said.agent, 1
        elif line.kind == "decision" and said.risk is not None:
            yield "risk", str(min(said.risk, RISK_MAX - 1) // RISK_BAND * RISK_BAND), 1
        elif line.kind == "result":
            yield from (("redaction", kind, count) for kind, count in redactions_of(line))

    def write(self, connection: apsw.Connection, number: Callable[[str], int]) -> None:
        """Inside a transaction of the caller. ``number`` gives the number of a name."""
        connection.executemany(_PUT_CALL, [self._row(key, one, number) for key, one in self._calls.items()])
        slots: Counter[tuple[int, int, int, int]] = Counter()
        for (what, at, name), many in self._tally.items():
            for span in SPANS:
                slots[span, COUNTED.index(what), at - at % span, number(name)] += many
        connection.executemany(_PUT_TALLY, [(*slot, many) for slot, many in slots.items()])
        connection.executemany(_PUT_MEASURED, self._measured)

    def _row(self, key: bytes, one: _Call, number: Callable[[str], int]) -> tuple[int | bytes | None, ...]:
        words = (one.words.get(name, "") for name in CALL_COLUMNS)
        return (key, one.seq, one.at, *(number(text) if text else None for text in words), one.risk, one.redactions, one.us)


_KEY_BYTES = 16
"""Bytes of the id of a call. Reason: what is longer is no id of ours, and no page can name it."""


@value
class CallRow:
    """One call in a list."""

    id: int
    """Its first entry; it is the place in the list, which never changes."""
    invocation: str
    at: int
    tenant: str
    agent: str
    package: str
    tool: str
    decision: str
    ending: str
    """Empty: it has not ended."""
    code: str
    risk: int | None
    redactions: int
    us: int | None
    """Microseconds of its measured stages."""
