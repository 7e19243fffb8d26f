"""Moments as people say them: a date, a date and time, or how long ago."""

from __future__ import annotations

import re

from mpp.cli.options import parse_time
from mpp.limits import DAY_SECONDS

_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS}


def parse_since(text: str | None, now: int, option: str) -> int | None:
    """The first second that is meant."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    return max(0, now - int(ago[1]) * _UNITS[ago[2]]) if ago else parse_time(text, option)


def parse_until(text: str | None, now: int, option: str) -> int | None:
    """The last second that is meant. A day is meant with its evening."""
    found = parse_since(text, now, option)
    return found + DAY_SECONDS - 1 if found is not None and text is not None and _DATE.fullmatch(text) else found
