"""``mpp import``."""

from __future__ import annotations

import os
import shlex
import time

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.calling import user_name
from mpp.cli.clients.here import given_of, owner, tools, usual_file
from mpp.cli.clients.plans import left_json, move_json, servers, show_move
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.clients.bundles import is_registry_document, Offer, read_bundle, read_document, read_registry
from mpp.host.clients.config import Config
from mpp.host.clients.documents import table_at
from mpp.host.clients.known import Client, client_of_file, CLIENTS, find_client, NAMES
from mpp.host.clients.launcher import looks_ours
from mpp.host.clients.place import look
from mpp.host.clients.planning import Left, Move, sort_out
from mpp.host.clients.protection import register
from mpp.host.legacy.types import Server
from mpp.model.jsontext import Json, shown

BUNDLES = (".mcpb", ".dxt")


@click.command(name="import")
@click.argument("source", metavar="FILE|CLIENT")
@click.option("--folder", default="", metavar="DIR", help="Where you unpacked the bundle, if FILE is one.")
@yes_option
@click.option("--read", "read", multiple=True, metavar="NAME=PATH", help="Let a server read a folder or a file.")
@click.option("--write", "write", multiple=True, metavar="NAME=PATH", help="Let a server write there.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME=HOST[:PORT]", help="Let a server reach a host.")
@json_option
def command(source: str, folder: str, yes: bool, read: tuple[str, ...], write: tuple[str, ...], hosts: tuple[str, ...], as_json: bool) -> None:
    """Show the servers of a client's configuration, of an .mcpb bundle or of a server.json, and add them with --yes.

    Nothing is unpacked, fetched or started, and FILE stays as it is. Without --yes, the `mpp legacy add` for each server is printed;
    ${ARG_2} or the like stands for a secret.

    \b
    Exit codes: 0 done; 1 FILE cannot be used; 2 wrong call; 22 this host does not take --yes.

    \b
    Examples:
      mpp import cursor
      mpp import server.json --yes --allow-host weather=api.example.com
      mpp import notes.mcpb --folder ~/bundles/notes
    """
    found, book = tools(given_of(read, write, hosts))
    offers = _offers(source, os.path.abspath(folder) if folder else "")
    whole = tuple(one.server for one in offers if not one.needs)
    moves, left = sort_out(whole, book, found.see)
    left += tuple(Left(server=one.server, why=f"it needs a value for {', '.join(map(shown, one.needs))}") for one in offers if one.needs)
    new = tuple(one for one in moves if not one.is_known)
    if not as_json:
        _show(moves, left, {one.name: book.entry(one) for one in new}, yes=yes)
    if new and yes:
        how = agreed("Add these servers?", source, yes=yes)
        book.agreed(user_name(), how)
        register(new, book, found.secrets, int(time.time()))
        told("client", source, "import", how)
        if not as_json:
            say(f"Added {servers(len(new))}.")
    if as_json:
        rows: list[Json] = [move_json(one, book.entry(one)) for one in moves]
        stay: list[Json] = [left_json(one) for one in left]
        put_json({"ok": True, "added": len(new) if yes else 0, "servers": rows, "left": stay})


def _offers(source: str, folder: str) -> tuple[Offer, ...]:
    if source in NAMES and not os.path.lexists(source):
        client = find_client(source)
        return _of_client(client, usual_file(client))
    if source.lower().endswith(BUNDLES):
        return read_bundle(source, folder)
    if not os.path.lexists(source):
        raise Refused("usage.no_file", f"there is no file {shown(source)!r}", hint=f"give a file, or one of: {', '.join(NAMES)}")
    known = client_of_file(os.path.abspath(source)) or (find_client("codex") if source.endswith(".toml") else None)
    if known is not None:
        return _of_client(known, source)
    document = read_document(look(source, owner()).data, source)
    if is_registry_document(document):
        return read_registry(document, source)
    for one in CLIENTS:
        if not one.is_toml and table_at({"": document.get(one.key[0], {})}, ("",), source):
            return _of_client(find_client("claude-code") if one.key == ("mcpServers",) else one, source)
    raise Refused("host.bundle", "it names no server", where=source, hint="give a client's configuration, an .mcpb file or a server.json")


def _of_client(client: Client, path: str) -> tuple[Offer, ...]:
    config = Config(client, look(path, owner()).data, path)
    return tuple(Offer(server=one) for one in config.servers() if not looks_ours(one))


def _show(moves: tuple[Move, ...], left: tuple[Left, ...], entries: dict[str, Server], *, yes: bool) -> None:
    for one in moves:
        if one.name in entries:
            show_move(one, entries[one.name])
            if not yes:
                say("      mpp ", _added_by(entries[one.name]))
    for stays in left:
        say(f"  {shown(stays.server.name)} is left out: {stays.why}")
    if entries and not yes:
        note("Run the command with --yes to add them, with their values. A value is stored by hand with `mpp secret set`.")


def _added_by(server: Server) -> str:
    """The command that adds it by hand."""
    options = [("--read", one) for one in server.read] + [("--write", one) for one in server.write]
    options += [("--allow-host", one.shown) for one in server.hosts] + [("--env", one) for one in server.env]
    options += [pair for one in server.headers for pair in (("--header", one.name), ("--secret", one.secret))]
    options += [("--folder", server.folder)] if server.folder else []
    words = ["legacy", "add", server.name, *(word for pair in options for word in pair)]
    words += [server.url] if server.url else ["--", *server.command]
    return shlex.join(words)
