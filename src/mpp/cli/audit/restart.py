"""``mpp audit restart``."""

from __future__ import annotations

import time

import click

from mpp.cli.agreeing import agreed
from mpp.cli.calling import user_name
from mpp.cli.options import home, json_option, plain
from mpp.cli.screen import note, put_json, say
from mpp.host.audit.log import AuditLog
from mpp.host.audit.tending import restart
from mpp.host.system import SystemClock
from mpp.model.events import Event
from mpp.model.jsontext import Json

WHY_CHARS_MAX = 200
"""Characters of a reason. Reason: one line."""


@click.command(name="restart")
@click.option("--why", required=True, metavar="TEXT", help="The reason, kept in the new record.")
@json_option
def command(*, why: str, as_json: bool) -> None:
    """Put a record aside that does not hold any more, and begin a new one that names it.

    Nothing is deleted: the old folder gets the time in its name. Stop the hosts that use it first. Who knows the id of the
    old record sees that it ended; no option answers the question, because an agent that can call commands could hide
    what it did.

    \b
    Example:
      mpp audit restart --why "disk replaced, entries 4711 to 4750 lost"
    """
    reason = plain(why, "--why", WHY_CHARS_MAX)
    agreed("Put the record aside and begin a new one?", "restart", yes=None)
    now = SystemClock().now()
    aside, old = restart(home().log, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)))
    with AuditLog(home()) as log:
        body: dict[str, Json] = {"what": "audit", "name": old, "change": "restarted", "by": user_name(), "amr": "tty", "why": reason}
        log.record(Event(kind="trust", at=now, tenant="local", invocation="", body=body), durable=True)
    if as_json:
        put_json({"ok": True, "aside": aside, "old_log_id": old})
        return
    say(f"The old record is in {aside}.")
    note(f"The new one says that it follows {old[:16]}…" if old else "The old one had no readable first entry: the new one cannot name it.")
