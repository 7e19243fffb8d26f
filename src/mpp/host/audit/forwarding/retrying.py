"""Dead letters, sent again when a person says so. Spec: audit L-86."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from mpp.errors import Refused, RemoteFailed
from mpp.host.audit.forwarding.answers import LATER, Piece, TAKEN, Transport
from mpp.host.audit.forwarding.dead import Dead, read_dead, reason, write_dead
from mpp.host.audit.forwarding.forwarder import Encode
from mpp.host.audit.forwarding.places import ForwardPlaces
from mpp.host.audit.forwarding.source import LogSource
from mpp.stages.audit.forward import record_of


class Retried(NamedTuple):
    taken: int
    left: list[Dead]


def retry_dead(name: str, places: ForwardPlaces, source: LogSource, transport: Transport, encode: Encode) -> Retried:
    """Needs the lock of the target. What is not taken stays, with the newest reason; the file is written once, at the end."""
    letters = read_dead(places.dead(name))
    left: list[Dead] = []
    for number, dead in enumerate(letters):
        piece = _piece(dead, source, encode)
        answer = transport.send([piece]) if piece is not None else None
        if answer is not None and answer.kind == LATER:
            write_dead(places.dead(name), left + letters[number:])
            raise RemoteFailed("remote.forward", f"the target does not answer: {answer.why}", where=name, hint="try again when it is up; nothing is lost")
        if answer is None:
            left.append(dead)
        elif answer.kind != TAKEN:
            left.append(replace(dead, why=reason(answer.why)))
    write_dead(places.dead(name), left)
    return Retried(len(letters) - len(left), left)


def _piece(dead: Dead, source: LogSource, encode: Encode) -> Piece | None:
    """None where the entry is no longer in this log, or cannot be written."""
    if dead.is_gap:
        return None
    try:
        entry = source.entry(dead.seq)
        record = record_of(entry, dead.origin)
        return Piece(record=record, data=encode(record)) if entry.leaf == dead.leaf else None
    except Refused:
        return None
