"""``mpp layer list``."""

from __future__ import annotations

import click

from mpp.cli.layer.shared import row_json, the_layers
from mpp.cli.options import json_option, quoted, show_time
from mpp.cli.screen import put_json, say
from mpp.model.jsontext import Json


@click.command(name="list")
@json_option
def command(as_json: bool) -> None:
    """Show the installed layers as their files describe them. What holds of that, `mpp layer verify` says.

    \b
    Example:
      mpp layer list --json
    """
    rows = sorted(the_layers().rows(), key=lambda row: (row.ref.id, row.ref.version, row.ref.sha256))
    if as_json:
        found: list[Json] = [row_json(row) for row in rows]
        put_json({"ok": True, "layers": found})
        return
    for row in rows:
        say(f"{row.ref.id} {row.ref.version}  {row.ref.sha256[:16]}  {row.size / 1e6:.1f} MB  {show_time(row.installed)}  {quoted(row.publisher)}")
    if not rows:
        say("No layer is installed. Build one with `mpp layer build python`, or install a file with `mpp layer install FILE`.")
