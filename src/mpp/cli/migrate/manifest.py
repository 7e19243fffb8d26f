"""``mpp migrate manifest``."""

from __future__ import annotations

import json

import click

from mpp.author.migrating.limits import PERMISSIONS_BYTES_MAX
from mpp.author.migrating.permissions import read_permissions
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, safe, say
from mpp.files import read_bounded


@click.command(name="manifest")
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
def command(file: str, as_json: bool) -> None:
    """Read the YAML `permissions` block of FILE, as the oldest texts on MPP have it, and print the "capabilities" of a manifest.

    Read are filesystem.read and .write, network.outbound and env. Anything else in the block is refused, as is YAML that the block
    does not need. FILE is not changed.

    \b
    Examples:
      mpp migrate manifest permissions.yaml
      mpp migrate manifest permissions.yaml --json | jq .capabilities

    \b
    Exit code:
      0     the block was read, and a manifest may ask for all of it
      2     the file is not as it must be
      17    a manifest may not ask for something that stands there
    """
    found = read_permissions(read_bounded(file, PERMISSIONS_BYTES_MAX), file)
    if as_json:
        put_json({"ok": True, "capabilities": found.capabilities, "passed_over": [*found.others]})
        return
    for line in json.dumps({"capabilities": found.capabilities}, indent=2, ensure_ascii=True).split("\n"):
        say(line)
    if found.others:
        note(f"passed over, beside the block: {', '.join(map(safe, found.others))}")
