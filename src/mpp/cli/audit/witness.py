"""``mpp audit witness``: have the record witnessed, or be a witness."""

from __future__ import annotations

import click

from mpp.cli.audit.witness_serving import accept, drop, logs, serve
from mpp.cli.options import home, json_option, show_time
from mpp.cli.screen import CROSS, mark, note, put_json, say, table, TICK
from mpp.errors import Fault, MppError, Refused
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_client import ask_all, Cosigned, count_distinct, own_key
from mpp.host.audit.witness_list import NamedWitness, WitnessList
from mpp.host.host_key import host_key
from mpp.host.system import SystemClock
from mpp.ledger.checkpoints import Checkpoint
from mpp.model.jsontext import Json
from mpp.cli.groups import Words


@click.group(name="witness", cls=Words, no_args_is_help=True, short_help="Have the record witnessed, or be a witness for others.")
def command() -> None:
    """Have the record witnessed, or be a witness for others.

    A witness is another machine that signs how long the record is and what it holds by then, as a hash. It never sees an entry. Afterwards nobody, also not
    who has all keys of this host, can cut or change what is below without the witness saying so.

    \b
    Examples:
      mpp audit witness key                          (give this to who runs the witness)
      mpp audit witness add board --url https://witness.example.com --key witness.example.com+1f2e…
      mpp audit witness ask --quorum 1
      mpp audit witness serve --name witness.example.com   (on another machine)
    """


for one in (serve, accept, drop, logs):
    command.add_command(one)


@command.command(name="key")
@json_option
def key_(as_json: bool) -> None:
    """Show the key of this host's record: who runs a witness accepts it.

    \b
    Example:
      mpp audit witness key
    """
    found = own_key(LogReader(home().log), host_key(home()).public)
    if as_json:
        put_json({"ok": True, "origin": found.name, "key": str(found)})
        return
    say(str(found))
    note(f"On the witness: mpp audit witness accept {found}")


@command.command()
@click.argument("name")
@click.option("--url", required=True, metavar="URL", help="Where the witness is: https, or http to this machine.")
@click.option("--key", "key", required=True, metavar="VKEY", help="The key of the witness, as `mpp audit witness serve` shows it there.")
@json_option
def add(name: str, url: str, key: str, as_json: bool) -> None:
    """Ask the witness at URL from now on, and call it NAME. One of this name is replaced.

    Take the key from the person who runs the witness, not from the same place as the address.

    \b
    Example:
      mpp audit witness add board --url https://witness.example.com --key NAME+1f2e3d4c+BA…
    """
    one = WitnessList(home().log).add(name, url, key)
    if as_json:
        put_json({"ok": True, "changed": name, "witness": _witness_json(one)})
        return
    say(f"Added the witness {name} ({one.key.name}).")
    note("Have the record witnessed now: mpp audit witness ask")


@command.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Ask the witness NAME no more. What it has signed is kept.

    \b
    Example:
      mpp audit witness remove board
    """
    WitnessList(home().log).remove(name)
    if as_json:
        put_json({"ok": True, "changed": name})
        return
    say(f"Removed the witness {name}.")


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show the witnesses that are asked.

    \b
    Example:
      mpp audit witness list --json
    """
    found = WitnessList(home().log).load()
    if as_json:
        rows: list[Json] = [_witness_json(one) for one in found]
        put_json({"ok": True, "witnesses": rows})
        return
    if not found:
        say("No witness is known. `mpp audit witness add` adds one.")
    table([(one.name, one.url, str(one.key)) for one in found], indent="")


def _witness_json(one: NamedWitness) -> dict[str, Json]:
    return {"name": one.name, "url": one.url, "key": str(one.key)}


@command.command()
@click.option("--quorum", type=click.IntRange(min=1, max=32), default=None, metavar="N", help="How many must sign. [default: all]")
@json_option
def ask(quorum: int | None, as_json: bool) -> None:
    """Ask all witnesses to sign the newest checkpoint. Run it from time to time, by cron for example.

    It ends with an error when fewer than N sign; and always when a witness knows another history of this record, or a longer one.

    \b
    Examples:
      mpp audit witness ask
      mpp audit witness ask --quorum 2 --json
    """
    witnesses = WitnessList(home().log).load()
    if not witnesses:
        raise Refused("audit.quorum", "no witness is known", hint="add one: mpp audit witness add NAME --url URL --key VKEY")
    checkpoint, found = ask_all(LogReader(home().log), witnesses, SystemClock())
    if not as_json:
        _say_asked(checkpoint, found)
    _judge_asked(found, quorum if quorum is not None else len(witnesses))
    if as_json:
        rows: list[Json] = [_asked_json(one) for one in found]
        put_json({"ok": True, "origin": checkpoint.origin, "size": checkpoint.size, "signed": count_distinct(found), "witnesses": rows})


def _say_asked(checkpoint: Checkpoint, found: list[Cosigned]) -> None:
    say(f"{checkpoint.size} entries of {checkpoint.origin}")
    for one in found:
        if one.fault is None:
            say(mark(TICK), f" {one.witness.name}  signed at {show_time(one.at)}")
        else:
            say(mark(CROSS), f" {one.witness.name}  {one.fault.message}")


def _asked_json(one: Cosigned) -> Json:
    return {"name": one.witness.name, "signed": one.fault is None, "at": one.at, "code": "" if one.fault is None else one.fault.code}


def _judge_asked(found: list[Cosigned], quorum: int) -> None:
    """An alarm before everything else, however many signed."""
    faults = [_of_witness(one, fault) for one in sorted(found, key=lambda one: not one.is_alarm) if one.fault is not None for fault in one.fault.faults]
    if any(one.is_alarm for one in found):
        raise Refused.of(tuple(faults))
    signed = count_distinct(found)
    if signed < quorum:
        first = Fault("audit.quorum", "", f"{signed} of {quorum} witnesses signed", "see below what each of the others said")
        raise MppError(first.code, first.message, faults=(first, *faults))


def _of_witness(one: Cosigned, fault: Fault) -> Fault:
    return fault._replace(where=one.witness.name if fault.where in {"", one.witness.name} else f"{one.witness.name}: {fault.where}")
