"""How far something long is: drawn on a terminal, silent everywhere else and beside JSON."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Self

import click

from mpp.cli.screen import CAREFUL, colours, HEADING, note, safe

BAR_COLUMNS = 30
"""Columns of the bar. Reason: with the words beside it, it fits 80."""

REDRAW_SECONDS = 0.1
"""Seconds between two drawings. Reason: a person sees no more, and a slow terminal is not kept busy."""

SMALL_BYTES = 500_000
"""Bytes up to which nothing is drawn. Reason: they have passed before a person could read it."""

TICK_SECONDS = 0.25
"""Seconds between two drawings of what has no end that is known. Reason: a person sees that it goes on."""

PATIENCE_SECONDS = 0.7
"""Seconds before anything is drawn of what has no known end. Reason: most of it is done by then, and a flash is no help."""

DOING_COLUMNS = 60
"""Columns of the words. Reason: with the seconds beside them, no line wraps on 80 columns, where it could not be drawn over."""

_SIGNS = "|/-\\"


def _is_drawn(*, quiet: bool) -> bool:
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Bar:
    """Told of bytes that have passed. ``doing``: downloading or uploading."""

    def __init__(self, doing: str, *, quiet: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doing, self._monotonic = doing, monotonic
        self._is_drawn = _is_drawn(quiet=quiet)
        self._last, self._open = 0.0, False

    def __call__(self, done: int, whole: int) -> None:
        if self._is_drawn and whole >= SMALL_BYTES:
            self._draw(done, whole, f"{done / 1e6:.1f} of {whole / 1e6:.1f} MB")

    def _draw(self, done: int, whole: int, words: str) -> None:
        now = self._monotonic()
        if done < whole and now - self._last < REDRAW_SECONDS:
            return
        self._last, self._open = now, done < whole
        filled = min(BAR_COLUMNS, BAR_COLUMNS * done // max(whole, 1))
        bar = _coloured("#" * filled, HEADING) + "." * (BAR_COLUMNS - filled)
        click.echo(f"\r{safe(self._doing)} [{bar}] {words}", nl=done >= whole, err=True, color=True)

    def end(self) -> None:
        """Whatever comes next begins on a line of its own."""
        if self._open:
            click.echo("", err=True)
            self._open = False


class Counted(Bar):
    """Told of pieces that are done, such as segments of the record."""

    def __init__(self, doing: str, unit: str, *, quiet: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(doing, quiet=quiet, monotonic=monotonic)
        self._unit, self._begun = unit, monotonic()

    def __call__(self, done: int, whole: int) -> None:
        # What is over before a person could read it is not drawn; what was begun is drawn to its end.
        if self._is_drawn and whole > 1 and (self._open or self._monotonic() - self._begun >= PATIENCE_SECONDS):
            self._draw(done, whole, f"{done:,} of {whole:,} {self._unit}")


class Working:
    """One line that shows that something goes on, and for how long; it is gone at the end. Use as a context manager.

    Attack: a name in ``doing`` that moves the cursor. It is made safe, and cut so that the line never wraps.
    """

    def __init__(self, doing: str, *, quiet: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doing, self._monotonic = doing, monotonic
        self._is_drawn = _is_drawn(quiet=quiet)
        self._over, self._guard = threading.Event(), threading.Lock()
        self._begun, self._shown, self._count = monotonic(), False, 0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._is_drawn:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._clear()

    def tell(self, words: str) -> None:
        """A line that stays; it also says what goes on from here."""
        with self._guard:
            self._clear()
            note(f"  {words}")
            self._doing = words

    def _run(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            with self._guard:
                self.draw()

    def draw(self) -> None:
        """The line as it is now."""
        seconds = self._monotonic() - self._begun
        if seconds < PATIENCE_SECONDS:
            return
        self._count, self._shown = self._count + 1, True
        sign = _coloured(_SIGNS[self._count % len(_SIGNS)], CAREFUL)
        click.echo(f"\r{sign} {safe(self._doing)[:DOING_COLUMNS]} ({seconds:.0f} s)\x1b[K", nl=False, err=True, color=True)

    def _clear(self) -> None:
        if self._shown:
            self._shown = False
            click.echo("\r\x1b[K", nl=False, err=True, color=True)


def _coloured(text: str, colour: str) -> str:
    return click.style(text, fg=colour) if colours(sys.stderr) else text
