"""What people must hear of: forks of a host's record, a code that came twice, and what can be seen in its rows at any time."""

from __future__ import annotations

from mpp.model.jsontext import shown
from mpp.model.value import value

from mpp_registry.store.ports import Rows

WORDS_MAX = 300
"""Characters of the words of an alarm. Reason: one line."""

EVIDENCE_BYTES_MAX = 64 * 1024
"""Bytes of each of the two pieces of evidence. Reason: two signed checkpoints."""


@value
class Alarm:
    host_id: str
    kind: str
    at: int
    words: str
    before: bytes = b""
    after: bytes = b""


def alarm(rows: Rows, host_id: str, kind: str, at: int, words: str, before: bytes = b"", after: bytes = b"") -> None:
    """The first of its kind for a host. Attack: a thousand harmless ones that push out the one that counts."""
    rows.run(
        "INSERT INTO fleet_alarms (host_id, kind, at, words, before, after) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (host_id, kind) DO NOTHING",
        host_id, kind, at, shown(words, WORDS_MAX), before[:EVIDENCE_BYTES_MAX], after[:EVIDENCE_BYTES_MAX],
    )  # fmt: skip


def kept_alarms(rows: Rows) -> tuple[Alarm, ...]:
    found = rows.all("SELECT host_id, kind, at, words, before, after FROM fleet_alarms ORDER BY at, host_id, kind LIMIT 1000")
    return tuple(
        Alarm(host_id=str(one), kind=str(kind), at=int(str(at)), words=str(words), before=_bytes(before), after=_bytes(after))
        for one, kind, at, words, before, after in found
    )


def _bytes(cell: object) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else b""


def clear_alarms(rows: Rows, host_id: str, kind: str = "") -> int:
    """A person has looked into them."""
    if kind:
        return rows.run("DELETE FROM fleet_alarms WHERE host_id = ? AND kind = ?", host_id, kind)
    return rows.run("DELETE FROM fleet_alarms WHERE host_id = ?", host_id)
