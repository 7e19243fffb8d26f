"""``mpp audit stats``."""

from __future__ import annotations

import click

from mpp.cli.audit.entry_text import cut, DIGEST_DIGITS
from mpp.cli.audit.index_use import asked_index, rebuild_option
from mpp.cli.audit.times import parse_since, parse_until
from mpp.cli.options import clock, home, json_option, now_option, show_time
from mpp.cli.screen import note, put_json, say, table
from mpp.host.audit.counting import count, Counts, stored, Stored
from mpp.model.jsontext import Json

ROWS_SHOWN = 15
"""Rows of a table on the screen. Reason: all of them are in --json."""


@click.command(name="stats")
@click.option("--since", default=None, metavar="TIME", help="From then on: 7d, 24h, 2026-11-21, 2026-11-21T10:00:00Z.")
@click.option("--until", default=None, metavar="TIME", help="Up to then; a date means the end of that day.")
@rebuild_option
@now_option
@json_option
def command(since: str | None, until: str | None, rebuild: bool, now: str | None, as_json: bool) -> None:
    """Count what is in the record: calls, refusals, approvals, and which agents use which tools, down to the exact bytes of the package.

    \b
    Examples:
      mpp audit stats
      mpp audit stats --since 30d
      mpp audit stats --json
    """
    places, moment = home().log, clock(now).now()
    first, last = parse_since(since, moment, "--since"), parse_until(until, moment, "--until")
    found = asked_index(places, lambda connection: count(connection, first, last), rebuild=rebuild)
    on_disk = stored(places)
    if as_json:
        put_json(_json(found, on_disk))
    else:
        _say(found, on_disk)


def _json(found: Counts, on_disk: Stored) -> Json:
    by: dict[str, Json] = {f"by_{column}": dict(rows) for column, rows in found.by.items()}
    uses: list[Json] = [
        {"agent": one.agent, "package": one.package, "tool": one.tool, "content": one.content, "calls": one.calls, "first": one.first, "last": one.last}
        for one in found.uses
    ]
    return {
        "ok": True, "entries": found.entries, "first": found.first_at, "last": found.last_at, "counts": dict(found.calls), **by, "inventory": uses,
        "cut": found.has_more, "segments": on_disk.segments, "pruned_segments": on_disk.pruned, "bytes": on_disk.bytes,
    }  # fmt: skip


def _say(found: Counts, on_disk: Stored) -> None:
    say(f"{found.entries:,} entries, {on_disk.segments:,} segments ({on_disk.pruned:,} pruned), {on_disk.bytes:,} bytes")
    if not found.entries:
        return
    say(f"from {show_time(found.first_at)} to {show_time(found.last_at)}")
    say("")
    table([(name, f"{many:>9,}") for name, many in found.calls.items()])
    titles = {"kind": "Entries by kind", "package": "Calls by package", "agent": "Calls by agent", "decision": "Decisions and answers",
              "outcome": "Outcomes", "code": "Codes of refusals and faults"}  # fmt: skip
    for column, title in titles.items():
        _say_rows(title, [(cut(name), f"{many:>9,}") for name, many in found.by[column]])
    rows: list[tuple[str, ...]] = [
        (cut(one.agent) or "(no agent)", f"{cut(one.package)}/{cut(one.tool)}", one.content[:DIGEST_DIGITS], f"{one.calls:>9,}") for one in found.uses
    ]
    _say_rows("Which agents use which tools (agent, tool, content hash, calls)", rows)
    if found.has_more:
        note("Only the most frequent are counted here; narrow it by --since and --until.")


def _say_rows(title: str, rows: list[tuple[str, ...]]) -> None:
    if rows:
        say("")
        say(title)
        table(rows[:ROWS_SHOWN])
        if len(rows) > ROWS_SHOWN:
            say(f"  and {len(rows) - ROWS_SHOWN} more: --json has them")
