"""A monitor that is a witness: it cosigns a checkpoint only once all that it says was computed anew.

Its key belongs to one state: what was signed stands in there, and a state that has forgotten it signs nothing.
Spec: registry Z-85.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from http import HTTPStatus

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner
from mpp.errors import Refused
from mpp.files import PRIVATE, is_private, read_bounded, write_atomic
from mpp.ledger.notes import COSIGNATURE, NoteKey, cosign_text, is_name, read_note, signature_line
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Random, Signer
from mpp.protocol.registry.checkpoint import RegistryCheckpoint
from mpp.remote.monitoring.limits import KEY_FILE_BYTES_MAX
from mpp.remote.monitoring.reading import Source
from mpp.remote.monitoring.store import MonitorStore, Progress

_KEY = re.compile(r"mpp-witness-1 (\S+) ([A-Za-z0-9+/]{43}=)\n")


@value
class Witness:
    name: str
    signer: Signer

    @property
    def key(self) -> NoteKey:
        """What those who want to see its cosignature must know."""
        return NoteKey(name=self.name, public=self.signer.public_key, algorithm=COSIGNATURE)

    def promised(self, progress: Progress, checkpoint: RegistryCheckpoint) -> Progress:
        """What is kept before anything is signed."""
        if checkpoint.size < progress.signed_size or (checkpoint.size == progress.signed_size and checkpoint.root != progress.signed_root):
            raise Refused("registry.rollback", "a later or another checkpoint was cosigned before", where=checkpoint.origin, hint="keep the state as evidence")
        return replace(progress, signed_size=checkpoint.size, signed_root=checkpoint.root)

    def give(self, source: Source, checkpoint: RegistryCheckpoint, now: int) -> str:
        """Cosign, and let the registry have it: ``yes``, or why not."""
        line = signature_line(cosign_text(read_note(checkpoint.note, where="checkpoint").text, self.name, self.signer, now))
        status = source.cosign(line.encode("utf-8"))
        if status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            return "yes"
        if status == HTTPStatus.CONFLICT:
            return "the registry has gone on since, or does not know this witness: its operator names it with --witness KEY"
        return f"the registry does not take it ({status}); its operator names the witness with --witness"


def open_witness(path: str, name: str, store: MonitorStore, random: Random) -> Witness:
    """The key in a file; the first call with a name makes it, for this state."""
    if not os.path.lexists(path):
        return _make(path, name, store, random)
    witness = _read(path, name)
    if store.progress().witness != str(witness.key):
        # Attack on oneself: with another state the key could sign what contradicts what it signed before.
        hint = "use the state that it was made with, or make a new key in another file: others know the witness by its key"
        raise Refused("registry.witness", "the key of the witness belongs to another state", where=path, hint=hint)
    return witness


def _make(path: str, name: str, store: MonitorStore, random: Random) -> Witness:
    if not is_name(name):
        raise Refused("registry.witness", "there is no such key yet, and no name for one", where=path, hint="add --witness-name example.com/monitor")
    seed = random.bytes(SEED_BYTES)
    made, progress = Witness(name=name, signer=SeedSigner(seed)), store.progress()
    if progress.signed_size:
        hint = "restore the key from a copy, or begin anew with another --state: others know the witness by its key"
        raise Refused("registry.witness", "this state has signed with a key that is not there", where=path, hint=hint)
    # The state first: a key without it signs nothing.
    with store.step():
        store.keep_progress(replace(progress, witness=str(made.key)))
    write_atomic(path, f"mpp-witness-1 {name} {base64text.encode(seed)}\n".encode(), PRIVATE, replace=False)
    return made


def _read(path: str, name: str) -> Witness:
    if not is_private(path):
        raise Refused("key.mode", "other users can read the key of the witness", where=path, hint="make a new one: others may have this one")
    line = _KEY.fullmatch(read_bounded(path, KEY_FILE_BYTES_MAX).decode("utf-8", "replace"))
    seed = base64text.decode(line[2]) if line else None
    if line is None or seed is None or not is_name(line[1]):
        raise Refused("registry.witness", "this is no key of a witness", where=path, hint="restore it from a copy; others know the witness by it")
    if name not in {"", line[1]}:
        raise Refused("registry.witness", f"the key is of the witness {shown(line[1])}", where=path, hint="leave out --witness-name, or name another file")
    return Witness(name=line[1], signer=SeedSigner(seed))
