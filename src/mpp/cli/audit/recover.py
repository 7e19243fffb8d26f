"""``mpp audit recover``."""

from __future__ import annotations

import os

import click

from mpp.cli.agreeing import agreed, yes_option
from mpp.cli.options import home, json_option
from mpp.cli.screen import note, put_json, say
from mpp.host.audit.log import AuditLog
from mpp.host.audit.tending import recover


@click.command(name="recover")
@yes_option
@json_option
def command(*, yes: bool, as_json: bool) -> None:
    """Let the record go on after the disk failed under it.

    When a sync or a write fails, no process records anything more and no tool runs: after such a fault the system may take
    for written what is lost. Look at the disk first. This command then verifies every entry, and only if all of them hold
    the record goes on. What was not on the disk is gone; a torn end is set aside and noted in the record.

    \b
    Example:
      mpp audit recover
    """
    agreed("Let the record go on? The disk under it failed.", "recover", yes=yes)
    why = recover(AuditLog(home()))
    if as_json:
        put_json({"ok": True, "error": os.strerror(why) if why else ""})
        return
    say("The record goes on.")
    if why:
        note(f"The disk had said: {os.strerror(why)}.")
