"""``mpp layer verify``."""

from __future__ import annotations

import os

import click

from mpp.cli.layer.shared import the_layers
from mpp.cli.options import home, json_option, trust_store
from mpp.cli.screen import complain, CROSS, mark, put_json, say, TICK
from mpp.errors import HostFailed, MppError
from mpp.host.layers import JudgedLayer, judge_file
from mpp.host.layers.judging import vouched
from mpp.host.sandbox import native_cache
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.archive import hashes, read_archive


@value
class Looked:
    sha256: str
    judged: JudgedLayer | None
    fault: MppError | None
    compiled: bool
    """Is compiled code of it there, and sealed by this home? If not, the next use compiles it."""


@click.command(name="verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@json_option
def command(names: tuple[str, ...], as_json: bool) -> int:
    """Judge installed layers again, all or those that are named: the file, its signature, the static rules, whether somebody revoked it, and what was compiled of it.

    NAME is an id, an id and @VERSION, or the beginning of a content hash.

    \b
    Examples:
      mpp layer verify
      mpp layer verify dev.mpp.layers.python@3.13.5 --json

    \b
    Exit code:
      0   all of them hold
      31  one is not what its name says; 11 to 20: what the first check says that one fails
    """
    store = the_layers()
    wanted = tuple(store.find(name).ref.sha256 for name in names) if names else store.stored()
    found = [_look(sha256) for sha256 in wanted]
    if as_json:
        rows: list[Json] = [_json(one) for one in found]
        put_json({"ok": not any(one.fault for one in found), "layers": rows})
    else:
        for one in found:
            _show(one)
        if not found:
            say("No layer is installed.")
    first = next((one.fault for one in found if one.fault is not None), None)
    return 0 if first is None else first.exit_code


def _look(sha256: str) -> Looked:
    judged, fault, compiled = None, None, False
    try:
        data = the_layers().read(sha256)
        if data is None or hashes(read_archive(data)).content.hex() != sha256:
            raise HostFailed("layer.changed", "the file is not the one that it is named after", where=sha256, hint="install the layer again")
        judged = judge_file(data, vouched(trust_store().load(), data), SystemClock().now())
        native = native_cache(home().cache).load(judged.wasm_sha256)
        if native is not None:
            os.close(native)
            compiled = True
    except MppError as found:
        fault = found
    return Looked(sha256=sha256, judged=judged, fault=fault, compiled=compiled)


def _json(one: Looked) -> dict[str, Json]:
    row: dict[str, Json] = {"sha256": one.sha256, "ok": one.fault is None, "compiled": one.compiled}
    if one.judged is not None:
        row |= {"id": one.judged.ref.id, "version": one.judged.ref.version, "publisher_id": one.judged.publisher_id, "signers": [*one.judged.signers]}
    if one.fault is not None:
        row |= {"code": one.fault.code, "message": one.fault.message, "hint": one.fault.hint}
    return row


def _show(one: Looked) -> None:
    if one.fault is not None:
        say(mark(CROSS), f" {one.sha256[:16]}")
        complain(one.fault, as_json=False)
    elif one.judged is not None:
        compiled = "compiled" if one.compiled else "to be compiled when it is used"
        say(mark(TICK), f" {one.judged.ref.id} {one.judged.ref.version}  {one.sha256[:16]}  signed by {', '.join(one.judged.signers)}; {compiled}")
