"""``mpp audit erase``."""

from __future__ import annotations

import re

import click

from mpp.cli.agreeing import agreed, yes_option
from mpp.cli.audit.vault_keys import read_number
from mpp.cli.calling import user_name
from mpp.cli.options import home, json_option, parse_time, plain
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.audit.erasing import REASON_CHARS_MAX, Plan, Ranges, Wanted, erase, erased_event, finish, plan_erasure
from mpp.host.audit.log import AuditLog
from mpp.host.audit.pseudonyms import find, is_pseudonym
from mpp.host.audit.reader import LogReader
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json, shown

RANGES_SHOWN_MAX = 20
"""Ranges of entries that are listed on the screen. Reason: more is for --json."""

_INVOCATION = re.compile("[0-9a-f]{32}")


@click.command(name="erase")
@click.option("--entry", "entries", multiple=True, metavar="N", help="The call that this entry belongs to. May be repeated.")
@click.option("--invocation", "invocations", multiple=True, metavar="ID", help="The call with this id. May be repeated.")
@click.option("--user", "users", multiple=True, metavar="NAME", help="All calls for this user: a name, or the pseudonym in the record. May be repeated.")
@click.option("--before", default="", metavar="TIME", help="All entries before this time: 2026-11-21, 2026-11-21T10:00:00Z or seconds since 1970.")
@click.option("--reason", default="", metavar="TEXT", help="Why; it stays in the record. Do not name the person in it.")
@click.option("--dry-run", is_flag=True, help="Only show what would be erased.")
@yes_option
@json_option
def command(
    entries: tuple[str, ...], invocations: tuple[str, ...], users: tuple[str, ...], before: str, reason: str, dry_run: bool, yes: bool, as_json: bool
) -> None:  # fmt: skip
    """Erase what is kept about calls, for good, after a person said yes. The record says which entries and why, and all its proofs stay valid.

    What goes is the salt of each entry, without which its commitments say nothing and its sealed payloads open for
    nobody, and the sealed payloads themselves. What stays is that a call happened. Backups of the folder `audit/salts`
    bring it back: erase there too.

    \b
    Examples:
      mpp audit erase --user ada --reason "request of 3 May, ticket 118" --dry-run
      mpp audit erase --invocation 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --reason "data sent by mistake"
      mpp audit erase --before 2026-01-01 --reason "retention of one year"
    """
    if not (entries or invocations or users or before):
        raise Refused("usage.option", "name what is to be erased", hint="give --entry, --invocation, --user or --before")
    reason = plain(reason, "--reason", REASON_CHARS_MAX)
    if not reason and not dry_run:
        raise Refused("usage.option", "an erasure needs a reason", where="--reason", hint='for an auditor, such as --reason "request of 3 May, ticket 118"')
    reader = LogReader(home().log)
    plan = plan_erasure(reader, _wanted(reader, entries, invocations, users, before))
    if dry_run:
        _show(plan, 0, 0, dry_run=True, as_json=as_json)
        return
    # What the record already says is erased needs no second yes: a crash kept it from being done.
    salts, removed = finish(reader.places, plan.unfinished)
    if plan.ranges:
        how = agreed(f"Erase for good what is kept with {plan.entries} entries ({_words(plan.ranges)})?", "erase", yes=yes)
        now, by = SystemClock().now(), user_name()
        with AuditLog(home()) as log:
            done = erase(log, plan, lambda ranges: erased_event(ranges, reason, by, how, now))
        salts, removed = salts + done[0], removed + done[1]
    _show(plan, salts, removed, dry_run=False, as_json=as_json)


def _wanted(reader: LogReader, entries: tuple[str, ...], invocations: tuple[str, ...], users: tuple[str, ...], before: str) -> Wanted:
    numbers = frozenset(read_number(text, "--entry") for text in entries)
    last = reader.last()
    for number in numbers:
        if number > last:
            raise Refused("audit.no_entry", f"the record has no entry {number}", where="--entry", hint="see what there is: mpp audit stats")
    for text in invocations:
        if _INVOCATION.fullmatch(text) is None:
            raise Refused("usage.option", f"{shown(text)!r} is no id of a call", where="--invocation", hint="it has 32 digits: see mpp audit search")
    moment = parse_time(before, "--before") if before else 0
    if moment > SystemClock().now():
        # Attack on oneself: a date of the wrong year would erase everything.
        raise Refused("usage.time", "this time has not come yet", where="--before", hint="give a time that is over")
    return Wanted(
        entries=numbers, invocations=frozenset(invocations), users=frozenset(one for name in users for one in (name, _pseudonym(reader, name))), before=moment
    )


def _pseudonym(reader: LogReader, name: str) -> str:
    if is_pseudonym(name):
        return name
    found = find(reader.places, name)
    if not found:
        raise Refused("audit.user", "no user stands in the record by a name", where="--user", hint="erase by --invocation or --before")
    return found


def _words(ranges: Ranges) -> str:
    some = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges[:RANGES_SHOWN_MAX])
    return some + (f" and {len(ranges) - RANGES_SHOWN_MAX} more ranges" if len(ranges) > RANGES_SHOWN_MAX else "")


def _show(plan: Plan, salts: int, removed: int, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        ranges: list[Json] = [[a, b] for a, b in plan.ranges]
        put_json({
            "ok": True, "dry_run": dry_run, "entries": plan.entries, "ranges": ranges, "calls": plan.calls, "salts_erased": salts, "records_removed": removed,
        })  # fmt: skip
        return
    if dry_run:
        say(f"Would erase what is kept with {plan.entries} entries: {_words(plan.ranges)}." if plan.ranges else "There is nothing left to erase.")
    elif plan.ranges or salts or removed:
        say(f"Erased {salts} salts and {removed} sealed payloads. The record says so; its chain and its proofs are as before.")
        note("Backups and snapshots of the audit folder still hold what was there when they were made.")
    else:
        say("There is nothing left to erase.")
