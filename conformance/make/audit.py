"""Audit logs, proofs and checkpoints, sound and damaged: one row of a table each, and how it becomes a folder. Spec: 7-audit.md.

Each row says what a verifier must find, in which way of verifying it finds it first, and up to which entry each verdict holds.
They are written by ``tests/verifier/minilog.py``, which knows the text of the specification and not the product.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.verifier.minilog import Files, MiniLog, base64, edited, key_of, rechain, vkey

FOLDER = "audit"
"""Below the vectors: ``audit/COMMAND/CASE``."""

ROWS = ("chained", "signed", "anchored", "witnessed")
WITNESSES = [vkey(name, 4, key_of(name)) for name in ("w1.example", "w2.example", "w3.example")]
WEAK = base64(bytes([1]) + bytes(31))
"""The point of order one: a key under which one signature fits many messages."""

S0, S1, S2 = (f"segments/{first:016d}.jsonl" for first in (0, 5, 9))
SEAL0, SEAL1 = (f"segments/{first:016d}.seal" for first in (0, 5))
KEPT0, KEPT1 = (f"segments/{first:016d}.kept" for first in (0, 5))
Given: TypeAlias = "str | int | list[str]"
NOTHING: Mapping[str, Given] = {}


@dataclass(frozen=True, kw_only=True)
class Audit:
    """A vector before it is written."""

    command: str
    name: str
    title: str
    clauses: str
    files: Mapping[str, bytes]
    verdict: str = "broken"
    code: str = ""
    file: str = ""
    entry: int = -1
    covers: str = ""
    """How many entries each verdict covers, four numbers. Only of a log."""
    mode: str = "fast"
    """The quickest way of verifying that finds it."""
    caught: str = ""
    """The lowest verdict that does not hold."""
    given: Mapping[str, Given] = field(default_factory=dict)
    """What the verifier is told: log_id, anchors, witnesses, quorum, host_key, epoch_key."""

    @property
    def id(self) -> str:
        return f"{FOLDER}/{self.command}/{self.name}"


def std() -> MiniLog:
    """Two sealed segments and an open one: entries 0 to 4, 5 to 8, 9 to 11."""
    return MiniLog().fill(3).rotate().fill(3).rotate().fill(3)


def small() -> MiniLog:
    """One open segment of four entries."""
    return MiniLog().fill(3)


# One case a line, however long.
# fmt: off

def good(name: str, title: str, clauses: str, files: Files, verdict: str, covers: str, *, mode: str = "fast", given: Mapping[str, Given] = NOTHING) -> Audit:
    return Audit(command="log", name=name, title=title, clauses=clauses, files=files, verdict=verdict, covers=covers, mode=mode, given=given)


def bad(
    name: str, title: str, clauses: str, files: Files, code: str, place: tuple[str, int], covers: str, caught: str = "chained",
    *, mode: str = "fast", given: Mapping[str, Given] = NOTHING,
) -> Audit:
    return Audit(
        command="log", name=name, title=title, clauses=clauses, files=files, code=f"audit.{code}", file=place[0], entry=place[1], covers=covers, caught=caught,
        mode=mode, given=given,
    )

# fmt: on


def changed(log: MiniLog, *, checkpoint: bytes) -> Files:
    """The files of the log with another checkpoint."""
    return {**log.write(), "checkpoint": checkpoint}


def replaced(files: Files, change: Mapping[str, bytes | None]) -> Files:
    """Files to new bytes; None removes one."""
    return {name: data for name, data in {**files, **change}.items() if data is not None}


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def stolen_tail() -> MiniLog:
    """Entry 10 changed, all behind it chained and signed anew with the keys of today."""
    log = std()
    log.lines = rechain([*log.lines[:10], edited(log.lines[10]), log.lines[11]], 10)
    return log


def write_case(case: Audit, vectors: Path) -> None:
    """The folder of a vector: ``case.toml``, the log below ``log``, and what was kept elsewhere beside it."""
    folder = vectors / case.id
    for name, data in case.files.items():
        path = folder / name.removeprefix("../") if name.startswith("../") else folder / "log" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    row: dict[str, object] = {"id": case.id, "title": case.title, "clauses": case.clauses.split(), "verdict": case.verdict, "mode": case.mode}
    row |= {key: item for key, item in (("code", case.code), ("file", case.file), ("caught", case.caught)) if item}
    row |= {"entry": case.entry} if case.code or case.entry >= 0 else {}
    row |= dict(zip(ROWS, map(int, case.covers.split()), strict=True)) if case.covers else {}
    text = "".join(f"{key} = {json.dumps(item)}\n" for key, item in {**row, **case.given}.items())
    (folder / "case.toml").write_text(text, encoding="utf-8")


def make_audit(found: Iterable[Audit], vectors: Path) -> int:
    """Write all of them and return their number."""
    count = 0
    for count, case in enumerate(found, 1):  # noqa: B007 - the last number is the count
        write_case(case, vectors)
    return count
