"""The commands of who runs a witness."""

from __future__ import annotations

import contextlib
import sys
import os
import re
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import click

from mpp.cli.options import home, json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.errors import Refused
from mpp.host.audit.witness_folder import WitnessFolder, WitnessKey
from mpp.host.audit.witness_server import Witness, WitnessServer
from mpp.host.audit.witness_store import Row
from mpp.host.system import SystemClock
from mpp.ledger.notes import NoteKey
from mpp.model.jsontext import Json, shown

PORT = 8730
"""Port of a witness, where none is given."""

_ENDING = (signal.SIGINT, signal.SIGTERM)
_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:]{2,45})\]|([0-9.]{7,15}|localhost)):([0-9]{1,5})")

data_option = click.option(
    "--data", default="", metavar="DIR", type=click.Path(file_okay=False), help="The folder of the witness. [default: witness in $MPP_HOME]"
)


def _folder(data: str) -> WitnessFolder:
    return WitnessFolder(os.path.abspath(data) if data else os.path.join(home().path, "witness"))


@click.command()
@click.option("--name", default="", metavar="NAME", help="What the witness is called, like a web address without https. Needed the first time.")
@click.option("--listen", default=f"127.0.0.1:{PORT}", show_default=True, metavar="ADDRESS:PORT", help="Where it takes requests. Port 0 takes a free one.")
@data_option
@json_option
def serve(name: str, listen: str, data: str, as_json: bool) -> None:
    """Be a witness: sign checkpoints of the accepted logs until you stop it.

    The key is made the first time. It speaks plain HTTP; let a web server with TLS stand before it where others reach it over a network. Never run it on the machine
    whose record it witnesses, and never put an old copy of its folder in place: it would sign what contradicts what it has signed.

    \b
    Examples:
      mpp audit witness accept mpp-audit/6a1f…+1f2e3d4c+AQ…
      mpp audit witness serve --name witness.example.com
    """
    place, folder = _place(listen), _folder(data)
    who, store = folder.open(name)
    with contextlib.closing(store), WitnessServer(place, Witness(folder, who, store, SystemClock()), note) as server, _ended_by_signals(server):
        _show(who, f"http://{'[' + place[0] + ']' if ':' in place[0] else place[0]}:{server.server_port}", len(folder.logs()), as_json=as_json)
        if place[0] not in {"127.0.0.1", "::1", "localhost"}:
            note("warning: others can reach this, and it is plain HTTP; let a web server with TLS stand before it")
        server.serve_forever(poll_interval=0.2)


def _place(listen: str) -> tuple[str, int]:
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found[3]) > 65535:
        raise Refused("usage.listen", f"{shown(listen)!r} is no address and port", where="--listen", hint=f"write 127.0.0.1:{PORT} or [::1]:{PORT}")
    return found[1] or found[2], int(found[3])


def _show(who: WitnessKey, url: str, logs: int, *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "name": who.name, "key": str(who.key), "url": url, "logs": logs})
    else:
        say(f"The witness {who.name} signs for {logs} log{'' if logs == 1 else 's'} at {url}")
        say(f"Key  {who.key}")
        note(f"Who wants to be witnessed runs: mpp audit witness add NAME --url {url} --key {who.key}")
        note("Accept a log here: mpp audit witness accept VKEY. End it with Ctrl-C.")
    sys.stdout.flush()


@contextlib.contextmanager
def _ended_by_signals(server: WitnessServer) -> Iterator[None]:
    """Ctrl-C, or a signal of the service manager, ends the loop and not the request that is being answered."""

    def end(_number: int, _frame: FrameType | None) -> None:
        # In a thread: it waits for the loop that this very thread runs.
        threading.Thread(target=server.shutdown, daemon=True).start()

    # Only the main thread may set them; elsewhere whoever started the thread ends it.
    is_main = threading.current_thread() is threading.main_thread()
    before = [(one, signal.signal(one, end)) for one in _ENDING] if is_main else []
    try:
        yield
    finally:
        for one, handler in before:
            signal.signal(one, handler)


@click.command()
@click.argument("vkey")
@data_option
@json_option
def accept(vkey: str, data: str, as_json: bool) -> None:
    """Sign for the log with the key VKEY from now on, also while the witness runs.

    \b
    Example:
      mpp audit witness accept mpp-audit/6a1f…+1f2e3d4c+AQ…
    """
    key = _folder(data).accept(vkey)
    if as_json:
        put_json({"ok": True, "changed": key.name, "key": str(key)})
        return
    say(f"The witness signs for {key.name} from now on.")


@click.command()
@click.argument("origin")
@data_option
@json_option
def drop(origin: str, data: str, as_json: bool) -> None:
    """Sign for the log ORIGIN no more. What was signed for it stays known, for the day it is accepted again.

    \b
    Example:
      mpp audit witness drop mpp-audit/6a1f…
    """
    _folder(data).drop(origin)
    if as_json:
        put_json({"ok": True, "changed": origin})
        return
    say(f"The witness signs for {origin} no more.")


@click.command()
@data_option
@json_option
def logs(data: str, as_json: bool) -> None:
    """Show the logs that are accepted, how far each was signed, and whether one of them forked.

    \b
    Example:
      mpp audit witness logs --json
    """
    folder = _folder(data)
    keys, signed = folder.logs(), _signed(folder)
    origins = sorted({*keys, *signed})
    if as_json:
        rows: list[Json] = [_log_json(origin, keys.get(origin), signed.get(origin)) for origin in origins]
        put_json({"ok": True, "logs": rows})
        return
    if not origins:
        say("No log is accepted yet. `mpp audit witness accept VKEY` accepts one.")
    table([(origin, *_words(keys.get(origin), signed.get(origin))) for origin in origins], indent="")


def _signed(folder: WitnessFolder) -> dict[str, Row]:
    if not folder.is_there():
        return {}
    _, store = folder.open("")
    with contextlib.closing(store):
        return {row.origin: row for row in store.rows()}


def _words(key: NoteKey | None, row: Row | None) -> tuple[str, str]:
    size = f"{row.size} entries signed" if row is not None else "nothing signed yet"
    return size, "FORKED: its owner signed two histories" if row is not None and row.is_forked else "" if key is not None else "dropped"


def _log_json(origin: str, key: NoteKey | None, row: Row | None) -> Json:
    return {
        "origin": origin, "key": "" if key is None else str(key), "accepted": key is not None,
        "size": None if row is None else row.size, "forked": row is not None and row.is_forked,
    }  # fmt: skip
