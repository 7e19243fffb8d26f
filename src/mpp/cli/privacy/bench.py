"""``mpp privacy bench``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, table
from mpp.host.measuring.bench import measure, Row
from mpp.model.jsontext import Json


@click.command(name="bench")
@click.option("--quick", is_flag=True, help="Fewer rounds.")
@json_option
def command(quick: bool, as_json: bool) -> None:
    """Measure how fast this machine filters, beside the other filters that are installed.

    Each takes the same JSON and gives JSON. Peers that are not installed are named and left out: presidio-analyzer, cpex-pii-filter with
    cpex-secrets-detection; Python's own `re` with our expressions one after the other is always there. Times are processor time.

    \b
    Examples:
      mpp privacy bench
      mpp privacy bench --json
    """
    rows = measure(quick=quick, say=lambda text: None if as_json else note(text))
    if as_json:
        put_json({"ok": True, "rows": [_json(row) for row in rows]})
        return
    head = ("message", "filter", "time", "MB/s", "times ours", "planted values left", "other places taken")
    table([head, *(_row(row) for row in rows)], indent="", head=True)


def _row(row: Row) -> tuple[str, ...]:
    return row.message, row.name, f"{row.seconds * 1000:.2f} ms", f"{row.rate:.1f}", f"{row.ratio:.2f}", f"{row.missed} of {row.planted}", str(row.extra)


def _json(row: Row) -> Json:
    return {
        "message": row.message, "filter": row.name, "ms": round(row.seconds * 1000, 4), "first_ms": round(row.first * 1000, 4),
        "mb_per_second": round(row.rate, 2), "ratio": round(row.ratio, 3), "missed": row.missed, "planted": row.planted, "extra": row.extra,
    }  # fmt: skip
