"""``mpp legacy list``."""

from __future__ import annotations

import os

import click

from mpp.cli.legacy.adding import around
from mpp.cli.legacy.shown import entry_json
from mpp.cli.options import json_option
from mpp.cli.screen import ending, note, put_json, say, table
from mpp.host.legacy.probing import probe
from mpp.host.legacy.shown import callable_of, place_of, state_of
from mpp.host.legacy.types import Barriers, Entry, HTTP
from mpp.model.jsontext import Json


@click.command(name="list")
@json_option
def command(as_json: bool) -> None:
    """List the older servers of this home: how they run, what they offer, what is kept back. With --json also what holds each.

    \b
    Examples:
      mpp legacy list
      mpp legacy list --json
    """
    about = around()
    entries = [*about.store.load().values()]
    if as_json:
        rows: list[Json] = [entry_json(one, barriers_of(one)) for one in entries]
        put_json({"ok": True, "servers": rows})
        return
    if not entries:
        say("There are no older servers.")
        note("Take one in with: mpp legacy add NAME -- COMMAND")
        return
    table([("name", "verified", "state", "tools", "sandbox", "runs"), *map(_row, entries)], indent="", head=True)


def _row(entry: Entry) -> tuple[str, ...]:
    server = entry.server
    sandbox = "elsewhere" if server.kind == HTTP else "yes" if server.sandboxed else ending("NONE")
    return (server.name, "no", state_of(entry), str(len(callable_of(entry))), sandbox, place_of(entry)[:60])


def barriers_of(entry: Entry) -> Barriers | None:
    """What would hold it here, by trying; None for a server that runs elsewhere."""
    about = around()
    return None if entry.server.kind == HTTP else probe(entry.server, os.environ, about.home, namespaces=about.namespaces)
