"""The record of a home, as tests read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.model.events import SALT_BYTES, Event, salted, write_event
from mpp.stages.audit.entry import line_of

NO_SALT = bytes(SALT_BYTES)


def events(home: Path) -> list[Event]:
    """All events of the record, without those that it tells of itself."""
    return [entry.event for entry in LogReader(Home(path=str(home)).log).entries() if entry.event.tenant != "host"]


def as_written(event: Event, salt: bytes = NO_SALT) -> Event:
    """The event as a reader finds it: with commitments in place of digests."""
    return replace(event, commit={name: salted(salt, name, digest) for name, digest in event.commit.items()})


def entry_line(event: Event, seq: int = 0, prev: str = "0" * 64) -> bytes:
    """The event as a line of a log."""
    return line_of(write_event(event, NO_SALT), prev, seq) + b"\n"
