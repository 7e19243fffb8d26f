"""``mpp audit verify``."""

from __future__ import annotations


import click

from mpp.cli.audit.given import folder_option, log_places, read_anchor, read_witnesses
from mpp.cli.options import home, json_option, show_time
from mpp.cli.screen import CROSS, fault_json, fault_lines, mark, note, put_json, say, TICK
from mpp.cli.store.progress import Counted
from mpp.errors import Refused
from mpp.host.audit.witness_list import WitnessList
from mpp.host.audit.verifying import DEEP, FAST, THOROUGH, verify_log, Wanted
from mpp.model.jsontext import Json
from mpp.stages.audit import ANCHORED, CHAINED, LADDER, SIGNED, Verdict, WITNESSED

FAULTS_SHOWN_MAX = 20
"""Faults on the screen. Reason: the first says most; --json has all that were collected."""

NOTES_SHOWN_MAX = 10
"""Notes on the screen. Reason: as for faults."""

_CLAIMS = {
    CHAINED: "in this order and form, by whoever wrote them",
    SIGNED: "written by this host's keys",
    ANCHORED: "as they were when the anchor was taken",
    WITNESSED: "seen by witnesses",
}


@click.command(name="verify")
@folder_option
@click.option("--deep", is_flag=True, help="Hash every entry, build the tree, compare all roots and tiles.")
@click.option("--thorough", is_flag=True, help="Also read every event and follow each call from its intent to its end.")
@click.option("--log-id", default="", metavar="HEX", help="The id of the log, noted elsewhere: another log in its place is refused.")
@click.option("--anchor", "anchors", multiple=True, metavar="FILE|SEQ:LEAF", help="A checkpoint, a proof or an entry that was kept elsewhere. May be repeated.")
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="The key of a witness; those that `mpp audit witness add` named count too.")
@click.option("--quorum", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="How many witnesses must have signed.")
@click.option("--require", type=click.Choice(LADDER), default=CHAINED, show_default=True, help="The least verdict; anything below fails.")
@json_option
def command(
    folder: str, deep: bool, thorough: bool, log_id: str, anchors: tuple[str, ...], witnesses: tuple[str, ...], quorum: int, require: str, as_json: bool,
) -> int:  # fmt: skip
    """Say how far the record holds, up to which entry, and why; a fault with its file, entry and byte.

    Without --deep each sealed segment is hashed whole and compared with its seal, which takes as long as reading it. The
    four verdicts, each more than the one before:

    \b
      chained    entries are in the order and form in which somebody wrote them
      signed     only who held this log's keys wrote them; a day that is over is safe from
                 today's keys, should they be stolen
      anchored   up to something that was kept elsewhere, nothing was cut off or written anew
      witnessed  others saw it, and see that it only grows

    \b
    Examples:
      mpp audit verify
      mpp audit verify --deep --log-id 3f1c…
      mpp audit verify --anchor checkpoint-of-monday --require anchored
      mpp audit verify /backup/audit --thorough --json

    \b
    Exit code:
      0   it holds, at least as far as --require asks
      27  it does not
    """
    # The witnesses of a copy are those that are given: its own list may be anybody's.
    named = () if folder else tuple(one.key for one in WitnessList(home().log).load())
    wanted = Wanted(
        depth=THOROUGH if thorough else DEEP if deep else FAST, log_id=_log_id(log_id), anchors=tuple(read_anchor(one) for one in anchors),
        witnesses=(*read_witnesses(witnesses), *named), quorum=quorum,
    )  # fmt: skip
    bar = Counted("verifying", "segments", quiet=as_json)
    try:
        found = verify_log(log_places(folder), wanted, bar)
    finally:
        bar.end()
    fails = not found.reaches(require)
    if as_json:
        put_json(verdict_json(found, ok=not fails))
    else:
        show_verdict(found)
    if fails and found.holds:
        message = f"the record is {found.level}, and {require} is asked for"
        hint = "give --anchor or --witness" if require in {ANCHORED, WITNESSED} else "let a host sign a checkpoint: run any tool"
        fault = Refused("audit.level", message, hint=hint)
        for line in () if as_json else fault_lines(fault.faults):
            note(line)
    return Refused("audit.level", "").exit_code if fails else 0


def _log_id(text: str) -> str:
    digits = text.replace(" ", "").lower()
    if digits and (len(digits) != 64 or not set(digits) <= set("0123456789abcdef")):
        raise Refused("usage.option", "a log id has 64 hex digits", where="--log-id", hint="`mpp audit verify --json` shows it")
    return digits


def show_verdict(found: Verdict) -> None:
    say(mark(TICK if found.holds else CROSS), f" {found.level}: {found.reason}")
    for level in LADDER:
        covered = found.covered.of(level)
        if covered and found.holds:
            say(f"  {level:<10} entries 0 to {covered - 1}: {_CLAIMS[level]}")
    for seen in found.witnesses:
        say(f"  witness    {seen.name} at {show_time(seen.at)}")
    if found.log_id:
        say(f"  log id     {found.log_id}")
    if found.pruned:
        say(f"  pruned     {found.pruned_entries} entries in {found.pruned} segments, for which their seals stand")
    _show_notes(found)


def _show_notes(found: Verdict) -> None:
    for words in found.notes[:NOTES_SHOWN_MAX]:
        note(f"note: {words}")
    if len(found.notes) > NOTES_SHOWN_MAX:
        note(f"and {len(found.notes) - NOTES_SHOWN_MAX} more notes: --json has them")
    for line in fault_lines(found.faults[:FAULTS_SHOWN_MAX]):
        note(line)
    if len(found.faults) > FAULTS_SHOWN_MAX:
        note(f"and {len(found.faults) - FAULTS_SHOWN_MAX} more faults")


def verdict_json(found: Verdict, *, ok: bool) -> dict[str, Json]:
    covered: dict[str, Json] = {level: found.covered.of(level) for level in LADDER}
    return {
        "ok": ok, "verdict": found.level, "reason": found.reason, "covered": covered, "log_id": found.log_id, "host_key": found.host_key, "depth": found.depth,
        "segments": found.segments, "pruned_segments": found.pruned, "pruned_entries": found.pruned_entries, "bytes": found.read_bytes,
        "witnesses": [{"name": seen.name, "at": seen.at} for seen in found.witnesses], "notes": [*found.notes],
        "faults": [fault_json(fault) for fault in found.faults],
    }  # fmt: skip
