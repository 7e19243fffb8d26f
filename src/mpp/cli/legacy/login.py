"""``mpp legacy login``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import told
from mpp.cli.legacy.add import show_page
from mpp.cli.legacy.adding import around, logged_in
from mpp.cli.options import json_option
from mpp.cli.screen import put_json, say
from mpp.host.legacy.looking import KIND


@click.command(name="login")
@click.argument("name")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where the browser comes back to on this machine, if the issuer knows one port only. [default: any]",
)
@json_option
def command(name: str, port: int, as_json: bool) -> None:
    """Log in anew at an older server that was added with --oauth: when its issuer wants it, or after `--no-start`.

    The page of the issuer is shown; you open it in a browser on this machine. Within five minutes it comes back to this command.

    \b
    Examples:
      mpp legacy login board
      mpp legacy login board --port 8123

    \b
    Exit code:
      0   you are logged in
      3   the secret of the client is not stored
      30  the server or its issuer does not answer as it should, or did not let you in
    """
    server = around().store.find(name).server
    logged_in(server, port, show_page)
    told(KIND, name, "logged in", "")
    if as_json:
        put_json({"ok": True, "logged_in": name})
        return
    say(f"Logged in at {name}.")
