"""What the record keeps of how long the stages of a call took, and how large its answer was. Spec: spec/events.md, `result`."""

from __future__ import annotations

from mpp.model.jsontext import Json

_WHOLE = 100
"""Numbers below are kept as they are, larger ones by their first two digits. Reason: enough for a chart.

Attack: a reader of the record who learns from microseconds how much of a guessed password was right.
"""

SECONDS_MAX = 10_000_000
"""Longest time that is kept, in seconds. Reason: no call may take so long; beyond, a clock went wrong."""

_MICROSECONDS = 1_000_000

Spent = tuple[tuple[str, float], ...]
"""Stages, and the seconds that each took."""


def rounded(number: int) -> int:
    """``number`` with its first two digits, and zeros behind them."""
    if number < _WHOLE:
        return number
    unit = 1
    while number >= _WHOLE * unit:
        unit *= 10
    return number // unit * unit


def measured(spent: Spent, raw_bytes: int) -> dict[str, Json]:
    """``{"policy_us": 410, "raw_bytes": 1200, …}``. What was not measured is not there."""
    found: dict[str, Json] = {}
    for stage, seconds in spent:
        found[stage + "_us"] = rounded(int((seconds if 0 < seconds < SECONDS_MAX else SECONDS_MAX if seconds > 0 else 0) * _MICROSECONDS))
    found["raw_bytes"] = rounded(raw_bytes)
    return found
