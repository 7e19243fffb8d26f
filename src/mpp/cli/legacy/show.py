"""``mpp legacy show``."""

from __future__ import annotations

import json

import click

from mpp.cli.legacy.adding import around
from mpp.cli.legacy.list import barriers_of
from mpp.cli.legacy.shown import entry_json, stopped_words
from mpp.cli.options import json_option, show_time
from mpp.cli.screen import put_json, say, table
from mpp.host.legacy.shown import barrier_lines, callable_of, permissions, state_of
from mpp.host.sources.naming import renamed
from mpp.model.jsontext import Json, shown


@click.command(name="show")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Show what an older server may use, what holds it on this machine, what was agreed to of its tools, prompts and resources, and what is kept back and why.

    \b
    Examples:
      mpp legacy show files
      mpp legacy show files --json
    """
    entry = around().store.find(name)
    barriers = barriers_of(entry)
    if as_json:
        pins: list[Json] = [{"name": one.name, "sha256": one.digest, "definition": json.loads(one.document)} for one in entry.pins or ()]
        put_json({"ok": True, "server": {**entry_json(entry, barriers), "pins": pins}})
        return
    server = entry.server
    say(f"{server.name}: an older MCP server, not verified; {state_of(entry)}")
    if entry.stopped is not None:
        say(f"  {stopped_words(entry)}")
    table([*permissions(entry), ("added", f"{show_time(server.added)} by {shown(server.by)} ({server.amr})")])
    if barriers is not None:
        say("what holds it here")
        table([*barrier_lines(barriers)])
    say("tools, prompts and resources as they were agreed to")
    table([(one.name, one.digest[:16]) for one in entry.pins or ()])
    for whole, other in renamed(server.name, callable_of(entry)):
        say(f"agents see {whole} as {other}: clients do not take the whole name")
    if entry.held:
        say("kept back")
        table([(one.name, one.why) for one in entry.held])
