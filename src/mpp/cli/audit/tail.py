"""``mpp audit tail``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator

import click

from mpp.cli.audit.entry_text import put_line_json, say_line
from mpp.cli.options import home
from mpp.cli.screen import note
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.scan import lines_from
from mpp.model.events import KINDS
from mpp.stages.audit import Line, glance

WAIT_SECONDS = 0.2
"""Seconds between two looks at the log. Reason: a person does not see it, and it costs nothing."""

WINDOW = 4096
"""Entries that are read at a time on the way back. Reason: a moment's work."""

COUNT_MAX = 100_000
"""Entries that are shown at most before following. Reason: they are held in memory."""

_sleep: Callable[[float], None] = time.sleep


@click.command(name="tail")
@click.option("-n", "--lines", "count", type=click.IntRange(0, COUNT_MAX), default=20, show_default=True, help="How many of the newest entries to show.")
@click.option("-f", "--follow", is_flag=True, help="Then wait for new ones and show them; end with Ctrl-C.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), metavar="KIND", help="Only entries of this kind; can be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each entry, each on one line.")
def command(count: int, follow: bool, kinds: tuple[str, ...], as_json: bool) -> None:
    """Show the newest entries of the record, the newest last.

    Each line has the number of the entry, its time, its kind, and what it is about. `mpp audit show NUMBER` shows all of it.

    \b
    Examples:
      mpp audit tail
      mpp audit tail -n 100 --kind refused --kind decision
      mpp audit tail --follow
      mpp audit tail --follow --json | jq .
    """
    places = home().log
    show = put_line_json if as_json else say_line
    reader = LogReader(places)
    size = reader.last() + 1
    if not size and not follow:
        note("The record is empty: no tool has been called yet.")
    for line in newest(places, size, count, kinds):
        show(line)
    while follow:
        size = _show_from(places, size, kinds, show)
        _sleep(WAIT_SECONDS)


def newest(places: LogPlaces, size: int, count: int, kinds: tuple[str, ...]) -> list[Line]:
    """Backwards by windows, until there are enough."""
    found: list[Line] = []
    end = size
    while end > 0 and len(found) < count:
        begin = max(0, end - (WINDOW if kinds else min(count, WINDOW)))
        wanted: deque[Line] = deque(_of_kinds(places, begin, end, kinds), maxlen=count - len(found))
        found = [*wanted, *found]
        end = begin
    return found


def _of_kinds(places: LogPlaces, begin: int, end: int, kinds: tuple[str, ...]) -> Iterator[Line]:
    for data in lines_from(places, begin):
        line = glance(data)
        if line is not None and line.seq >= end:
            return
        if line is not None and (not kinds or line.kind in kinds):
            yield line


def _show_from(places: LogPlaces, size: int, kinds: tuple[str, ...], show: Callable[[Line], None]) -> int:
    for data in lines_from(places, size):
        line = glance(data)
        if line is not None and line.seq >= size:
            size = line.seq + 1
            if not kinds or line.kind in kinds:
                show(line)
    return size
