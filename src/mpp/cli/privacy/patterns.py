"""``mpp privacy patterns``."""

from __future__ import annotations

import click

from mpp.cli.options import home, json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.host.policy_store import open_policies
from mpp.host.privacy_trial import searched_for, Searched
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json
from mpp.stages.privacy import GROUPS


@click.command(name="patterns")
@json_option
def command(as_json: bool) -> None:
    """List what the privacy filter searches for, and what the policies of this home do with it.

    The names are those that a manifest and a policy use. A group stands for all its members. What is not in this list is not found:
    names and postal addresses of persons, above all. A plug-in can add a detector: docs/how-to/privacy.md.

    \b
    Examples:
      mpp privacy patterns
      mpp privacy patterns --json
    """
    rules = open_policies(home(), SystemClock()).current().policies.privacy
    found = searched_for(rules)
    if as_json:
        put_json({"ok": True, "patterns": [_json(one) for one in found], "groups": dict(GROUPS), "custom": [one.id for one in rules.patterns]})
        return
    table([("name", "group", "then", "what it is"), *((one.name, one.group, one.action, one.words) for one in found)], indent="", head=True)
    say("")
    for name, words in GROUPS.items():
        say(f"{name}: {words}")
    for one in rules.patterns:
        say(f"{one.id}: {one.description or 'of a policy'}: {one.regex}")
    note(f"{len(found)} patterns; not found: names and postal addresses of persons, pictures, scanned text")


def _json(one: Searched) -> Json:
    return {"name": one.name, "group": one.group, "action": one.action, "words": one.words}
