"""``mpp audit forward add``, ``list`` and ``remove``."""

from __future__ import annotations

import os

import click

from mpp.cli.audit.forward_home import agreed_to, places, source, store, told_of
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.errors import Refused
from mpp.host.audit.forwarding.addresses import read_address
from mpp.host.audit.forwarding.cursor import Cursor, write_cursor
from mpp.host.audit.forwarding.tls import tls_context
from mpp.host.audit.forwarding.forwarder import alone
from mpp.host.audit.forwarding.headers import read_headers
from mpp.host.audit.forwarding.limits import TARGETS_MAX
from mpp.host.audit.forwarding.targets import ACKS, ALL_FORMATS, check_target, ENTERPRISE_MAX, FORMATS, Target, target_json
from mpp.stages.audit.forward import DOCUMENTATION_ENTERPRISE

yes_option = click.option("--yes", is_flag=True, help="Agree without being asked; the record will say that nobody was.")


@click.command(name="add")
@click.argument("name")
@click.option("--to", "to", required=True, metavar="URL", help="A path, or tcp://HOST, tls://HOST, http://HOST or https://HOST, with or without a port.")
@click.option("--format", "kind", type=click.Choice(ALL_FORMATS), default=None, help="How an entry is written. Files: jsonl; syslog: syslog; web: otlp.")
@click.option("--ca", type=click.Path(dir_okay=False), default="", help="Certificates by which the server is known, instead of those of this machine.")
@click.option("--cert", type=click.Path(dir_okay=False), default="", help="Our own certificate, for servers that ask for one.")
@click.option("--key", type=click.Path(dir_okay=False), default="", help="The key of our certificate.")
@click.option("--header-file", type=click.Path(dir_okay=False), default="", help="A file with lines such as `Authorization: Bearer …`, readable by you alone.")
@click.option(
    "--ack", type=click.Choice(ACKS), default=ACKS[0], help="When a syslog server counts as having taken it: it read all and closed, or its system has it."
)
@click.option(
    "--enterprise", type=click.IntRange(1, ENTERPRISE_MAX), default=DOCUMENTATION_ENTERPRISE, help="Your private enterprise number, for structured data."
)
@click.option("--insecure-plaintext", "insecure", is_flag=True, help="Send over a network without encryption.")
@click.option("--from-now", is_flag=True, help="Leave out what is in the record already.")
@yes_option
@json_option
def add(
    name: str, to: str, kind: str | None, ca: str, cert: str, key: str, header_file: str, ack: str, enterprise: int, insecure: bool,
    from_now: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Name a target. Nothing is sent before `mpp audit forward run`.

    \b
    Examples:
      mpp audit forward add siem --to tls://logs.example.com:6514 --ca ca.pem --format cef
      mpp audit forward add otel --to https://otel.example.com --header-file token.txt
      mpp audit forward add copy --to /var/log/mpp.jsonl --from-now
    """
    address = read_address(to, insecure=insecure)
    files = {"ca": ca, "cert": cert, "key": key, "header_file": header_file}
    target = check_target(
        Target(
            name=name, to=address.shown(), format=kind or FORMATS[address.scheme][0], insecure=insecure, ack=ack, enterprise=enterprise,
            **{option: os.path.abspath(path) for option, path in files.items() if path},
        )
    )  # fmt: skip
    _try(target)
    how = agreed_to(f"Send every entry of the record to {target.to}?", name, yes=yes)
    if from_now:
        _skip(name)
    store().change(lambda found: _with(found, target))
    told_of(name, "added", how)
    if as_json:
        put_json({"ok": True, "target": target_json(target)})
        return
    say(f"Added {name}: {target.format} to {target.to}")
    note(f"To send what there is: mpp audit forward run {name}")


def _try(target: Target) -> None:
    """What can be wrong with its files is said now."""
    if target.header_file:
        read_headers(target.header_file)
    if target.address.secure:
        tls_context(target)


def _with(found: dict[str, Target], target: Target) -> dict[str, Target]:
    if target.name in found:
        raise Refused("usage.forward", "there is a target of this name already", where=target.name, hint="take another name, or remove it first")
    if len(found) >= TARGETS_MAX:
        raise Refused("usage.forward", f"there are {TARGETS_MAX} targets already", where=target.name, hint="remove one that is no longer used")
    return {**found, target.name: target}


def _skip(name: str) -> None:
    with source() as log:
        log.settle()
        last = log.size() - 1
        if last >= 0:
            with alone(places(), name):
                write_cursor(places().cursor(name), Cursor(origin=log.origin(), seq=last, leaf=log.leaf(last)))


@click.command(name="list")
@json_option
def listing(as_json: bool) -> None:
    """Show the targets. `mpp audit forward status` says how far each is.

    \b
    Example:
      mpp audit forward list
    """
    found = store().load()
    if as_json:
        put_json({"ok": True, "targets": [target_json(one) for one in found.values()]})
        return
    if not found:
        say("The record is not forwarded.")
        note("To add a target: mpp audit forward add NAME --to URL")
    table([(one.name, one.format, one.to) for one in found.values()], indent="")


@click.command(name="remove")
@click.argument("name")
@yes_option
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Forget a target and how far it is. What it has received stays with it.

    \b
    Example:
      mpp audit forward remove siem
    """
    target = store().get(name)
    # Attack: an agent that can call commands ends what watches it. A fleet takes no flag for it, and the record says that it was done.
    how = agreed_to(f"Stop sending the record to {target.to}?", name, yes=yes)
    with alone(places(), name):
        store().change(lambda found: {key: one for key, one in found.items() if key != name})
        forget_cursor(name)
    told_of(name, "removed", how)
    if as_json:
        put_json({"ok": True, "removed": name})
        return
    say(f"Removed {name}.")
    if os.path.lexists(places().dead(name)):
        note(f"What it never took is still named in {places().dead(name)}")


def forget_cursor(name: str) -> None:
    if os.path.lexists(places().cursor(name)):
        os.unlink(places().cursor(name))
