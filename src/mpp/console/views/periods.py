"""The periods of the overview: from when to when, and how much time one bar is. Pure. All of it in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, UTC

from mpp.pages.texts import TIME_MAX
from mpp.limits import DAY_SECONDS
from mpp.model.value import value

_HOUR = 3600

PERIODS: Mapping[str, tuple[str, int, int]] = {
    "hour": ("Last hour", _HOUR, 300),
    "day": ("Last day", DAY_SECONDS, 1800),
    "week": ("Last week", 7 * DAY_SECONDS, 3 * _HOUR),
    "month": ("Last 30 days", 30 * DAY_SECONDS, DAY_SECONDS),
    "all": ("All", 0, 0),
}
"""By name: its title, its length and the time of one bar, in seconds. Each bar is a whole number of the slots in which the index counts."""

USUAL = "day"

BARS_MAX = 60
"""Bars of a period without a length. Reason: a month of days is seen at a glance, and so are two."""

_STEPS = (300, 900, 1800, _HOUR, 3 * _HOUR, 6 * _HOUR, *(days * DAY_SECONDS for days in (1, 2, 7, 14, 30, 90, 365)))


@value
class Period:
    name: str
    title: str
    since: int
    until: int
    """The last second."""
    step: int
    """Seconds of one bar."""

    @property
    def begins(self) -> tuple[int, ...]:
        """The beginning of each bar."""
        return tuple(range(self.since, self.until + 1, self.step))


def period_of(name: str, now: int, first: int | None) -> Period:
    """``first``: when the record begins, for the period of all. An unknown name is the usual one."""
    name = name if name in PERIODS else USUAL
    title, length, step = PERIODS[name]
    if not length:
        return _whole(name, title, now, max(now - _HOUR, 0) if first is None else min(first, now))
    return Period(name=name, title=title, since=max(now - now % step - (length // step - 1) * step, 0), until=now, step=step)


def _whole(name: str, title: str, now: int, first: int) -> Period:
    """From ``first`` on, in bars that begin at round times. Attack: a record that begins in 1970, or a clock in the year 9999: years are put together."""
    years = ((now - first) // (BARS_MAX - 1) // _STEPS[-1] + 1) * _STEPS[-1]
    step = next(one for one in (*_STEPS, years) if now // one - first // one < BARS_MAX)
    return Period(name=name, title=title, since=first - first % step, until=now, step=step)


def label(at: int, step: int) -> str:
    """Under the axis: ``14:30``, ``3 Jan``, ``Jan 2026``."""
    moment = _moment(at)
    if step < 3 * _HOUR:
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}" if step < 90 * DAY_SECONDS else f"{moment:%b} {moment.year}"


def words(at: int, step: int) -> str:
    """What one bar stands for, in full."""
    begin, end = _moment(at), _moment(at + step - 1)
    if step == DAY_SECONDS:
        return f"{begin.day} {begin:%B} {begin.year}"
    if step > DAY_SECONDS:
        return f"{begin.day} {begin:%b %Y} to {end.day} {end:%b %Y}"
    return f"{begin.day} {begin:%b}, {begin:%H:%M} to {_moment(at + step):%H:%M}"


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(min(max(at, 0), TIME_MAX), UTC)
