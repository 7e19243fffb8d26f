"""The witnesses that this home asks, and where they are: ``witnesses.json`` beside the log."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from mpp.errors import Refused
from mpp.files import locked, make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.witness_folder import KEY_CHARS_MAX
from mpp.ledger.notes import COSIGNATURE, NoteKey, read_key
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read, shown
from mpp.model.value import value
from mpp.host.outside import is_here

WITNESSES_MAX = 32
"""Witnesses of one log. Reason: nobody runs more, and their signatures fit one checkpoint."""

LIST_BYTES_MAX = 64 * KIB
"""Bytes of the list of witnesses. Reason: thirty-two with long names and addresses fit."""

URL_CHARS_MAX = 500
"""Characters of the address of a witness. Reason: it is a host and a short path."""

_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,63}")
_NAME_FORM = "lower-case letters, digits, dots and hyphens, at most 64"


@value
class NamedWitness:
    """One that is asked."""

    name: str
    """What it is called here."""
    url: str
    """What stands before ``/add-checkpoint``."""
    key: NoteKey


def check_url(url: str) -> SplitResult:
    """https, or plain http to this very machine; nothing in it that is sent along or kept by accident."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _unusable(url, "this is no address") from None
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url or not host or parts.query or parts.fragment:
        raise _unusable(url, "this is no address of a witness")
    if parts.username is not None or parts.password is not None:
        raise Refused("audit.witness_url", "an address with a name or a password in it is not taken", where=host, hint="a witness asks for none")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here(host)):
        # Attack: who sits between could answer for a witness that is down, or keep its alarm from us.
        raise _unusable(url, "plain http is taken from this machine only")
    return parts


def _unusable(url: str, why: str) -> Refused:
    return Refused("audit.witness_url", why, where=shown(url), hint="give an address that begins with https://")


class WitnessList:
    """Nothing is made by naming it."""

    def __init__(self, places: LogPlaces) -> None:
        self.path = os.path.join(places.folder, "witnesses.json")

    def load(self) -> tuple[NamedWitness, ...]:
        if not os.path.lexists(self.path):
            return ()
        return _read(read_bounded(self.path, LIST_BYTES_MAX), where=self.path)

    def add(self, name: str, url: str, key_text: str) -> NamedWitness:
        if _NAME.fullmatch(name) is None:
            raise Refused("audit.witness_name", f"the name of a witness has {_NAME_FORM}", where=shown(name), hint="give a short name of your own for it")
        check_url(url)
        one = NamedWitness(name=name, url=url.rstrip("/"), key=_witness_key(key_text, "--key"))

        def step(found: tuple[NamedWitness, ...]) -> tuple[NamedWitness, ...]:
            others = tuple(other for other in found if other.name != name)
            same = [other.name for other in others if other.key.public == one.key.public]
            if same:
                # Attack: one witness under two names, counted as two.
                raise Refused("audit.witness_key", f"this key is that of the witness {same[0]} already", where=name, hint="each witness counts once")
            if len(others) >= WITNESSES_MAX:
                raise Refused("audit.witness_name", f"there are {WITNESSES_MAX} witnesses already", where=self.path, hint="remove one first")
            return (*others, one)

        self._change(step)
        return one

    def remove(self, name: str) -> None:
        def step(found: tuple[NamedWitness, ...]) -> tuple[NamedWitness, ...]:
            left = tuple(one for one in found if one.name != name)
            if len(left) == len(found):
                raise Refused("audit.witness_name", "there is no witness of this name", where=shown(name), hint="see `mpp audit witness list`")
            return left

        self._change(step)

    def _change(self, step: Callable[[tuple[NamedWitness, ...]], tuple[NamedWitness, ...]]) -> None:
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the list of witnesses"):
            rows: list[Json] = [{"name": one.name, "url": one.url, "key": str(one.key)} for one in sorted(step(self.load()), key=lambda one: one.name)]
            write_atomic(self.path, canonical({"mpp_witnesses": 1, "witnesses": rows}) + b"\n", PRIVATE)


def _witness_key(text: str, where: str) -> NoteKey:
    key = read_key(text, where=where)
    if key.algorithm != COSIGNATURE:
        # Attack: the log's own key given as that of a witness. Its signature is on each checkpoint.
        raise Refused(
            "audit.witness_key", "this is the key of a log, not of a witness", where=key.name, hint="give the key that `mpp audit witness serve` shows"
        )
    return key


def _read(data: bytes, *, where: str) -> tuple[NamedWitness, ...]:
    faults = Faults("audit")
    fields = Fields(read(data, family="audit", where=where), where, faults)
    fields.number("mpp_witnesses", least=1, most=1)
    rows = fields.each("witnesses", lambda item, path: _read_row(Fields(item, path, faults)), most=WITNESSES_MAX, required=True)
    fields.end()
    faults.stop()
    found = tuple(NamedWitness(name=name, url=url, key=_witness_key(key, where)) for name, url, key in rows)
    for one in found:
        check_url(one.url)
    if len({one.name for one in found}) != len(found) or len({one.key.public for one in found}) != len(found):
        raise Refused("audit.witness_key", "the list names a witness twice", where=where, hint="mend the file, or remove it and add the witnesses anew")
    return found


def _read_row(fields: Fields) -> tuple[str, str, str]:
    name = fields.text("name", most=64, pattern=_NAME, form=_NAME_FORM)
    url, key = fields.text("url", most=URL_CHARS_MAX), fields.text("key", most=KEY_CHARS_MAX)
    fields.end()
    return name, url, key
