"""``mpp audit forward status`` and ``preview``."""

from __future__ import annotations

import json

import click

from mpp.cli.audit.forward_home import chosen, places, source
from mpp.cli.options import json_option
from mpp.cli.screen import put_json, say, table
from mpp.errors import MppError
from mpp.host.audit.forwarding.cursor import Cursor, read_cursor
from mpp.host.audit.forwarding.dead import read_dead
from mpp.host.audit.forwarding.forwarder import is_busy
from mpp.host.audit.forwarding.opening import encoder, OTLP
from mpp.host.audit.forwarding.source import LogSource
from mpp.host.audit.forwarding.targets import ALL_FORMATS, Target
from mpp.model.jsontext import Json
from mpp.stages.audit.forward import Calls, ForwardRecord, otlp_logs, otlp_spans, record_of


@click.command(name="status")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
def status(names: tuple[str, ...], as_json: bool) -> None:
    """Show how far each target is behind the record, and what it never took.

    \b
    Example:
      mpp audit forward status
    """
    with source() as log:
        rows = [_row(target, log) for target in chosen(names)]
    if as_json:
        put_json({"ok": True, "targets": [*rows]})
        return
    if not rows:
        say("The record is not forwarded.")
        return
    head = ("NAME", "TO", "TAKEN UP TO", "BEHIND", "DEAD LETTERS", "")
    table([head, *(_cells(row) for row in rows)], indent="", head=True)


def _row(target: Target, log: LogSource) -> dict[str, Json]:
    cursor = read_cursor(places().cursor(target.name))
    taken = cursor.seq if cursor is not None else -1
    fault = _fault(log, cursor)
    return {
        "name": target.name,
        "to": target.to,
        "format": target.format,
        "taken_up_to": taken,
        "behind": max(0, log.last() - taken),
        "dead": len(read_dead(places().dead(target.name))),
        "running": is_busy(places(), target.name),
        "fault": fault.code if fault is not None else "",
    }


def _fault(log: LogSource, cursor: Cursor | None) -> MppError | None:
    """Does the target stand at an entry of this log?"""
    try:
        if cursor is not None:
            log.judge(cursor)
    except MppError as fault:
        return fault
    return None


def _cells(row: dict[str, Json]) -> tuple[str, ...]:
    taken = "nothing" if row["taken_up_to"] == -1 else str(row["taken_up_to"])
    words = str(row["fault"]) or ("running" if row["running"] else "")
    return (str(row["name"]), str(row["to"]), taken, str(row["behind"]), str(row["dead"]), words)


@click.command(name="preview")
@click.argument("seq", type=click.IntRange(0), required=False)
@click.option("--format", "kind", type=click.Choice(ALL_FORMATS), default="jsonl", help="How an entry is written.")
@json_option
def preview(seq: int | None, kind: str, as_json: bool) -> None:
    """Print an entry as a target would get it: the entry SEQ, else the newest one. Nothing is sent.

    \b
    Examples:
      mpp audit forward preview --format ecs
      mpp audit forward preview 17 --format otlp
    """
    with source() as log:
        entry = log.entry(log.last() if seq is None else seq)
        # What is not under a checkpoint yet has no name of the log to show.
        origin = log.origin() if log.size() else ""
    record = record_of(entry, origin)
    written = _written(record, kind)
    if as_json:
        put_json({"ok": True, "entry": entry.seq, "format": kind, "written": [*written]})
        return
    for text in written:
        say(text)


def _written(record: ForwardRecord, kind: str) -> list[str]:
    if kind in OTLP:
        bodies = [otlp_logs([record]), otlp_spans([record], Calls()) if kind == "otlp" else b""]
    else:
        bodies = [encoder(Target(name="preview", to="file:/preview", format=kind))(record)]
    # In ASCII, so that what makes it safe for a terminal leaves the JSON as it is.
    return [json.dumps(json.loads(body)) if body.startswith(b"{") else body.decode("utf-8") for body in bodies if body]
