"""``mpp list``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option, show_time
from mpp.cli.screen import note, put_json, say, table
from mpp.cli.store.opened import the_store
from mpp.cli.store.shown import row_json, state_of
from mpp.model.jsontext import Json


@click.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also the versions that are installed and not served.")
@json_option
def command(everything: bool, as_json: bool) -> None:
    """Show the packages that are installed, under which alias each is served, and whether its file still holds.

    Each file is read and verified, as a host does before it serves one. With --all a version that is served has a star.

    \b
    Examples:
      mpp list
      mpp list --all --json

    \b
    Exit code:
      0  the list, whatever the state of a package
      1  the lockfile is damaged
    """
    store = the_store()
    rows = [(row, *state_of(row, store)) for row in (store.all() if everything else store.active())]
    if as_json:
        found: list[Json] = [{**row_json(row), "state": state, "error": error} for row, state, error in rows]
        put_json({"ok": True, "lockfile": store.places.lockfile, "packages": found})
        return
    if not rows:
        say("Nothing is installed. `mpp install FILE` installs a package.")
        return
    head = ("ALIAS", "PACKAGE", "VERSION", "STATE", "INSTALLED")
    star = "*" if everything else ""
    lines = [(row.alias, row.package_id, row.version + (star if row.active else ""), state, show_time(row.installed_at)) for row, state, _ in rows]
    table([head, *lines], indent="")
    if any(state != "ok" for _, state, _ in rows):
        note("What is not ok is not served. `mpp list --json` says why; `mpp install FILE` puts the file back.")
