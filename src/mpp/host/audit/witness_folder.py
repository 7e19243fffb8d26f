"""The folder of a witness: its key, the logs it accepts, and what it has signed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.audit.witness_store import make_store, WitnessStore
from mpp.host.system import SystemRandom
from mpp.ledger.notes import COSIGNATURE, ED25519, is_name, NAME_CHARS_MAX, NoteKey, read_key
from mpp.limits import KIB, MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, Json, read
from mpp.model.value import value
from mpp.ports import Random, Signer

LOGS_MAX = 1000
"""Logs that one witness accepts. Reason: each is added by hand."""

LOGS_BYTES_MAX = MIB
"""Bytes of the list of accepted logs. Reason: a thousand keys with long names fit."""

KEY_CHARS_MAX = NAME_CHARS_MAX + 64
"""Characters of a key with its name. Reason: the name, eight digits, and 33 bytes in base64."""

_KEY = re.compile(r"mpp-witness-1 (\S+) ([A-Za-z0-9+/]{43}=)\n")
_HINT = "give the key that `mpp audit witness key` shows on the host of the log"


@value
class WitnessKey:
    """Who the witness is."""

    name: str
    signer: Signer

    @property
    def key(self) -> NoteKey:
        """What those who ask it must know."""
        return NoteKey(name=self.name, public=self.signer.public_key, algorithm=COSIGNATURE)


class WitnessFolder:
    """Nothing is made by naming it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._key_path, self._logs_path = os.path.join(path, "witness.key"), os.path.join(path, "logs.json")
        self._state_path = os.path.join(path, "witness.sqlite")
        self._seen: tuple[int, int, int] | None = None
        self._logs: dict[str, NoteKey] = {}

    def is_there(self) -> bool:
        return os.path.lexists(self._key_path)

    # -- the key

    def open(self, name: str, random: Random | None = None) -> tuple[WitnessKey, WitnessStore]:
        """Who it is and what it has signed; the first call makes both. ``name`` may be empty later on."""
        if name and not is_name(name):
            raise Refused(
                "audit.witness_name", "a witness needs a name without spaces and plus signs", where=name[:80], hint="give one like example.com/witness"
            )
        make_private_folder(self.path)
        with locked(os.path.join(self.path, "lock"), "the folder of the witness"):
            if not self.is_there():
                self._make(name, random or SystemRandom())
        key = self._read_key()
        if name not in {"", key.name}:
            raise Refused("audit.witness_name", f"this witness has the name {key.name}", where=self.path, hint="use --data for another witness")
        return key, WitnessStore(self._state_path)

    def _make(self, name: str, random: Random) -> None:
        """The key comes last: where there is one, there must be the file of what it signed."""
        if not name:
            raise Refused("audit.witness_name", "there is no witness here yet", where=self.path, hint="give it a name: mpp audit witness serve --name NAME")
        if not os.path.lexists(self._state_path):
            make_store(self._state_path)
        line = f"mpp-witness-1 {name} {base64text.encode(random.bytes(SEED_BYTES))}\n"
        write_atomic(self._key_path, line.encode("utf-8"), PRIVATE, replace=False)

    def _read_key(self) -> WitnessKey:
        path = self._key_path
        try:
            found = os.lstat(path)
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the key of the witness: {fault.strerror}", where=path, hint="check who may read it") from None
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise Refused("key.mode", "others may read or change the key of the witness", where=path, hint="begin a new witness in another folder")
        text = read_bounded(path, KIB).decode("utf-8", "replace")
        line = _KEY.fullmatch(text)
        seed = base64text.decode(line[2]) if line else None
        if line is None or seed is None or not is_name(line[1]):
            raise Refused("audit.witness_key", "this is no key of a witness", where=path, hint="restore it from a copy; others know the witness by it")
        return WitnessKey(name=line[1], signer=SeedSigner(seed))

    # -- the accepted logs

    def logs(self) -> dict[str, NoteKey]:
        """By origin. Read anew only when the file is another one."""
        try:
            found = os.stat(self._logs_path)
        except FileNotFoundError:
            self._seen, self._logs = None, {}
            return self._logs
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the list of logs: {fault.strerror}", where=self._logs_path, hint="check who may read it") from None
        seen = (found.st_mtime_ns, found.st_ino, found.st_size)
        if seen != self._seen:
            self._logs = _read_logs(read_bounded(self._logs_path, LOGS_BYTES_MAX), where=self._logs_path)
            self._seen = seen
        return self._logs

    def accept(self, text: str) -> NoteKey:
        """Sign for this log from now on."""
        key = read_key(text, where="VKEY")
        if key.algorithm != ED25519:
            raise Refused("audit.witness_key", "this is the key of a witness, not of a log", where=key.name, hint=_HINT)

        def step(logs: dict[str, NoteKey]) -> dict[str, NoteKey]:
            if logs.get(key.name, key) != key:
                raise Refused(
                    "audit.witness_key", "a log of this origin is known under another key", where=key.name, hint="drop it first, if its owner says so"
                )
            if len(logs) >= LOGS_MAX and key.name not in logs:
                raise Refused("audit.witness_key", f"the witness has {LOGS_MAX} logs already", where=self.path, hint="drop some, or run another witness")
            return {**logs, key.name: key}

        self._change(step)
        return key

    def drop(self, origin: str) -> None:
        """Sign for it no more. What was signed stays known, for the day it is accepted again."""

        def step(logs: dict[str, NoteKey]) -> dict[str, NoteKey]:
            if origin not in logs:
                raise Refused("audit.witness_key", "no log of this origin is accepted", where=origin[:80], hint="see `mpp audit witness logs`")
            return {name: key for name, key in logs.items() if name != origin}

        self._change(step)

    def _change(self, step: Callable[[dict[str, NoteKey]], dict[str, NoteKey]]) -> None:
        make_private_folder(self.path)
        with locked(os.path.join(self.path, "lock"), "the folder of the witness"):
            rows: list[Json] = [str(key) for _, key in sorted(step(self.logs()).items())]
            write_atomic(self._logs_path, canonical({"mpp_witness_logs": 1, "logs": rows}) + b"\n", PRIVATE)


def _read_logs(data: bytes, *, where: str) -> dict[str, NoteKey]:
    faults = Faults("audit")
    fields = Fields(read(data, family="audit", where=where), where, faults)
    fields.number("mpp_witness_logs", least=1, most=1)
    rows = fields.texts("logs", most=LOGS_MAX, each_most=KEY_CHARS_MAX, required=True)
    fields.end()
    faults.stop()
    keys = [read_key(row, where=where) for row in rows]
    found = {key.name: key for key in keys if key.algorithm == ED25519}
    if len(found) != len(keys):
        raise Refused(
            "audit.witness_key", "the list of logs names one twice, or a witness", where=where, hint="mend the file, or remove it and accept the logs anew"
        )
    return found
