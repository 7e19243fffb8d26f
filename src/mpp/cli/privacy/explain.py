"""``mpp privacy explain``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.privacy.given import open_trial, read_messages
from mpp.cli.screen import note, put_json, say, table
from mpp.host.privacy_trial import masked, WHY
from mpp.model.jsontext import Json
from mpp.stages.privacy import explain_message, Found

SHOWN_MAX = 200
"""Rows that are printed. Reason: what a person reads; --json has all."""


@click.command(name="explain")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--show-values", is_flag=True, help="Print what was found in full. Without it two characters of each are shown.")
@json_option
def command(files: tuple[str, ...], show_values: bool, as_json: bool) -> None:
    """Say of each thing that is found where it stands, what found it, how sure that is, and what would be done with it.

    FILE is JSON, any other text, or a package with samples/; without one, standard input is read. A column says in which reading it was
    found: as written; normalised, where letters only look alike; decoded, out of base64, percent signs and the like; or joined, out of pieces.

    \b
    Examples:
      mpp privacy explain answer.json
      echo "call +1 415 555 2671" | mpp privacy explain --show-values
    """
    given, filters = read_messages(files)
    trial = open_trial(filters)
    rows: list[tuple[str, Found]] = [(one.name, found) for one in given for found in explain_message(one.message, trial)]
    if as_json:
        put_json({"ok": True, "engine": trial.rules.scanner.name, "found": [_json(name, one, show=show_values) for name, one in rows]})
        return
    if not rows:
        say("Nothing was found.")
        return
    head = ("type", "where", "value", "reading", "found by", "because of", "then")
    table([head, *(_row(one, show=show_values) for _, one in rows[:SHOWN_MAX])], indent="", head=True)
    if len(rows) > SHOWN_MAX:
        note(f"… {len(rows) - SHOWN_MAX} more; --json has all")


def _row(one: Found, *, show: bool) -> tuple[str, ...]:
    return one.type, one.where or "/", masked(one.text, show=show), one.view, one.detector, WHY[one.sure], one.action


def _json(name: str, one: Found, *, show: bool) -> Json:
    return {
        "file": name, "type": one.type, "where": one.where, "value": masked(one.text, show=show), "reading": one.view, "detector": one.detector,
        "sure": one.sure, "because": WHY[one.sure], "action": one.action,
    }  # fmt: skip
