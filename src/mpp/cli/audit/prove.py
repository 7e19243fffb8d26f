"""``mpp audit prove``."""

from __future__ import annotations

import sys

import click

from mpp.cli.audit.given import log_places
from mpp.cli.options import home, json_option
from mpp.cli.screen import note, put_json
from mpp.errors import Refused
from mpp.files import write_atomic
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.model.jsontext import shown
from mpp.stages.audit import write_proof


@click.command(name="prove")
@click.argument("entry", metavar="ENTRY")
@click.option("--log", "folder", default="", metavar="FOLDER", help="The folder of another record.")
@click.option("-o", "--out", default="", metavar="FILE", help="Write the proof to FILE in place of standard output.")
@json_option
def command(entry: str, folder: str, out: str, as_json: bool) -> None:
    """Write a proof that ENTRY (its number, or `last`) is in the record, under a signed checkpoint.

    Who has the proof and the log id needs nothing else: `mpp audit verify-proof` checks it, and so does the stand-alone
    verifier, without MPP. The proof shows the entry and nothing of the others but their hashes.

    \b
    Examples:
      mpp audit prove 1234 -o proof.json
      mpp audit prove last | mpp audit verify-proof -
    """
    reader = LogReader(log_places(folder))
    if not reader.is_there():
        raise Refused("audit.empty", "there is no record here", where=reader.places.folder, hint="it begins with the first call; or name the folder of one")
    seq = reader.last() if entry == "last" else _number(entry)
    try:
        proof = reader.prove(seq)
    except Refused as fault:
        if folder or fault.code not in {"audit.unsigned", "audit.no_checkpoint"}:
            raise
        # Our own log, and nothing has signed its end yet.
        with AuditLog(home()) as log:
            log.checkpoint()
        proof = reader.prove(seq)
    data = write_proof(proof)
    if out:
        write_atomic(out, data)
        if as_json:
            put_json({"ok": True, "entry": seq, "file": out})
        else:
            note(f"The proof of entry {seq} is in {out}.")
        return
    sys.stdout.write(data.decode("utf-8"))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise Refused("usage.option", f"{shown(text)!r} is no number of an entry", where="ENTRY", hint="`mpp audit tail` shows the numbers")
    return int(text)
