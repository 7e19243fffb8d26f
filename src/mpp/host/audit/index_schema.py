"""The file of the search index: its tables, and how a row is made of a line. It proves nothing and follows from the log."""

from __future__ import annotations

import re
from collections.abc import Iterable

import apsw

from mpp.host.audit import index_calls
from mpp.host.stores.sqlite_file import prepare_connection
from mpp.stages.audit import FACTS, Line, Told, told_of

FORMAT = 2

BUSY_MS_MAX = 10_000
"""Milliseconds to wait for another process that writes. Reason: a batch takes a tenth of a second."""

NAMES_KEPT_MAX = 50_000
"""Names whose numbers are kept in memory while the index grows. Reason: some MiB; a log has few, unless somebody floods it."""

SINGLE = ("package", "publisher", "content", "tool", "agent", "decision", "code", "outcome")
"""Facts that an entry says once, with a column of their own. The others stand in ``more``."""

_USER, _RULE, _APPROVER, _HOST, _APPROVAL = (FACTS.index(one) for one in ("user", "rule", "approver", "host", "approval"))
_ENTRY = "seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL, tenant INTEGER NOT NULL, invocation BLOB, risk INTEGER"

SCHEMA = (
    "CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, log TEXT NOT NULL, next INTEGER NOT NULL, leaf TEXT NOT NULL) STRICT",
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT",
    f"CREATE TABLE entry ({_ENTRY}, {', '.join(f'{one} INTEGER' for one in SINGLE)}) STRICT",
    "CREATE TABLE more (fact INTEGER NOT NULL, name INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (fact, name, seq)) STRICT, WITHOUT ROWID",
    "CREATE INDEX entry_at ON entry (at)",
    "CREATE INDEX entry_kind ON entry (kind)",
    "CREATE INDEX entry_invocation ON entry (invocation) WHERE invocation IS NOT NULL",
    *(f"CREATE INDEX entry_{one} ON entry ({one}) WHERE {one} IS NOT NULL" for one in SINGLE),
    *index_calls.SCHEMA,
)

_INSERT = f"INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, {', '.join('?' * len(SINGLE))})"  # noqa: S608 - made of our own words
_ID = re.compile("[0-9a-f]{32}")

Row = tuple[int | bytes | None, ...]


def prepare(connection: apsw.Connection) -> None:
    # It can always be made again: what a power cut takes of the end is indexed anew, and no page is torn.
    prepare_connection(connection, "audit.index", busy_ms=BUSY_MS_MAX, pragmas=("cache_size = -16384", "synchronous = NORMAL", "temp_store = FILE"))


def fill(connection: apsw.Connection) -> None:
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO about VALUES (1, ?, '', 0, '')", (FORMAT,))


def is_ours(connection: apsw.Connection) -> bool:
    """Attack: a file with a trigger or a view in the place of the index. Exactly our tables, or it is made anew."""
    found = {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    return found == set(SCHEMA) and connection.execute("SELECT format FROM about").fetchone() == (FORMAT,)


def call_key(invocation: str) -> bytes | None:
    """An id of a call in half its length; what is none can be no other's."""
    if not invocation:
        return None
    return bytes.fromhex(invocation) if _ID.fullmatch(invocation) else b"not an id of ours: " + invocation.encode("utf-8")


class Filler:
    """Writes lines into the index. Each name is written once; entries hold its number."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}

    def add(self, lines: Iterable[Line]) -> None:
        """Inside a transaction of the caller."""
        rows: list[Row] = []
        more: list[Row] = []
        calls = index_calls.Calls()
        for line in lines:
            said = told_of(line)
            key = call_key(line.invocation)
            rows.append((line.seq, line.at, self._number(line.kind), self._number(line.tenant), key, said.risk, *self._singles(said)))
            calls.tell(line, said, key)
            more += self._more(line.seq, said)
        self._connection.executemany(_INSERT, rows)
        self._connection.executemany("INSERT INTO more VALUES (?, ?, ?)", more)
        calls.write(self._connection, self._number)

    def _singles(self, said: Told) -> list[int | None]:
        texts = (said.package, said.publisher, said.content, said.tool, said.agent, said.effect, said.code, said.outcome)
        return [self._number(text) if text else None for text in texts]

    def _more(self, seq: int, said: Told) -> list[Row]:
        several = (
            (_USER, said.users), (_RULE, said.rules), (_APPROVER, said.approvers), (_HOST, said.hosts),
            (_APPROVAL, (said.approval,) if said.approval else ()),
        )  # fmt: skip
        # An entry can say the same twice, in two places.
        return [(fact, number, seq) for fact, names in several if names for number in {self._number(name) for name in names}]

    def _number(self, text: str) -> int:
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= NAMES_KEPT_MAX:
                self._known.clear()
            known = self._known[text] = self._look_up(text)
        return known

    def _look_up(self, text: str) -> int:
        row = self._connection.execute("SELECT id FROM name WHERE text = ?", (text,)).fetchone()
        if row is not None:
            return int(row[0])
        self._connection.execute("INSERT INTO name (text) VALUES (?)", (text,))
        return self._connection.last_insert_rowid()
