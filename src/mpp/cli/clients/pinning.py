"""The first start of servers that were moved: their tools are pinned as they are described now, before an agent sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mpp.cli.legacy.adding import around, look
from mpp.cli.screen import note, say
from mpp.errors import MppError
from mpp.host.legacy.pins import NEW
from mpp.host.legacy.types import Entry, Held
from mpp.model.jsontext import Json


def pin(names: Iterable[str], *, as_json: bool) -> list[Json]:
    """Start each once. One that does not start is told, and listed when it is served first: the move is done already."""
    store = around().store
    rows: list[Json] = []
    for name in names:
        try:
            entry, remarks = _looked(store.find(name))
            store.update(entry)
        except MppError as fault:
            rows.append({"name": name, "started": False, "fault": fault.message})
            if not as_json:
                note(f"{name} did not start: {fault.message}. It is tried again when it is served; try it by hand: mpp legacy test {name}")
            continue
        rows.append({"name": name, "started": True, "tools": len(entry.tools), "remarks": [*remarks]})
        if not as_json:
            _told(name, entry, remarks)
    return rows


def _looked(entry: Entry) -> tuple[Entry, tuple[str, ...]]:
    """With pins. Attack: a description that steers a model; where there is something to look at, nothing is pinned until a person did."""
    judged = look(entry).judged
    if not judged.remarks:
        return judged.entry, ()
    kept = tuple(Held(name=one.name, why=NEW) for one in judged.fresh)
    return replace(judged.entry, pins=(), held=(*kept, *judged.entry.held)), judged.remarks


def _told(name: str, entry: Entry, remarks: tuple[str, ...]) -> None:
    say(f"  {name}: {len(entry.tools)} tools, pinned as they are described now")
    for one in remarks:
        note(f"warning: {one}")
    if remarks:
        note(f"Nothing of {name} can be called until you looked: mpp legacy approve {name}")
