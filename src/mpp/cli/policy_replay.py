"""How a replay of past calls looks: which would end otherwise under a proposed policy."""

from __future__ import annotations

from mpp.cli.options import show_time
from mpp.cli.policy_files import count
from mpp.cli.screen import note, put_json, say, table
from mpp.host.policy_replay import Change, Replayed
from mpp.model.jsontext import Json

CALLS_SHOWN_MAX = 50
"""Calls that are listed on the screen. Reason: a person reads a page; --json has more, and the counts have all."""


def told(entries: int, percent: int | None) -> None:
    note(f"read {count(entries, 'event')}" + ("" if percent is None else f", {percent} %"))


def show_replay(found: Replayed, by: str, *, as_json: bool) -> None:
    if as_json:
        put_json(_json(found, by))
        return
    say(f"{count(found.judged, 'decision')} judged by {by}")
    rows = [(f"{before} to {after}", str(number)) for (before, after), number in found.counts.most_common()]
    table([*rows, ("as before", str(found.same)), *([("not certain", str(found.unsure))] if found.unsure else [])])
    for why, number in found.unsure_why.most_common(10):
        say(f"  not certain for {count(number, 'call')}: {why}, which no record holds")
    if found.changes:
        say("Calls that would end otherwise:")
        table([_row(one) for one in found.changes[:CALLS_SHOWN_MAX]])
    more = sum(found.counts.values()) - min(len(found.changes), CALLS_SHOWN_MAX)
    if more:
        say(f"  and {more} more")
    if found.torn:
        note("The last line of the record is torn and was left out.")


def _row(one: Change) -> tuple[str, ...]:
    what = f"{one.package} {one.tool}".rstrip()
    return show_time(one.at), what, f"{one.before} to {one.after}", f"by {one.decided.layer} rule {one.decided.rule}"


def _json(found: Replayed, by: str) -> dict[str, Json]:
    counts: list[Json] = [{"from": before, "to": after, "calls": number} for (before, after), number in found.counts.most_common()]
    changes: list[Json] = [
        {"at": one.at, "package": one.package, "tool": one.tool, "from": one.before, "to": one.after, "layer": one.decided.layer, "rule": one.decided.rule}
        for one in found.changes
    ]
    why: list[Json] = [{"why": why, "calls": number} for why, number in found.unsure_why.most_common()]
    sums: dict[str, Json] = {"judged": found.judged, "as_before": found.same, "changed": sum(found.counts.values()), "uncertain": found.unsure}
    return {"ok": True, "judged_by": by, **sums, "counts": counts, "changes": changes, "uncertain_why": why, "torn": found.torn}
