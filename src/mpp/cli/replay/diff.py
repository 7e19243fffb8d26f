"""``mpp replay diff``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.screen import CROSS, mark, put_json, say, TICK
from mpp.errors import Refused
from mpp.host.replays.comparing import CLASSES, Difference, ERROR_SHAPE, REDACTION, Rules
from mpp.host.replays.masks import read_masks
from mpp.host.replays.redacted import known_or
from mpp.host.replays.totals import compare_all, recorded_in, Totals
from mpp.model.fields import near
from mpp.model.jsontext import Json, shown

DIFFERENT = 1
"""Exit code where a difference is not allowed."""

WORDS = {
    "redaction": "the new side shows a placeholder of the privacy filter where the old one had a value",
    "error-shape": "both failed, in other words or in another shape",
    "real": "they differ",
}


@click.command(name="diff")
@click.argument("old", type=click.Path(dir_okay=False))
@click.argument("new", type=click.Path(dir_okay=False))
@click.option(
    "--mask", "masks", multiple=True, metavar="POINTER", help="A place that is not compared, such as /result/content/*/text or now/result. May be repeated."
)
@click.option("--allow", default="", metavar="CLASS,…", help="Classes that are no failure: redaction, error-shape.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="A type of the privacy filter that a package or a policy adds. May be repeated.")
@json_option
def command(old: str, new: str, masks: tuple[str, ...], allow: str, types: tuple[str, ...], as_json: bool) -> int:
    """Compare the recordings OLD and NEW, the first call with the first, the second with the second.

    Each difference is of one class. redaction: the new side shows a placeholder of the privacy filter, such as [EMAIL-bcdfghjk],
    where the old one had a value, and all around it is equal. error-shape: both calls failed, in other words. real: anything else,
    also a call that only one side has. Not compared: `_meta` of a result, isError where it is false, the order of keys.

    \b
    Examples:
      mpp replay diff calls.jsonl got.jsonl
      mpp replay diff calls.jsonl got.jsonl --allow redaction,error-shape
      mpp replay diff calls.jsonl got.jsonl --mask '/result/structuredContent/time' --json
      mpp replay diff calls.jsonl got.jsonl --mask 'now/result/content/*/text'

    \b
    Exit code:
      0     all equal, or only differences of a class that is allowed
      1     another difference
      2     a file or an option is not as it must be
    """
    allowed = _allowed(allow)
    totals = compare_all(recorded_in(old), recorded_in(new), Rules(masks=read_masks(masks), known=known_or(types)))
    if not totals.calls:
        raise Refused("usage.file", "there is no call in either file", where=old, hint="record some: mpp replay record")
    good = totals.accepted(allowed)
    if as_json:
        put_json(_document(totals, allowed, good=good))
    else:
        _show(totals, allowed, good=good)
    return 0 if good else DIFFERENT


def _allowed(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in {REDACTION, ERROR_SHAPE}:
            hint = near(name, (REDACTION, ERROR_SHAPE)) or f"classes that can be allowed: {REDACTION}, {ERROR_SHAPE}"
            raise Refused("usage.option", f"{shown(name)!r} cannot be allowed", where="--allow", hint=hint)
    return names


def _document(totals: Totals, allowed: tuple[str, ...], *, good: bool) -> dict[str, Json]:
    rows: list[Json] = [
        {"call": one.number, "tool": one.tool, "at": one.at, "class": one.kind, "allowed": one.kind in allowed, "old": one.old, "new": one.new}
        for one in totals.listed
    ]
    return {
        "ok": good, "calls": totals.calls, "equal": totals.equal, "differences": dict(totals.counts), "calls_with": dict(totals.calls_with),
        "allowed": [*allowed], "listed": rows, "more": sum(totals.counts.values()) - len(rows),
    }  # fmt: skip


def _show(totals: Totals, allowed: tuple[str, ...], *, good: bool) -> None:
    number = 0
    for one in totals.listed:
        if one.number != number:
            say(f"call {one.number}, {one.tool}")
            number = one.number
        _show_one(one, is_allowed=one.kind in allowed)
    left = sum(totals.counts.values()) - len(totals.listed)
    if left:
        say(f"… {left} more")
    if totals.listed:
        say("")
    say(mark(TICK if good else CROSS), f" {totals.equal} of {totals.calls} call{'s' * (totals.calls != 1)} equal")
    for kind in CLASSES:
        if totals.counts[kind]:
            say(f"  {totals.calls_with[kind]:>5}  {kind}{' (allowed)' if kind in allowed else ''}: {WORDS[kind]}")


def _show_one(one: Difference, *, is_allowed: bool) -> None:
    say(f"  {one.kind}{' (allowed)' if is_allowed else ''} at {one.at or 'the whole answer'}")
    say(f"    old  {one.old}")
    say(f"    new  {one.new}")
