"""``mpp audit search``."""

from __future__ import annotations

import click

from mpp.cli.audit.entry_text import line_json, say_line
from mpp.cli.audit.index_use import asked_index, rebuild_option
from mpp.cli.audit.times import parse_since, parse_until
from mpp.cli.options import clock, F, home, json_option, now_option
from mpp.cli.screen import note, put_json
from mpp.errors import Refused
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.searching import CALL_DIGITS, find, lines_of, meant
from mpp.model.events import KINDS
from mpp.model.jsontext import Json
from mpp.stages.audit import Condition, Wanted

LIMIT_MAX = 100_000
"""Entries found at most. Reason: their numbers are held in memory; whoever wants all of them exports the record."""

OPTIONS = {
    "package": "This package: com.example.crm, or com.example.* for all that begin so.",
    "publisher": "Packages of this publisher: its id, or the beginning of it and *.",
    "content": "Exactly these bytes of a package: its content hash, or the beginning and *.",
    "tool": "This tool.",
    "agent": "Calls of this agent.",
    "user": "Calls for this user: its name, or the pseudonym under which it stands in the record.",
    "host": "Calls that connected to this host.",
    "decision": "What policy decided (allow, ask, deny), or a person answered (yes, no).",
    "rule": "This rule of a policy: its name, or layer/policy/rule.",
    "code": "Refused or failed with this code: policy.denied, or policy.* for the family.",
    "outcome": "Ended so: ok, interrupted, or the code of a fault.",
    "approver": "Approved, agreed, stopped or changed by this person.",
    "approval": "This approval, by its one-time name.",
}


def fact_options(function: F) -> F:
    """One option for each fact."""
    for name, words in reversed(OPTIONS.items()):
        function = click.option(f"--{name}", name, multiple=True, metavar="WHAT", help=words)(function)
    return function


@click.command(name="search")
@fact_options
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), metavar="KIND", help="Only entries of this kind.")
@click.option("--tenant", default="", metavar="NAME", help="Only entries of this tenant.")
@click.option("--invocation", default="", metavar="ID", help="Only the call whose id begins so.")
@click.option("--risk", type=click.IntRange(0), default=None, metavar="SCORE", help="Only entries with at least this risk score.")
@click.option("--since", default=None, metavar="TIME", help="From then on: 7d, 24h, 2026-11-21, 2026-11-21T10:00:00Z.")
@click.option("--until", default=None, metavar="TIME", help="Up to then; a date means the end of that day.")
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), default=50, show_default=True, help="How many of the newest to show.")
@rebuild_option
@now_option
@json_option
def command(
    kinds: tuple[str, ...], tenant: str, invocation: str, risk: int | None, since: str | None, until: str | None, limit: int, rebuild: bool,
    now: str | None, as_json: bool, **facts: tuple[str, ...],
) -> None:  # fmt: skip
    """Find entries of the record. All options must hold; an option that is given twice holds if one of its values does.

    An option about the call (package, tool, agent, user, host, decision and so on) holds for an entry if the entry says it or another entry of
    the same call does; --kind, --risk, --tenant and times hold for the entry itself. The oldest that is shown comes first.

    \b
    Examples:
      mpp audit search --package com.example.crm --since 7d
      mpp audit search --host api.example.com --kind result
      mpp audit search --agent planner --decision deny --since 24h
      mpp audit search --user ada --kind intent --json
    """
    places, moment = home().log, clock(now).now()
    if invocation and not _is_hex(invocation):
        raise Refused("usage.option", "an id of a call has up to 32 digits from 0-9 and a-f", where="--invocation", hint="see the ids in: mpp audit tail")
    wanted = Wanted(
        kinds=kinds, tenant=tenant, invocation=invocation, risk=risk, since=parse_since(since, moment, "--since"),
        until=parse_until(until, moment, "--until"), conditions=_conditions(places, facts),
    )  # fmt: skip
    seqs = asked_index(places, lambda connection: find(connection, wanted, limit + 1), rebuild=rebuild)
    has_more, shown = len(seqs) > limit, sorted(seqs[:limit])
    _show(places, shown, has_more=has_more, as_json=as_json)


def _is_hex(text: str) -> bool:
    return len(text) <= CALL_DIGITS and all(one in "0123456789abcdef" for one in text)


def _conditions(places: LogPlaces, facts: dict[str, tuple[str, ...]]) -> tuple[Condition, ...]:
    return tuple(Condition(fact, tuple(one for name in names for one in meant(places, fact, name))) for fact, names in facts.items() if names)


def _show(places: LogPlaces, seqs: list[int], *, has_more: bool, as_json: bool) -> None:
    gone = len(seqs)
    found: list[Json] = []
    for line in lines_of(places, seqs):
        gone -= 1
        if as_json:
            found.append(line_json(line))
        else:
            say_line(line)
    if as_json:
        put_json({"ok": True, "entries": found, "pruned": gone, "more": has_more})
        return
    if not seqs:
        note("Nothing is found.")
    if gone:
        note(f"{gone} more were found whose segments are pruned.")
    if has_more:
        note("There are older ones: give a larger --limit, or narrow it by --until.")
