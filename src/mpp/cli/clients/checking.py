"""``mpp protect --check``."""

from __future__ import annotations

from mpp.cli.clients.here import client_for, launcher, owner, surroundings
from mpp.cli.options import here
from mpp.cli.screen import note, put_json, say, table
from mpp.host.clients.bypass import Bypass, bypassing, files, Looked, read_file
from mpp.host.clients.known import Client, CLIENTS
from mpp.model.jsontext import Json, shown

BYPASSED = 1
"""Exit code when a server bypasses MPP, or a file cannot be read and nobody knows."""


def check(client: Client | None, config: str | None, *, as_json: bool) -> int:
    """0 if every server of every file is reached through MPP."""
    if config:
        looked = [read_file(client or client_for(None, config), config, owner())]
    else:
        looked = list(files(surroundings(), (here(),), owner(), only=CLIENTS if client is None else (client,)))
    found = [one for each in looked for one in bypassing(each, launcher())]
    unread = [one for one in looked if one.config is None]
    if as_json:
        rows: list[Json] = [_json(one) for one in found]
        read: list[Json] = [{"client": one.client.name, "file": one.path, "readable": one.config is not None, "fault": one.fault} for one in looked]
        put_json({"ok": not found and not unread, "bypassing": rows, "files": read})
    else:
        _show(looked, found, unread)
    return BYPASSED if found or unread else 0


def _show(looked: list[Looked], found: list[Bypass], unread: list[Looked]) -> None:
    table([(one.client, shown(one.server.name), one.why, one.path) for one in found], indent="")
    for one in unread:
        say(f"{one.client.name}  cannot be read  {one.path}")
        note(f"  {one.fault}")
    if not found and not unread:
        say(f"No server bypasses MPP; {len(looked)} files of clients were read.")
    elif found:
        note("To move them behind MPP: mpp protect")


def _json(one: Bypass) -> Json:
    # Neither arguments nor addresses: secrets stand there.
    return {
        "client": one.client, "file": one.path, "server": one.server.name, "place": [*one.server.holder],
        "transport": one.server.transport, "disabled": one.server.is_disabled, "why": one.why,
    }  # fmt: skip
