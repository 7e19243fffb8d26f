"""``mpp legacy remove``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import told
from mpp.cli.legacy.adding import around, logged_out
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say
from mpp.host.legacy.looking import KIND


@click.command(name="remove")
@click.argument("name")
@json_option
def command(name: str, as_json: bool) -> None:
    """Take an older server out. A host that runs ends it, and lists its tools no more. Its secrets stay where they are; what a login gave is
    forgotten here and taken back at the issuer, where that can be told.

    \b
    Examples:
      mpp legacy remove files
    """
    server = around().store.remove(name).server
    revoked = None if server.login is None else logged_out(server)
    told(KIND, name, "removed", "")
    if as_json:
        put_json({"ok": True, "removed": name, **({} if revoked is None else {"revoked": revoked})})
        return
    say(f"Removed {name}.")
    if revoked is False:
        note(f"Its issuer was not told that the login is over: {server.login.issuer if server.login else ''} may list it still.")
