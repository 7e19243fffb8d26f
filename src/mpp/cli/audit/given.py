"""What the commands of ``mpp audit`` are given: the folder of a log, anchors, keys of witnesses."""

from __future__ import annotations

import os
import re

import click

from mpp.cli.options import home
from mpp.errors import Refused
from mpp.files import read_stream
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.verifying import Anchor
from mpp.ledger.checkpoints import read_checkpoint
from mpp.ledger.notes import COSIGNATURE, NoteKey, read_key, read_note
from mpp.model.jsontext import shown
from mpp.stages.audit.limits import PROOF_BYTES_MAX
from mpp.stages.audit import read_entry, read_proof, verify_proof

_ENTRY = re.compile(r"(0|[1-9][0-9]{0,15}):([0-9a-f]{64})")

folder_option = click.argument("folder", required=False, default="", metavar="[FOLDER]")


def log_places(folder: str) -> LogPlaces:
    """The log in FOLDER, or this home's."""
    if not folder:
        return home().log
    if not os.path.isdir(folder):
        raise Refused("usage.no_file", f"{shown(folder)!r} is no folder", hint="name a folder with a record, as `mpp audit export` makes it")
    return LogPlaces(folder=os.path.abspath(folder), keys=os.path.join(os.path.abspath(folder), "no-keys"))


def read_anchor(text: str) -> Anchor:
    """``SEQ:LEAF``, or a file with a checkpoint or a proof."""
    entry = _ENTRY.fullmatch(text)
    if entry:
        return Anchor(name=text, seq=int(entry[1]), leaf=entry[2])
    data = read_stream(text, PROOF_BYTES_MAX)
    if data.startswith(b'{"event":'):
        kept = read_entry(data.rstrip(b"\n"), where=text)
        return Anchor(name=text, seq=kept.seq, leaf=kept.leaf)
    if data.lstrip()[:1] == b"{":
        proof = read_proof(data, where=text)
        verify_proof(proof, where=text)
        data = proof.checkpoint
    note = read_note(data, where=text)
    return Anchor(name=text, checkpoint=read_checkpoint(note.text, where=text), note=note)


def read_witnesses(texts: tuple[str, ...]) -> tuple[NoteKey, ...]:
    """The keys that are given. Attack: the log's own key in place of a witness's."""
    keys = tuple(read_key(text, where="--witness") for text in texts)
    for key in keys:
        if key.algorithm != COSIGNATURE:
            raise Refused(
                "audit.witness_key", f"{shown(key.name)!r} is not the key of a witness", where="--witness", hint="give what `mpp audit witness serve` shows"
            )
    return keys
