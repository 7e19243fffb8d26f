"""``mpp toolchain``."""

from __future__ import annotations

import os
import shutil

import click

from mpp.author.toolchains.catalogue import CATALOGUE
from mpp.author.toolchains.finding import find_toolchain, own_folder
from mpp.author.toolchains.installing import install_toolchain, known, missing
from mpp.cli.groups import Words
from mpp.cli.options import json_option, shorter
from mpp.cli.screen import put_json, say, table
from mpp.cli.store.progress import Working
from mpp.model.jsontext import Json

SDK = "sdk"
SDK_JAVASCRIPT = "sdk-javascript"


@click.group(name="toolchain", cls=Words, no_args_is_help=True)
def command() -> None:
    """Compilers that `mpp build` uses: which are there, where, and how they get there.

    A build fetches what it lacks, once, at one version, held by the hashes of its files. They lie in the user's cache, or
    where the variable MPP_TOOLCHAINS says, and can be removed at any time.

    \b
    Examples:
      mpp toolchain list
      mpp toolchain install go
      mpp toolchain path zig
    """


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show the toolchains, what they are for and where they are.

    \b
    Example:
      mpp toolchain list --json
    """
    rows: list[dict[str, Json]] = []
    for entry in CATALOGUE:
        found = find_toolchain(entry, os.environ)
        state = "not installed" if found is None else found.version or "installed"
        rows.append({
            "name": entry.name, "serves": entry.serves, "version": entry.version, "installed": found is not None, "state": state,
            "folder": "" if found is None else found.folder, "hint": missing(entry).hint if found is None else "",
        })  # fmt: skip
    if as_json:
        put_json({"ok": True, "toolchains": [*rows]})
        return
    table(
        [("NAME", "FOR", "STATE", "WHERE")] + [(str(row["name"]), str(row["serves"]), str(row["state"]), str(row["folder"] or row["hint"])) for row in rows],
        head=True,
    )


@command.command(name="install")
@click.argument("name")
@click.option("--again", is_flag=True, help="Fetch it although it is there.")
@json_option
def install(name: str, again: bool, as_json: bool) -> None:
    """Fetch the toolchain NAME, or that of a language, and keep it.

    \b
    Examples:
      mpp toolchain install c
      mpp toolchain install componentize-py --again

    \b
    Exit code:
      0        it is there
      1        it could not be fetched, or comes from elsewhere; the hint says how
      3        there is no such toolchain
    """
    entry = known(name)
    if again and entry.source != "system":
        shutil.rmtree(own_folder(entry, os.environ), ignore_errors=True)
    found = None if again else find_toolchain(entry, os.environ)
    if found is None:
        with Working("installing", quiet=as_json) as work:
            found = install_toolchain(entry, env=os.environ, progress=work.tell)
    if as_json:
        put_json({"ok": True, "name": found.name, "version": found.version, "folder": found.folder, "program": found.program})
        return
    say(f"{found.name} {found.version} is in {shorter(found.folder)}")


@command.command(name="path")
@click.argument("name")
@json_option
def path(name: str, as_json: bool) -> None:
    """Print where the compiler of NAME is; for `sdk` and `sdk-javascript`, the folder of the SDK, for editors and npm.

    \b
    Examples:
      mpp toolchain path zig
      mpp toolchain path sdk
    """
    if name == SDK_JAVASCRIPT:
        from mpp.author.vendoring.sdk_javascript import sdk_folder as folder_of_javascript  # noqa: PLC0415 - rare

        where = folder_of_javascript()
    elif name == SDK:
        from mpp.author.vendoring.sdk import sdk_folder  # noqa: PLC0415 - rare

        where = sdk_folder()
    else:
        entry = known(name)
        found = find_toolchain(entry, os.environ)
        if found is None:
            raise missing(entry)
        where = found.program
    if as_json:
        put_json({"ok": True, "name": name, "path": where})
        return
    say(where)
