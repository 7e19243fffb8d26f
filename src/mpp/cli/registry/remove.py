"""``mpp registry remove``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say
from mpp.cli.store.registries import config_file, drop_login
from mpp.remote.config import without_registry


@click.command(name="remove")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Forget a registry: it is asked for nothing any more. What is installed from it stays, and is not followed any more.

    What was seen of its log is kept, so that it cannot show an older state when it is added again.

    \b
    Example:
      mpp registry remove corp
    """
    file = config_file()
    one = file.load().named(name)
    file.change(lambda config: without_registry(config, one.name))
    was_in = drop_login(one)
    if as_json:
        put_json({"ok": True, "removed": one.name, "registry_id": one.registry_id, "login": was_in})
        return
    say(f"Removed {one.name}, {one.url}.")
    if was_in:
        note("The login was removed with it.")
