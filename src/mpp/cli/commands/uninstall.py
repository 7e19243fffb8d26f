"""``mpp uninstall``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed, yes_option
from mpp.cli.calling import user_name
from mpp.cli.options import json_option
from mpp.cli.screen import mark, note, put_json, say, TICK
from mpp.cli.store.opened import opened
from mpp.cli.store.shown import row_json
from mpp.errors import Refused
from mpp.host.store import Gone, Installed, PackageStore, remove
from mpp.host.store.changing import chosen
from mpp.host.store.purging import purge as purge_state
from mpp.model.jsontext import Json


@click.command(name="uninstall")
@click.argument("name", metavar="NAME[@VERSION]")
@click.option("--purge", is_flag=True, help="Also remove what the package stored on this host, of all tenants. It does not come back.")
@yes_option
@json_option
def command(name: str, purge: bool, yes: bool, as_json: bool) -> None:
    """Stop serving a package and remove its files. NAME is a package id or alias; without @VERSION all its versions go.

    What the package stored is kept for when it comes back, unless --purge is given. The highest version that was served is
    remembered, so that an older one does not come back unasked. Secrets stay: see `mpp secret`.

    If the version that is served is removed, no other one takes its place by itself: `mpp install NAME@VERSION` chooses one.

    \b
    Examples:
      mpp uninstall hello
      mpp uninstall com.example.hello@0.1.0 --yes
      mpp uninstall hello --purge

    \b
    Exit code:
      0   it is gone
      2   no such package is installed
      22  nobody agreed
    """
    with opened() as on:
        rows = chosen(on.store, name)
        _judge_purge(rows, on.store, purge=purge)
        what = f"{rows[0].package_id} {', '.join(row.version for row in rows)}"
        amr = agreed(f"Uninstall {what}{' and remove all that it stored' if purge else ''}?", name, yes=yes)
        gone = remove(on.store, name, on.events, by=user_name(), amr=amr, agreed=rows)
        purged = purge_state(on.home, rows[0].package_id, frozenset(row.publisher_id for row in rows)) if purge else 0
    _show(gone, purged, as_json=as_json)


def _judge_purge(rows: tuple[Installed, ...], store: PackageStore, *, purge: bool) -> None:
    """Versions share what is stored: one that stays would lose it."""
    if purge and any(row.package_id == rows[0].package_id and row not in rows for row in store.all()):
        raise Refused("usage.option", "--purge is for a package of which no version stays", where=rows[0].package_id, hint="leave out @VERSION, or --purge")


def _show(gone: Gone, purged: int, *, as_json: bool) -> None:
    if as_json:
        rows: list[Json] = [row_json(row) for row in gone.rows]
        left: list[Json] = [row_json(row) for row in gone.left]
        put_json({"ok": True, "uninstalled": rows, "left": left, "purged_files": purged})
        return
    for row in gone.rows:
        say(mark(TICK), f" Uninstalled {row.package_id} {row.version}")
    if purged:
        say("  what it stored is removed")
    if gone.left and not any(row.active for row in gone.left):
        versions = ", ".join(row.version for row in gone.left)
        note(f"No version of it is served now; installed are {versions}. Choose one: mpp install {gone.left[-1].package_id}@{gone.left[-1].version}")
