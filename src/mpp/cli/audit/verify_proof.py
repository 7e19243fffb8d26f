"""``mpp audit verify-proof``."""

from __future__ import annotations

import json

import click

from mpp.cli.audit.given import read_witnesses
from mpp.cli.options import json_option, show_time
from mpp.cli.run_options import read_given
from mpp.cli.screen import mark, note, put_json, say, TICK
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.stages.audit import Proven, read_proof, verify_proof


@click.command(name="verify-proof")
@click.argument("file", metavar="FILE|-")
@click.option("--log-id", default="", metavar="HEX", help="The id of the log that it must be of.")
@click.option("--witness", "witnesses", multiple=True, metavar="VKEY", help="The key of a witness that counts. May be repeated.")
@click.option("--quorum", type=click.IntRange(0, 64), default=0, metavar="N", help="How many of them must have signed.")
@json_option
def command(file: str, log_id: str, witnesses: tuple[str, ...], quorum: int, as_json: bool) -> None:
    """Check a proof that `mpp audit prove` wrote, and show the entry.

    \b
    Examples:
      mpp audit verify-proof proof.json --log-id 3f1c…
      mpp audit verify-proof - < proof.json
    """
    proof = read_proof(read_given("-" if file == "-" else "@" + file), where=file)
    found = verify_proof(proof, where=file, log_id=log_id.lower(), witnesses=read_witnesses(witnesses))
    if len(found.witnesses) < quorum:
        raise Refused("audit.level", f"{len(found.witnesses)} of the known witnesses signed, {quorum} are asked for", where=file, hint="ask for a newer proof")
    if as_json:
        put_json(
            {
                "ok": True, "log_id": found.genesis.log_id, "entry": found.entry.seq, "leaf": found.entry.leaf, "size": found.checkpoint.size,
                "event": event_json_of(found), "witnesses": [{"name": one.name, "at": one.at} for one in found.witnesses], "log_id_compared": bool(log_id),
            }
        )  # fmt: skip
        return
    entry = found.entry
    say(mark(TICK), f" entry {entry.seq} is in the log {found.genesis.log_id[:16]}…, under a signed checkpoint over {found.checkpoint.size} entries")
    say(f"  {show_time(entry.event.at)}  {entry.event.kind}  {json.dumps(entry.event.body, sort_keys=True)}")
    for one in found.witnesses:
        say(f"  witness {one.name} at {show_time(one.at)}")
    if not log_id:
        note(f"note: compare the log id, or give --log-id: {found.genesis.log_id}")


def event_json_of(found: Proven) -> dict[str, Json]:
    event = found.entry.event
    return {"kind": event.kind, "at": event.at, "tenant": event.tenant, "invocation": event.invocation, "body": event.body, "commit": dict(event.commit)}
