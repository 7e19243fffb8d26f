"""``mpp legacy approve``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.legacy.adding import around, look
from mpp.cli.legacy.shown import entry_json
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.legacy.looking import ACCEPTED, KIND
from mpp.host.legacy.pins import agree, differences
from mpp.host.legacy.shown import callable_of, change_lines
from mpp.model.jsontext import Json


@click.command(name="approve")
@click.argument("name")
@yes_option
@json_option
def command(name: str, yes: bool, as_json: bool) -> None:
    """Start an older server, show what it says of itself otherwise than was agreed to, and accept that.

    What the description guard refuses stays kept back: hidden characters, orders in comments. Standing approvals of the
    server's tools end, because they were given to what it said before.

    \b
    Examples:
      mpp legacy approve files
      mpp legacy approve files --yes --json

    \b
    Exit code:
      0   it was accepted, or there was nothing to accept
      22  nobody agreed
    """
    store = around().store
    entry = store.find(name)
    if entry.stopped is not None:
        raise Refused("usage.legacy", f"the server was given up: {entry.stopped.why}", where=name, hint=f"try it first: mpp legacy test {name}")
    seen = look(entry)
    found = differences(entry, seen.judged)
    after = agree(seen.judged)
    lines = [*change_lines(found)]
    if not as_json:
        for line in lines:
            say(line)
        for one in seen.judged.remarks:
            note(f"warning: {one}")
    changed = entry.pins is None or after.pins != entry.pins
    how = ""
    if changed:
        how = agreed(f"Accept what {name} says of itself now?", name, yes=yes)
        store.update(after)
        told(KIND, name, ACCEPTED, how)
    if as_json:
        shown: list[Json] = [*lines]
        put_json({"ok": True, "changed": changed, "by": how, "differences": shown, "server": entry_json(after, seen.barriers)})
        return
    say(f"{name}: {len(callable_of(after))} tools may be called." if changed else f"{name} says of itself what was agreed to.")
    for held in after.held:
        say(f"  kept back: {held.name}: {held.why}")
