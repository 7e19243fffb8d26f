"""``mpp privacy patterns``."""

from __future__ import annotations

import click

from mpp.cli.options import home, json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.host.plugins import plugin_types
from mpp.host.policy_store import open_policies
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json
from mpp.stages.policy import PrivacyRules
from mpp.stages.privacy import group_of, GROUPS, known_types, OFF_BY_DEFAULT, words_for


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
    kinds = sorted(known_types() | plugin_types(), key=lambda kind: (group_of(kind) if group_of(kind) != kind else "", kind))
    if as_json:
        put_json({"ok": True, "patterns": [_json(kind, rules) for kind in kinds], "groups": dict(GROUPS), "custom": [one.id for one in rules.patterns]})
        return
    table([("name", "group", "then", "what it is"), *((kind, _group(kind), _then(kind, rules), _words(kind)) for kind in kinds)], indent="")
    say("")
    for name, words in GROUPS.items():
        say(f"{name}: {words}")
    for one in rules.patterns:
        say(f"{one.id}: {one.description or 'of a policy'}: {one.regex}")
    note(f"{len(kinds)} patterns; not found: names and postal addresses of persons, pictures, scanned text")


def _group(kind: str) -> str:
    group = group_of(kind)
    return "" if group == kind else group


def _words(kind: str) -> str:
    return words_for(kind) if kind in known_types() else f"{words_for(kind)} (of a plug-in)"


def _then(kind: str, rules: PrivacyRules) -> str:
    group = group_of(kind)
    if {kind, group} & set(rules.off) or (kind in OFF_BY_DEFAULT and kind not in rules.on):
        return "off"
    return rules.action_for(kind, group).action


def _json(kind: str, rules: PrivacyRules) -> Json:
    return {"name": kind, "group": _group(kind), "action": _then(kind, rules), "words": _words(kind)}
