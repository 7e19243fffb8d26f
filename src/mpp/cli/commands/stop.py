"""``mpp stop``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed
from mpp.cli.calling import user_name
from mpp.cli.options import home, json_option, plain, quoted, show_time, trust_store
from mpp.cli.screen import note, put_json, say, table
from mpp.crypto.ed25519 import KEY_ID
from mpp.errors import Refused
from mpp.host.audit.log import AuditLog
from mpp.host.stops import WHY_CHARS_MAX, Stop, Stops, StopStore, with_stop, without_stop
from mpp.host.system import SystemClock
from mpp.host.told import stop_event
from mpp.host.trust_store import find_publisher
from mpp.model.jsontext import Json


@click.command(name="stop")
@click.option("--package", "package", default="", metavar="ID", help="Stop one package, all its versions.")
@click.option("--publisher", "publisher", default="", metavar="WHO", help="Stop all packages of a publisher: its exact name, or its fingerprint.")
@click.option("--all", "everything", is_flag=True, help="Stop every tool on this host.")
@click.option("--why", default="", metavar="TEXT", help="The reason, shown to whoever calls.")
@click.option("--lift", is_flag=True, help="End the stop that is named. A person at the terminal says yes.")
@click.option("--list", "listing", is_flag=True, help="Show what is stopped.")
@json_option
def command(package: str, publisher: str, everything: bool, why: str, lift: bool, listing: bool, as_json: bool) -> None:
    """Refuse a package, a publisher or everything from the next call on, whatever policy and approvals say.

    Calls that run already end by themselves within their time limit. To stop needs no question; to lift a stop does.

    \b
    Examples:
      mpp stop --package com.example.hello --why "leaks file names"
      mpp stop --all
      mpp stop --list
      mpp stop --lift --all
    """
    store = StopStore(home().stops)
    if listing:
        _list(store.current(), as_json=as_json)
        return
    if sum((bool(package), bool(publisher), everything)) != 1:
        raise Refused("usage.option", "name one thing to stop", hint="give --package ID, --publisher WHO or --all; --list shows what is stopped")
    kind = "package" if package else "publisher" if publisher else "all"
    name = _publisher(publisher) if publisher else package
    why = plain(why, "--why", WHY_CHARS_MAX)
    now = SystemClock().now()
    if lift:
        without_stop(store.current(), kind, name)
        # Spec: approval H-81. Attack: an agent that can call commands lifts the stop that was put on its tool. No option does it.
        how = agreed(f"Lift the stop of {_words(kind, name)}?", name, yes=None)
        store.change(lambda stops: without_stop(stops, kind, name))
    else:
        how = ""
        store.change(lambda stops: with_stop(stops, kind, name, Stop(since=now, why=why)))
    # The stop holds already: a record that cannot be written must not keep it from holding.
    with AuditLog(home()) as log:
        log.record(stop_event(kind, name, lifted=lift, why=why, by=user_name(), how=how, at=now), durable=True)
    _done(kind, name, lift=lift, as_json=as_json)


def _publisher(wanted: str) -> str:
    digits = wanted.replace(" ", "").replace(":", "").lower()
    if KEY_ID.fullmatch(digits):
        # Also one that this host does not know yet.
        return digits
    return find_publisher(trust_store().load(), wanted)


def _words(kind: str, name: str) -> str:
    return "everything" if kind == "all" else f"{kind} {name}"


def _done(kind: str, name: str, *, lift: bool, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "changed": name or "all", "kind": kind, "stopped": not lift})
        return
    say(f"{'Lifted the stop of' if lift else 'Stopped'} {_words(kind, name)}{'' if lift else ', from the next call on'}.")
    if not lift:
        words = "--all" if kind == "all" else f"--{kind} {name}"
        note(f"It ends with: mpp stop --lift {words}")


def _list(stops: Stops, *, as_json: bool) -> None:
    rows = [("all", "", stops.all)] if stops.all is not None else []
    rows += [("package", name, stop) for name, stop in sorted(stops.packages.items())]
    rows += [("publisher", name, stop) for name, stop in sorted(stops.publishers.items())]
    # What a registry has withdrawn; no person puts or lifts these.
    rows += [("version", name, stop) for name, stop in sorted(stops.contents.items())]
    if as_json:
        found: list[Json] = [{"kind": kind, "name": name, "since": stop.since, "why": stop.why} for kind, name, stop in rows if stop is not None]
        put_json({"ok": True, "stops": found})
        return
    if not rows:
        say("Nothing is stopped.")
    table([(kind, name, show_time(stop.since), quoted(stop.why) if stop.why else "") for kind, name, stop in rows if stop is not None], indent="")
