"""The state of this home and this machine, as the console shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mpp.errors import MppError
from mpp.host.barriers import BAD, HOLDS, MISSING, NOTE, WEAK
from mpp.model.jsontext import Json
from mpp.model.value import value

EVIDENCE_SHOWN_MAX = 40
"""Attempts of one barrier on the page. Reason: each is a few words; the command has all."""

ROWS_MAX = 100
"""Rows of one table of a checked command. Reason: a page; the command has all."""

FREE_CAREFUL, FREE_BAD = 1 << 30, 100 << 20
"""Bytes that are free on the disk below which it is said. Reason: a large update takes some hundred MiB; without room for the record no call is made."""

KEY_OLD_SECONDS = 400 * 86_400
"""Seconds after which a publisher's key is called old. Reason: a little more than a year, the usual time to rotate one."""

_TONES: Mapping[str, str] = {HOLDS: "good", WEAK: "careful", MISSING: "bad", "good": "good", NOTE: "careful", BAD: "bad"}


class Row(NamedTuple):
    """A name with a state, a word or two, and what helps."""

    name: str
    state: str
    tone: str
    words: str
    remedy: str = ""


@value
class Barriers:
    """What `mpp doctor` said."""

    at: int
    words: str
    tone: str
    todo: tuple[str, ...]
    barriers: tuple[tuple[Row, tuple[str, ...]], ...]
    """Each with the attempts that were made and what came of them."""
    surroundings: tuple[Row, ...]
    fault: str
    """Why the smallest tool could not be called; empty: it was."""


@value
class Verified:
    """What `mpp audit verify` said."""

    at: int
    level: str
    tone: str
    reason: str
    entries: int
    log_id: str
    notes: tuple[str, ...]
    faults: tuple[tuple[str, str], ...]


class Store(NamedTuple):
    """One store of the home."""

    name: str
    what: str
    path: str
    is_there: bool
    bytes: int
    more: bool
    """Are there more files than were counted?"""
    changed_at: int
    fault: str
    code: str


class Key(NamedTuple):
    """One key file: never its content."""

    name: str
    what: str
    at: int
    private: bool
    """Can only its owner read it?"""
    old: bool


class RegistryLine(NamedTuple):
    name: str
    url: str
    registry_id: str
    is_default: bool
    entries: int
    checkpoint_at: int
    seen_at: int
    evidence: int
    fault: str


@value
class RecordState:
    is_there: bool
    last: int
    checkpoint_at: int
    segments: int
    pruned: int
    bytes: int
    fault: str


@value
class Disk:
    free: int
    total: int
    tone: str


@value
class Health:
    barriers: Barriers | None
    """None: nobody has looked since this console was started."""
    verified: Verified | None
    record: RecordState
    stores: tuple[Store, ...]
    disk: Disk
    keys: tuple[Key, ...]
    registries: tuple[RegistryLine, ...]
    registries_fault: str
    poll_seconds: int
    poll_at: int
    """When the states of installed versions were proven last; 0: never."""
    stale: int
    versions: tuple[tuple[str, str], ...]
    home: str


def barriers_of(document: Mapping[str, Json], at: int) -> Barriers:
    """Read with care: another version of the program may have written it."""
    verdict = _object(document.get("verdict"))
    call = document.get("call")
    can_run, with_files = verdict.get("can_run") is True, verdict.get("with_files") is True
    return Barriers(
        at=at,
        words=_text(verdict, "words") or "unknown",
        tone="bad" if not can_run else "good" if with_files else "careful",
        todo=tuple(one for one in _list(verdict.get("todo")) if isinstance(one, str))[:ROWS_MAX],
        barriers=tuple((_barrier(one), _evidence(one)) for one in map(_object, _list(document.get("barriers"))[:ROWS_MAX])),
        surroundings=tuple(_fact(one) for one in map(_object, _list(document.get("surroundings"))[:ROWS_MAX])),
        fault=_text(_object(call), "message") or ("the trial call failed" if call else ""),
    )


def _barrier(found: Mapping[str, Json]) -> Row:
    state = _text(found, "state")
    lost = "" if state == HOLDS else f"Without it: {_text(found, 'lost')}" + (" (needed)" if found.get("required") is True else "")
    return Row(_text(found, "name"), state, _TONES.get(state, "careful"), lost, _text(found, "remedy") if state != HOLDS else "")


def _evidence(found: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(one for one in _list(found.get("evidence")) if isinstance(one, str))[:EVIDENCE_SHOWN_MAX]


def _fact(found: Mapping[str, Json]) -> Row:
    state = _text(found, "state")
    return Row(_text(found, "name"), state, _TONES.get(state, "careful"), _text(found, "text"), _text(found, "remedy"))


def verified_of(document: Mapping[str, Json], at: int) -> Verified:
    """The verdict, or the refusal of a record that is not there."""
    error = _object(document.get("error"))
    level = _text(document, "verdict") or ("none" if error else "unknown")
    covered = _object(document.get("covered")).get(level)
    return Verified(
        at=at,
        level=level,
        tone={"broken": "bad", "unknown": "bad", "none": "plainly", "chained": "careful"}.get(level, "good"),
        reason=_text(document, "reason") or _text(error, "message"),
        entries=covered if isinstance(covered, int) else 0,
        log_id=_text(document, "log_id"),
        notes=tuple(one for one in _list(document.get("notes")) if isinstance(one, str))[:ROWS_MAX],
        faults=tuple(
            (_text(one, "code"), f"{_text(one, 'message')} ({_text(one, 'where')})") for one in map(_object, _list(document.get("faults"))[:ROWS_MAX])
        ),
    )


def disk_of(free: int, total: int) -> Disk:
    return Disk(free=free, total=total, tone="bad" if free < FREE_BAD else "careful" if free < FREE_CAREFUL else "good")


def fault_of(fault: MppError | None) -> tuple[str, str]:
    return ("", "") if fault is None else (fault.message, fault.code)


def _object(found: Json) -> Mapping[str, Json]:
    return found if isinstance(found, dict) else {}


def _list(found: Json) -> Sequence[Json]:
    return found if isinstance(found, list) else ()


def _text(found: Mapping[str, Json], key: str) -> str:
    item = found.get(key)
    return item if isinstance(item, str) else ""
