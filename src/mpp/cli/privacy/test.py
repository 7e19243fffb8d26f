"""``mpp privacy test``."""

from __future__ import annotations

import json
import time

import click

from mpp.cli.options import json_option
from mpp.cli.privacy.given import Given, open_trial, read_messages
from mpp.cli.screen import complain, note, put_json, say
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy import Filter, Report


@value
class Tried:
    """One message and what became of it."""

    name: str
    message: Json
    report: Report
    seconds: float
    size: int


@click.command(name="test")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--quiet", is_flag=True, help="Print what was found, not the cleaned message.")
@click.option("--check", is_flag=True, help="End with exit code 29 if anything was found: for pipelines that want clean samples.")
@json_option
def command(files: tuple[str, ...], quiet: bool, check: bool, as_json: bool) -> int:
    """Filter messages as a tool's answers are filtered, and print what would be shown.

    FILE is JSON, any other text, or a package with examples of its answers in samples/; without one, standard input is read. The policies
    of this home hold, but for exemptions of single packages.

    \b
    Examples:
      mpp privacy test answer.json
      mpp privacy test crm-lookup-1.0.0.mpp --check
      kubectl logs my-pod | mpp privacy test --quiet
    """
    given, filters = read_messages(files)
    trial = open_trial(filters)
    found = [_tried(one, trial) for one in given]
    withheld = [one for one in found if one.report.withheld]
    hits = any(one.report.counts for one in found)
    if as_json:
        put_json({"ok": not withheld and not (check and hits), "engine": trial.rules.scanner.name, "messages": [_json(one, quiet=quiet) for one in found]})
    else:
        for one in found:
            _show(one, quiet=quiet)
    if withheld:
        return Refused(withheld[0].report.withheld, "").exit_code
    if check and hits:
        fault = Refused("privacy.found", "something private was found", where=files[0] if files else "-", hint="`mpp privacy explain` says what and where")
        if not as_json:
            complain(fault, as_json=False)
        return fault.exit_code
    return 0


def _tried(one: Given, trial: Filter) -> Tried:
    begun = time.perf_counter()
    filtered = trial(one.message)
    return Tried(name=one.name, message=filtered.message, report=filtered.report, seconds=time.perf_counter() - begun, size=one.size)


def _json(one: Tried, *, quiet: bool) -> Json:
    told: dict[str, Json] = {"name": one.name, "counts": dict(one.report.counts), "withheld": one.report.withheld, "ms": round(one.seconds * 1000, 3)}
    if one.report.let_through:
        told["let_through"] = dict(one.report.let_through)
    if one.report.stripped:
        told["stripped"] = one.report.stripped
    return told if quiet else {**told, "message": one.message}


def _show(one: Tried, *, quiet: bool) -> None:
    if one.report.withheld:
        note(f"{one.name}: withheld [{one.report.withheld}]")
        return
    if not quiet:
        text = one.message if isinstance(one.message, str) else json.dumps(one.message, indent=2, ensure_ascii=False)
        for line in text.split("\n"):
            say(line)
    counts = ", ".join(f"{count} {kind}" for kind, count in one.report.counts) or "nothing"
    note(f"{one.name}: took out {counts}; {one.size} bytes in {one.seconds * 1000:.1f} ms")
