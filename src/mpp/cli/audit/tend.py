"""``mpp audit tend``."""

from __future__ import annotations

import re

import click

from mpp.cli.agreeing import agreed, yes_option
from mpp.cli.calling import user_name
from mpp.cli.options import home, json_option, parse_time, plain, show_time
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.audit.log import AuditLog
from mpp.host.audit.tending import compress, mend_tiles, prunable, prune
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json, shown
from mpp.limits import DAY_SECONDS

WHY_CHARS_MAX = 200
"""Characters of a reason. Reason: one line."""

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


@click.command(name="tend")
@click.option("--seal", "seal_now", is_flag=True, help="End the present segment now, and with it the time of the present key.")
@click.option("--compress", "compressing", is_flag=True, help="Compress sealed segments.")
@click.option("--mend", is_flag=True, help="Make tiles anew that are missing or wrong, from the entries.")
@click.option("--prune", "before", default="", metavar="TIME|DAYSd", help="Remove entries that are older; what proofs need stays. 400d: older than 400 days.")
@click.option("--why", default="", metavar="TEXT", help="With --prune: the reason, kept in the record.")
@click.option("--dry-run", is_flag=True, help="With --prune: say what would go, and do nothing.")
@yes_option
@json_option
def command(*, seal_now: bool, compressing: bool, mend: bool, before: str, why: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Look after the record: seal, compress, mend, prune. A running host may go on meanwhile.

    Segments seal themselves after a day, 65,536 entries or 32 MiB. A pruned segment is gone but for its seal and its
    hashes: proofs that were written before still hold, and the record still verifies. What it was is nowhere any more.

    \b
    Examples:
      mpp audit tend --seal --compress
      mpp audit tend --prune 400d --why "retention period" --dry-run
    """
    if not (seal_now or compressing or mend or before):
        raise Refused("usage.option", "nothing to do was named", hint="give --seal, --compress, --mend or --prune")
    moment = _moment(before) if before else 0
    with AuditLog(home()) as log:
        if before and dry_run:
            _would_go(log, moment, as_json=as_json)
            return
        how = agreed(f"Remove all entries before {show_time(moment)} for good?", "prune", yes=yes) if before else ""
        reason = plain(why, "--why", WHY_CHARS_MAX)
        if seal_now:
            log.seal()
        mended = mend_tiles(log.places) if mend else []
        pruned, freed = prune(log, moment, reason, f"{user_name()} ({how})", SystemClock().now()) if before else ((), 0)
        packed, saved = compress(log.places) if compressing else ((), 0)
    if as_json:
        tiles: list[Json] = [tile.path for tile in mended]
        done: dict[str, Json] = {"mended_tiles": tiles, "pruned_segments": [*pruned], "compressed_segments": [*packed]}
        put_json({"ok": True, "sealed": seal_now, **done, "freed_bytes": freed + saved})
        return
    _show(
        ("Sealed the present segment.", seal_now), (f"Made {len(mended)} tiles anew.", mend), (f"Pruned {len(pruned)} segments.", bool(before)),
        (f"Compressed {len(packed)} segments.", compressing), (f"{freed + saved} bytes are free again.", bool(freed + saved)),
    )  # fmt: skip


def _show(*rows: tuple[str, bool]) -> None:
    for words, is_done in rows:
        if is_done:
            say(words)


def _moment(text: str) -> int:
    days = _DAYS.fullmatch(text)
    if days:
        return SystemClock().now() - int(days[1]) * DAY_SECONDS
    if text.endswith("d"):
        raise Refused("usage.time", f"{shown(text)!r} is no number of days", where="--prune", hint="write 400d, or a time such as 2026-01-01")
    return parse_time(text, "--prune")


def _would_go(log: AuditLog, moment: int, *, as_json: bool) -> None:
    found = prunable(log.places, moment)
    entries = sum(seal.checkpoint.size - first for first, seal in found)
    if as_json:
        put_json({"ok": True, "would_prune_segments": [first for first, _ in found], "entries": entries})
        return
    say(f"{entries} entries in {len(found)} segments are from before {show_time(moment)} and would go.")
    note("Only whole sealed segments go. Nothing was done.")
