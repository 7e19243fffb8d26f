"""Two other logs for agents, on the same events in the same run, where they can be imported. What each proves is in README.md."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from spread import Spread, in_turns

from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.model.events import Event

EACH = 60


def _plain(events: list[Event]) -> list[dict[str, Any]]:
    return [{"kind": one.kind, "at": one.at, "invocation": one.invocation, **one.body, "commit": dict(one.commit)} for one in events]


def _found(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _tracekit(folder: str, rows: list[dict[str, Any]]) -> tuple[str, Callable[[], None]] | None:
    """Its ledger in this process, without its daemon: the fastest that it has. Each record is hashed, chained, signed and synced."""
    module = _found("tracekit.ledger")
    if module is None:
        return None
    ledger = module.Ledger(os.path.join(folder, "tracekit", "ledger.jsonl"), module.Keys.load_or_create(os.path.join(folder, "tracekit-keys")))

    def call() -> None:
        for row in rows:
            ledger.append(row)

    return "tracekit-ai, its ledger", call


def _witness_log(folder: str, rows: list[dict[str, Any]]) -> tuple[str, Callable[[], None]] | None:
    """Its journal: a tree over salted leaves. The intent is synced before the tool runs, as ours; the result is not."""
    module = _found("witness_log")
    if module is None:
        return None
    log = module.JournaledLog.create(os.path.join(folder, "witness.jsonl"), bytes(range(32)))
    data = [json.dumps(row, sort_keys=True).encode() for row in rows]

    def call() -> None:
        log.append_intent(data[0])
        log.sync()
        log.append_result(data[1])

    return "witness-log, its journal", call


class Rival(NamedTuple):
    """What one call costs with a log. The first is ours."""

    name: str
    p50_us: float | None = None
    p99_us: float | None = None
    times_ours: float | None = None

    def line(self) -> str:
        if self.p50_us is None:
            return f"{self.name}: not installed, not measured"
        return f"{self.name:<28} one call, intent on the disk: p50 {self.p50_us:8.1f} us, p99 {self.p99_us:8.1f} us, {self.times_ours:5.2f} x ours"


def table(folder: str, events: list[Event], rounds: int) -> Iterator[Rival]:
    """One call, that is an intent on the disk before the tool runs and a result: ours and theirs in turns."""
    ours = AuditLog(Home(path=os.path.join(folder, "beside")))

    def call() -> None:
        ours.record(events[0], durable=True)
        ours.record(events[1])

    call()
    works: dict[str, Callable[[], None]] = {"MPP": call}
    for make in (_tracekit, _witness_log):
        found = make(folder, _plain(events))
        if found is None:
            yield Rival(make.__name__.strip("_"))
        else:
            works[found[0]] = found[1]
    spreads: dict[str, Spread] = in_turns(works, rounds, EACH, 10)
    ours.close()
    for name, spread in spreads.items():
        yield Rival(name, round(1e6 * spread.p50, 1), round(1e6 * spread.p99, 1), round(spread.p50 / spreads["MPP"].p50, 3))
