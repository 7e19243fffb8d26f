"""``mpp legacy remove``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import told
from mpp.cli.legacy.adding import around
from mpp.cli.options import json_option
from mpp.cli.screen import put_json, say
from mpp.host.legacy.looking import KIND


@click.command(name="remove")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Take an older server out. A host that runs ends it, and lists its tools no more. Its secrets stay where they are.

    \b
    Examples:
      mpp legacy remove files
    """
    around().store.remove(name)
    told(KIND, name, "removed", "")
    if as_json:
        put_json({"ok": True, "removed": name})
        return
    say(f"Removed {name}.")
