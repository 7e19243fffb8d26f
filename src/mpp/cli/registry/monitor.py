"""``mpp registry monitor``."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from mpp.cli.options import home, json_option, quoted, show_time
from mpp.cli.screen import complain, error_json, mark, note, put_json, say, TICK
from mpp.crypto.ed25519 import KEY_ID, fingerprint
from mpp.errors import MppError, Refused, RemoteFailed
from mpp.files import make_private_folder
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import canonical, Json
from mpp.model.value import value
from mpp.remote.limits import AGE_SECONDS_MAX
from mpp.remote.monitoring.following import Looked, Wanted, look
from mpp.remote.monitoring.limits import EVERY_SECONDS_MAX, EVERY_SECONDS_MIN
from mpp.remote.monitoring.reading import HttpSource, Source
from mpp.remote.monitoring.store import MonitorStore
from mpp.remote.monitoring.witness import open_witness, Witness

HOUR = 3600
AGE_HOURS = 24
"""Hours that the newest checkpoint may be old, where nothing else is said. Reason: what clients take; registries renew theirs hourly."""


@value
class _Work:
    source: Source
    store: MonitorStore
    witness: Witness | None
    registry_id: str
    max_age: int
    as_json: bool
    is_once: bool


@click.command(name="monitor")
@click.argument("url")
@click.option("--once", is_flag=True, help="Look once and end (as it does if you say nothing).")
@click.option("--every", type=click.IntRange(EVERY_SECONDS_MIN, EVERY_SECONDS_MAX), default=None, metavar="SECONDS", help="Look again and again until stopped.")
@click.option("--state", default="", metavar="FILE", help="What is known of the registry. [default: in monitors in $MPP_HOME]")
@click.option("--registry", default="", metavar="ID", help="The full id that the registry must have; take it from elsewhere.")
@click.option("--max-age", "hours", type=click.FloatRange(0, AGE_SECONDS_MAX / HOUR), default=AGE_HOURS, show_default=True, help="Hours that it may be silent.")
@click.option("--witness-key", default="", metavar="FILE", help="Cosign what held, with the key in FILE; made the first time.")
@click.option("--witness-name", default="", metavar="NAME", help="What the witness is called, the first time: example.com/monitor.")
@json_option
def command(url: str, once: bool, every: int | None, state: str, registry: str, hours: float, witness_key: str, witness_name: str, as_json: bool) -> None:
    """Read the whole log of the registry at URL, compute anew what follows from it, and compare that with what it signs.

    Clients see that a registry tells them one story. A monitor sees that this story is true to the rules: no version
    replaced, nothing revoked that came back, nobody publishing in another's name, and a map of packages that says what
    the log says. The first look reads all leaves; later ones go on from there. What it knows is kept in one file.

    URL may be the name of a registry of this machine (`mpp registry list`): its id is compared then, and its login used.

    With --witness-key it cosigns each checkpoint that held, and none after something did not.

    \b
    Examples:
      mpp registry monitor https://packages.example.com --registry 1f2e3d4c...
      mpp registry monitor http://127.0.0.1:8765 --once --json
      mpp registry monitor https://packages.example.com --every 60 \\
          --witness-key witness.key --witness-name monitor.example.org

    \b
    Exit code:
      0   everything holds
      40  the registry could not be reached, or did not answer as it should
      41  something does not hold: the message says what, and the state keeps the signed notes
    """
    if once and every is not None:
        raise Refused("usage.option", "--once and --every exclude each other", hint="leave one of them out")
    digits = registry.replace(" ", "").replace(":", "").lower()
    if digits and KEY_ID.fullmatch(digits) is None:
        raise Refused("usage.option", "--registry takes the full id of a registry: 64 hex digits", hint="it is what `mpp registry show` calls the fingerprint")
    source, known = _source(url)
    digits = digits or known
    with closing(MonitorStore(state or _usual(source.url))) as store:
        witness = open_witness(witness_key, witness_name, store, SystemRandom()) if witness_key else None
        if witness is not None and not as_json:
            note(f"Cosigned as {witness.key}")
        work = _Work(source=source, store=store, witness=witness, registry_id=digits, max_age=int(hours * HOUR), as_json=as_json, is_once=every is None)
        if every is None:
            _show(_look(work), work)
            return
        _follow(work, every)


def _source(text: str) -> tuple[HttpSource, str]:
    """A registry of this home by its name or address, with its login and its id; or any address."""
    from mpp.cli.store.registries import load_config, login_of  # noqa: PLC0415 - brings the stores of this home

    known = {name: one for one in load_config().registries.values() for name in (one.name, one.url)}.get(text.rstrip("/"))
    if known is None:
        return HttpSource(text), ""
    return HttpSource(known.url, login_of(known) if known.private else None), known.registry_id


def _usual(url: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - only where no file was named

    folder = os.path.join(home().path, "monitors")
    make_private_folder(folder)
    return os.path.join(folder, f"{sha256(url.encode('utf-8')).hexdigest()[:32]}.sqlite")


def _look(work: _Work) -> Looked:
    wanted = Wanted(registry_id=work.registry_id, max_age=work.max_age, now=SystemClock().now())

    def told(done: int, whole: int) -> None:
        if not work.as_json and sys.stderr.isatty():
            click.echo(f"\r{done} of {whole} leaves", nl=done == whole, err=True)

    return look(work.source, work.store, wanted, work.witness, told)


def _follow(work: _Work, every: int) -> None:
    """A registry that is out of reach is asked again; whatever does not hold ends it."""
    stop = threading.Event()
    with _ending(stop):
        while not stop.is_set():
            try:
                _show(_look(work), work)
            except RemoteFailed as fault:
                _say_away(fault, work)
            sys.stdout.flush()
            stop.wait(every)


def _say_away(fault: MppError, work: _Work) -> None:
    if work.as_json:
        _put({"ok": False, "error": error_json(fault)}, work)
    else:
        complain(fault, as_json=False)


def _put(document: dict[str, Json], work: _Work) -> None:
    """One object; of several looks each on a line of its own."""
    if work.is_once:
        put_json(document)
    else:
        say(canonical(document).decode("utf-8"))


@contextmanager
def _ending(stop: threading.Event) -> Iterator[None]:
    """A signal lets the look under way end."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _show(found: Looked, work: _Work) -> None:
    if work.as_json:
        document: dict[str, Json] = {
            "ok": True, "registry": {"id": found.registry_id, "name": found.name}, "size": found.size, "packages": found.packages, "read": found.read,
            "root": found.root.hex(), "map_root": found.map_root.hex(), "at": found.at, "cosigned": found.cosigned, "error": None,
        }  # fmt: skip
        _put(document, work)
        return
    say(
        mark(TICK),
        f" {quoted(found.name)} {fingerprint(found.registry_id)[:19]} ...: {_many(found.size, 'leaf', 'leaves')}, {found.read} new,",
        f" {_many(found.packages, 'package', 'packages')}",
    )
    say(f"  log and map are what follows from the leaves; state of {show_time(found.at)}, map root {found.map_root.hex()[:16]}")
    if found.cosigned == "yes":
        say("  cosigned")
    elif found.cosigned != "no":
        note(f"warning: not cosigned there: {found.cosigned}")
    if not work.registry_id and found.read == found.size:
        note(f"Compare its full id with one that you got another way: {found.registry_id}")
