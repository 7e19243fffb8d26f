"""One call in the record: found by its id or the beginning of it, and all entries that belong to it."""

from __future__ import annotations

import apsw

from mpp.errors import Refused
from mpp.host.audit.index import ask
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.searching import CALL_DIGITS, calls_like, lines_of, of_approval, of_call
from mpp.model.jsontext import shown
from mpp.stages.audit import Line, told_of

CALL_ENTRIES_MAX = 10_000
"""Entries of one call that are shown. Reason: a call has about ten."""


def judged_beginning(text: str) -> str:
    """The id of a call, or the beginning of one, as the index has it."""
    wanted = text.lower()
    if not 0 < len(wanted) <= CALL_DIGITS or any(one not in "0123456789abcdef" for one in wanted):
        raise Refused("usage.entry", f"{shown(text)!r} is neither an entry nor a call", hint="give the number of an entry, or the id of a call")
    return wanted


def only_call(connection: apsw.Connection, places: LogPlaces, beginning: str) -> str:
    """The one call whose id begins so."""
    found = calls_like(connection, beginning, 2)
    if not found:
        raise Refused("audit.unknown_call", f"no call begins with {beginning}", where=places.folder, hint="look for it: mpp audit search")
    if len(found) > 1:
        raise Refused("audit.several", f"several calls begin with {beginning}", where=places.folder, hint="give more digits of its id")
    return found[0]


def lines_of_call(places: LogPlaces, call: str) -> list[Line]:
    """The call's own entries, and the question and the answers before it, which had no call yet."""
    lines = list(lines_of(places, ask(places, lambda connection: of_call(connection, call, CALL_ENTRIES_MAX))))
    jti = next((said.approval for said in map(told_of, lines) if said.approval), "")
    if jti:
        seqs = ask(places, lambda connection: of_approval(connection, jti, CALL_ENTRIES_MAX))
        known = {line.seq for line in lines}
        lines += lines_of(places, [seq for seq in seqs if seq not in known])
    if not lines:
        raise Refused("audit.pruned", "the entries of this call are pruned", where=places.folder, hint="look in the copy that was made before")
    return sorted(lines, key=lambda line: line.seq)
