"""Two other logs for agents, on the same events in the same run, where they can be imported. What each proves is in README.md."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

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


def table(folder: str, events: list[Event], rounds: int) -> Iterator[str]:
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
            yield f"{make.__name__.strip('_')}: not installed, not measured"
        else:
            works[found[0]] = found[1]
    spreads: dict[str, Spread] = in_turns(works, rounds, EACH, 10)
    ours.close()
    for name, spread in spreads.items():
        yield f"{name:<28} one call, intent on the disk: p50 {1e6 * spread.p50:8.1f} us, p99 {1e6 * spread.p99:8.1f} us, {spread.p50 / spreads['MPP'].p50:5.2f} x ours"
