"""How far a transfer is: a bar on a terminal, a few plain lines elsewhere, nothing beside JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from mpp.cli.screen import note

BAR_COLUMNS = 30
"""Columns of the bar. Reason: with the words beside it, it fits 80."""

REDRAW_SECONDS = 0.1
"""Seconds between two drawings. Reason: a person sees no more, and a slow terminal is not kept busy."""

LINE_BYTES = 10_000_000
"""Bytes after which a plain line is written. Reason: the largest package makes twenty-five."""

SMALL_BYTES = 500_000
"""Bytes up to which nothing is drawn. Reason: they have passed before a person could read it."""


class Bar:
    """Told of bytes that have passed. ``doing``: downloading or uploading."""

    def __init__(self, doing: str, *, quiet: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doing, self._quiet, self._monotonic = doing, quiet, monotonic
        self._is_drawn = sys.stderr.isatty()
        self._last, self._line, self._open = 0.0, 0, False

    def __call__(self, done: int, whole: int) -> None:
        if self._quiet or whole < SMALL_BYTES:
            return
        if not self._is_drawn:
            if done - self._line >= LINE_BYTES:
                self._line = done
                note(f"{self._doing}: {done / 1e6:.0f} of {whole / 1e6:.0f} MB")
            return
        now = self._monotonic()
        if done < whole and now - self._last < REDRAW_SECONDS:
            return
        self._last, self._open = now, done < whole
        filled = BAR_COLUMNS * done // whole
        click.echo(f"\r{self._doing} [{'#' * filled}{'.' * (BAR_COLUMNS - filled)}] {done / 1e6:.1f} of {whole / 1e6:.1f} MB", nl=done >= whole, err=True)

    def end(self) -> None:
        """Whatever comes next begins on a line of its own."""
        if self._open:
            click.echo("", err=True)
            self._open = False
