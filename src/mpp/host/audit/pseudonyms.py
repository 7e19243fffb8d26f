"""The names under which users stand in the log. Who has the key can ask for one name; nobody can list them.

Spec: audit L-43.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from dataclasses import replace

from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, is_private, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.audit.places import LogPlaces
from mpp.host.system import SystemRandom
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.ports import Random

KEY_BYTES = 32
PSEUDONYM_DIGITS = 32
KEY_FILE_BYTES_MAX = 256
"""Bytes of the file with the key. Reason: it has one line of 81."""

_LINE = re.compile(r"mpp-audit-user-1 ([0-9a-f]{64})\n")
_FORM = re.compile("[0-9a-f]{32}")


def pseudonym(places: LogPlaces, name: str, random: Random | None = None) -> str:
    """What stands in the log for a user; nothing for nobody. The first call makes the key."""
    if not name:
        return ""
    path = places.user_key
    if not os.path.lexists(path):
        make_private_folder(os.path.dirname(path))
        with locked(path + ".lock", "the key of the users' names"):
            # Two processes that start at once must not give one user two names.
            if not os.path.lexists(path):
                key = (random or SystemRandom()).bytes(KEY_BYTES)
                write_atomic(path, f"mpp-audit-user-1 {key.hex()}\n".encode("ascii"), PRIVATE, replace=False)
    return _named(path, name)


def find(places: LogPlaces, name: str) -> str | None:
    """The same, for those who read; None where this home has no key, and so no user stands in its log."""
    return _named(places.user_key, name) if name and os.path.lexists(places.user_key) else None


def is_pseudonym(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def _named(path: str, name: str) -> str:
    if not is_private(path):
        # Attack: whoever reads the key tries all names of the company against the log.
        raise HostFailed("audit.user_key", "others can read the key of the users' names", where=path, hint="run: chmod 600 on it")
    try:
        found = _LINE.fullmatch(read_bounded(path, KEY_FILE_BYTES_MAX).decode("ascii", "replace"))
    except Refused:
        found = None
    if found is None:
        raise HostFailed("audit.user_key", "this is no key that mpp wrote", where=path, hint="restore it from a copy; without it users cannot be found again")
    return hmac.digest(bytes.fromhex(found[1]), name.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:PSEUDONYM_DIGITS]


def without_names(event: Event, places: LogPlaces) -> Event:
    """Spec: audit L-43. The users behind an agent stand in the record as pseudonyms, whatever stage told of them."""
    body, agent = event.body, event.body.get("agent")
    if "behalf" in body:
        return replace(event, body={**body, "behalf": _unnamed(body["behalf"], places)})
    if isinstance(agent, dict) and "behalf" in agent:
        return replace(event, body={**body, "agent": {**agent, "behalf": _unnamed(agent["behalf"], places)}})
    return event


def _unnamed(behalf: Json, places: LogPlaces) -> Json:
    rows = behalf if isinstance(behalf, list) else []
    return [{**one, "name": pseudonym(places, str(one.get("name", "")))} if isinstance(one, dict) and one.get("kind") == "user" else one for one in rows]
