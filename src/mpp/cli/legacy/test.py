"""``mpp legacy test``."""

from __future__ import annotations

from dataclasses import replace

import click

from mpp.cli.agreeing import told
from mpp.cli.legacy.adding import around, look, says
from mpp.cli.legacy.shown import entry_json
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.host.legacy.looking import KIND
from mpp.host.legacy.shown import barrier_lines, callable_of
from mpp.model.jsontext import Json


@click.command(name="test")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Start an older server as a host does, list its tools, end it. One that was given up is started again after this.

    \b
    Examples:
      mpp legacy test files
      mpp legacy test files --json

    \b
    Exit code:
      0   it answers; tools may be kept back all the same
      1   it does not start
      30  it does not speak as an MCP server does
    """
    store = around().store
    entry = store.find(name)
    was_stopped = entry.stopped is not None
    seen = look(entry)
    after = replace(seen.judged.entry, stopped=None)
    store.update(after)
    if was_stopped:
        told(KIND, name, "started again", "")
    if as_json:
        ignored: dict[str, Json] = dict(seen.counts)
        put_json({"ok": True, "server": entry_json(after, seen.barriers), "says": says(seen), "version": seen.greeted.version, "ignored": ignored})
        return
    say(f"{name} answers within {seen.seconds:.1f} s: {says(seen)!r}, version {seen.greeted.version}, {len(callable_of(after))} tools.")
    table([*barrier_lines(seen.barriers)])
    for kind, count in seen.counts:
        say(f"  ignored: {kind}: {count}")
    for held in after.held:
        say(f"  kept back: {held.name}: {held.why}")
    if after.held:
        note(f"Look at it with: mpp legacy approve {name}")
