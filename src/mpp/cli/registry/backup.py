"""``mpp registry backup``."""

from __future__ import annotations

import os

import click

from mpp.cli.options import home, json_option, show_time
from mpp.cli.registry.opening import opened_here, registry_options
from mpp.cli.screen import put_json, say
from mpp.errors import Refused
from mpp.model.jsontext import Json


@click.command(name="backup")
@registry_options
@click.option("--to", default="", metavar="FOLDER", help="Where the copy goes; an earlier one there is brought up to date.")
@click.option("--check", "only_check", is_flag=True, help="Copy nothing: compute anew what the registry stands on, and say whether it holds.")
@json_option
def command(data: str, database_url: str, blobs: str, to: str, only_check: bool, as_json: bool) -> None:
    """Copy a registry of this machine while it runs, or check one.

    The copy is a folder from which a registry can be started as it is: `mpp registry serve --data FOLDER`. It holds the
    keys; whoever can read it can speak as the registry. Files that are there from an earlier run are not copied again.

    --check works on every registry, and on a copy: it hashes all leaves of the log and all files.

    \b
    Examples:
      mpp registry backup --data /srv/mpp --to /backup/mpp
      mpp registry backup --data /backup/mpp --check

    \b
    Exit code:
      0        the copy is whole; with --check: all holds
      1        a disk or the database failed
      2        options that do not go together, or no registry in the folder
      41       with --check: something does not hold
    """
    if bool(to) == only_check:
        raise Refused("usage.option", "say where the copy goes, or --check", hint="give one of --to FOLDER and --check")
    with opened_here(data, database_url, blobs) as services:
        from mpp_registry.operations.backup import back_up, check  # noqa: PLC0415 - not every host has the registry

        if only_check:
            seen = check(services)
            if seen.faults:
                why = f"{len(seen.faults)} things do not hold; the first: {seen.faults[0]}"
                raise Refused("registry.data", why, where=services.settings.registry_id[:16], hint="restore the registry from a copy that holds")
            lines = [f"All holds: {seen.size} leaves, root {seen.root.hex()}, signed {show_time(seen.at)}", f"Files:  {seen.files}"]
            _tell({"size": seen.size, "root": seen.root.hex(), "files": seen.files}, lines, as_json=as_json)
            return
        done = back_up(services, data or os.path.join(home().path, "registry"), to)
    lines = [f"Copied to {to}: {done.size} leaves, root {done.root.hex()}", f"Files:  {done.files}, of which {done.new_files} are new"]
    _tell({"size": done.size, "root": done.root.hex(), "files": done.files, "new_files": done.new_files, "to": to}, lines, as_json=as_json)


def _tell(found: dict[str, Json], lines: list[str], *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, **found})
        return
    for line in lines:
        say(line)
