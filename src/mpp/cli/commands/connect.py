"""``mpp connect``."""

from __future__ import annotations

import json
import os

import click

from mpp.cli.clients.here import client_for, config_option, launcher, owner, surroundings, usual_file
from mpp.cli.clients.plans import servers
from mpp.cli.options import home, json_option
from mpp.cli.screen import ending, note, put_json, say, table
from mpp.host.clients.bypass import files
from mpp.host.clients.config import OUR_NAME
from mpp.host.clients.connecting import Change, connection, removal, write
from mpp.host.clients.known import CLIENTS
from mpp.model.jsontext import Json


@click.command(name="connect")
@click.argument("client", required=False, metavar="[CLIENT]")
@click.option("--remove", is_flag=True, help="Take our entry out again.")
@config_option
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@json_option
def command(client: str | None, remove: bool, config: str | None, dry_run: bool, as_json: bool) -> None:
    """Write MPP into the configuration of an MCP client, so that the client starts `mpp serve`.

    Without CLIENT, the clients that MPP knows are listed. One entry is added; every other byte of the file stays, comments
    too. A copy of the file as it was is made beside it. Other servers in the file stay and go on bypassing MPP until
    `mpp protect` moves them.

    \b
    Exit codes: 0 done, or there was nothing to do; 1 the file cannot be used; 2 wrong call.

    \b
    Examples:
      mpp connect
      mpp connect claude
      mpp connect vscode --config .vscode/mcp.json
      mpp connect codex --remove
    """
    if client is None and config is None:
        _list(as_json=as_json)
        return
    found = client_for(client, config)
    path = config or usual_file(found)
    change = removal(found, path, owner()) if remove else connection(found, path, launcher(), owner())
    copy = write(change, home().path) if change.changes and not dry_run else ""
    if as_json:
        entry: Json = None if remove else launcher().entry(found)
        done: dict[str, Json] = {"ok": True, "client": found.name, "file": change.place.path, "changed": change.changes and not dry_run}
        put_json({**done, "would_change": change.changes, "entry": entry, "backup": copy or None, "other_servers": change.others})
        return
    _told(change, remove=remove, dry_run=dry_run)
    if copy:
        note(f"The file as it was: {copy}")
        note(f"Start {found.title} anew, so that it reads the file.")
    if change.others and not remove:
        note(f"In it, {servers(change.others)} bypass MPP. To move what can be moved: mpp protect {found.name}")


def _told(change: Change, *, remove: bool, dry_run: bool) -> None:
    client, place = change.before.client, change.place
    if place.is_link:
        note(f"{place.named} leads to {place.path}.")
    if not change.changes:
        say(f"{client.title} {'does not start' if remove else 'starts'} MPP already: {place.path}")
        return
    words = "take out" if remove else "write"
    say(f"{'Would ' + words if dry_run else 'Took out' if remove else 'Wrote'} the entry {OUR_NAME!r} of {client.title}: {place.path}")
    if dry_run and not remove:
        say(json.dumps({OUR_NAME: launcher().entry(client)}, ensure_ascii=True))


def _list(*, as_json: bool) -> None:
    there = {(one.client.name, one.path): one for one in files(surroundings(), (), owner(), projects=False)}
    rows: list[tuple[str, ...]] = []
    listed: list[Json] = []
    for client in CLIENTS:
        path = usual_file(client)
        looked = there.get((client.name, path))
        state = "not there" if looked is None else "cannot be read"
        if looked is not None and looked.config is not None:
            state = "connected" if any(map(launcher().starts, looked.config.servers())) else "not connected"
        elif looked is None and os.path.isdir(os.path.dirname(path)):
            state = "no file yet"
        rows.append((client.name, client.title, ending(state), path))
        listed.append({"client": client.name, "title": client.title, "state": state.replace(" ", "_"), "file": path})
    if as_json:
        put_json({"ok": True, "clients": listed})
        return
    table(rows, indent="")
    note("Connect one: mpp connect NAME; --dry-run shows what it would write")
