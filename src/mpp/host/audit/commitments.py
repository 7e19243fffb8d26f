"""Open a commitment of the log: whoever has the bytes shows that they are what went in or came out.

Spec: audit L-40, L-41.
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.salts import NO_SALT, read_salt
from mpp.model.events import salted
from mpp.stages.audit import Line


def matching(places: LogPlaces, line: Line, names: tuple[str, ...], digest: str) -> str:
    """Under which of ``names`` the entry commits to the bytes with this SHA-256; empty if under none of them."""
    held = [name for name in names if name in line.commit]
    if not held:
        raise Refused("audit.no_commitment", f"entry {line.seq} does not commit to this", where=f"log entry {line.seq}", hint="see: mpp audit show the call")
    salt = read_salt(places, line.seq)
    if salt == NO_SALT:
        hint = "what was erased cannot be compared any more; the entry and its proof still hold"
        raise Refused("audit.erased", f"the salt of entry {line.seq} was erased or is not kept here", where=f"log entry {line.seq}", hint=hint)
    return next((name for name in held if salted(salt, name, digest) == line.commit[name]), "")
