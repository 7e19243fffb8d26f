"""``mpp audit forward run``, ``retry-dead`` and ``reset``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import click

from mpp.cli.audit.forward_home import agreed_to, chosen, places, source, store, told_of
from mpp.cli.audit.forward_targets import forget_cursor, yes_option
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.errors import MppError, Refused
from mpp.host.audit.forwarding.cursor import read_cursor
from mpp.host.audit.forwarding.dead import write_dead
from mpp.host.audit.forwarding.forwarder import alone, Forwarder, Manner, Sent
from mpp.host.audit.forwarding.limits import TARGETS_MAX
from mpp.host.audit.forwarding.opening import batch_bytes, encoder, open_transport
from mpp.host.audit.forwarding.retrying import retry_dead
from mpp.host.audit.forwarding.source import LogSource
from mpp.host.audit.forwarding.targets import Target
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json


class _Runs:
    """The targets at work. One that fails does not keep the others."""

    def __init__(self, log: LogSource, stop: threading.Event, *, follow: bool) -> None:
        self._log, self._stop, self._follow = log, stop, follow
        self.sent: dict[str, Sent] = {}
        self.faults: list[MppError] = []

    def run(self, target: Target) -> None:
        try:
            self.sent[target.name] = self._forward(target)
        except MppError as fault:
            self.faults.append(fault)
            note(f"{target.name}: stopped: {fault.message} [{fault.code}]")
        except BaseException:
            self._stop.set()
            raise

    def _forward(self, target: Target) -> Sent:
        clock = SystemClock()
        manner = Manner(
            encode=encoder(target), batch_bytes=batch_bytes(target), clock=clock, random=SystemRandom(), pause=self._stop.wait, tell=note, follow=self._follow
        )
        with alone(places(), target.name):
            cursor = read_cursor(places().cursor(target.name))
            return Forwarder(target.name, places(), self._log, open_transport(target, self._log, cursor, clock), manner).run()


@click.command(name="run")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--follow/--once", "follow", default=False, help="Go on with what comes until stopped, or end when all is sent (as it does if you say nothing).")
@json_option
def run(names: tuple[str, ...], follow: bool, as_json: bool) -> None:
    """Send what the targets do not have yet; without a NAME to all of them.

    It may be stopped or killed at any moment: the next run goes on where the target last said yes. Only entries under a signed checkpoint
    are sent; if need be it signs one.

    \b
    Examples:
      mpp audit forward run
      mpp audit forward run siem --follow
    """
    targets = chosen(names)
    if not targets:
        raise Refused("usage.forward", "there is no target yet", hint="add one: mpp audit forward add NAME --to URL")
    stop = threading.Event()
    with source() as log, _ending(stop):
        runs = _Runs(log, stop, follow=follow)
        with ThreadPoolExecutor(max_workers=TARGETS_MAX if follow else 1) as pool:
            for done in [pool.submit(runs.run, target) for target in targets]:
                done.result()
    if runs.faults:
        raise runs.faults[0]
    rows: list[Json] = [{"name": name, "taken": sent.taken, "dead": sent.dead} for name, sent in runs.sent.items()]
    if as_json:
        put_json({"ok": True, "targets": rows})
        return
    for name, sent in runs.sent.items():
        say(f"{name}: {sent.taken} taken" + (f", {sent.dead} not taken; see `mpp audit forward status`" if sent.dead else ""))


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    """A signal lets the batch under way end."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command(name="retry-dead")
@click.argument("name")
@click.option("--forget", is_flag=True, help="Forget those that are still not taken, and those that were pruned.")
@json_option
def retry_dead_letters(name: str, forget: bool, as_json: bool) -> None:
    """Send once more what a target refused.

    \b
    Examples:
      mpp audit forward retry-dead siem
      mpp audit forward retry-dead siem --forget
    """
    target = store().get(name)
    with source() as log, alone(places(), name):
        found = retry_dead(name, places(), log, open_transport(target, log, None, SystemClock()), encoder(target))
        if forget:
            write_dead(places().dead(name), [])
    rows: list[Json] = [{"seq": one.seq, "last": one.last, "why": one.why} for one in found.left]
    if as_json:
        put_json({"ok": True, "taken": found.taken, "left": rows, "forgotten": forget})
        return
    say(f"{name}: {found.taken} taken, {len(found.left)} {'forgotten' if forget else 'left'}")
    table([(f"{one.seq}" if one.seq == one.last else f"{one.seq}-{one.last}", one.why) for one in found.left])


@click.command(name="reset")
@click.argument("name")
@yes_option
@json_option
def reset(name: str, yes: bool, as_json: bool) -> None:
    """Begin anew with a target: it is sent all that the record has.

    For a log that was begun anew or restored from a copy, after a look at `mpp audit verify`.

    \b
    Example:
      mpp audit forward reset siem
    """
    store().get(name)
    how = agreed_to(f"Send the whole record to {name} again?", name, yes=yes)
    with alone(places(), name):
        forget_cursor(name)
    told_of(name, "reset", how)
    if as_json:
        put_json({"ok": True, "reset": name})
        return
    say(f"The next run sends {name} everything.")
