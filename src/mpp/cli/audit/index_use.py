"""How the commands put a question to the search index, and what a person sees while it catches up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import apsw
import click

from mpp.cli.screen import note
from mpp.errors import Refused
from mpp.host.audit.index import ask
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader

T = TypeVar("T")

TOLD_FROM = 50_000
"""Entries from which the wait is explained. Reason: fewer take a few seconds."""

rebuild_option = click.option("--rebuild", is_flag=True, help="Make the search index anew from the record first.")


def asked_index(places: LogPlaces, question: Callable[[apsw.Connection], T], *, rebuild: bool = False) -> T:
    if not LogReader(places).is_there():
        raise Refused("audit.empty", "there is no record yet", where=places.folder, hint="it begins with the first call: mpp run FILE")
    told = [0]

    def tell(done: int, size: int) -> None:
        if done - told[0] >= TOLD_FROM:
            told[0] = done
            note(f"Indexing: {done:,} of {size:,} entries")

    return ask(places, question, rebuild=rebuild, tell=tell)
