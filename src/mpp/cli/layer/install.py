"""``mpp layer install``."""

from __future__ import annotations

import os

import click

from mpp.cli.agreeing import told
from mpp.cli.layer.shared import put_in_place, the_layers
from mpp.cli.options import find_package, json_option
from mpp.cli.packages import FIRST_USE, take_bytes
from mpp.cli.screen import mark, note, put_json, safe, say, TICK
from mpp.cli.store.from_registry import fetch, Origin, pin_by_namespace, same_as_proven, Ways
from mpp.cli.store.gathering import has_registries, is_file
from mpp.cli.store.registries import known_name
from mpp.errors import Refused
from mpp.host.layers.judging import of_package
from mpp.host.store.sources import Found, from_address, from_file, is_address
from mpp.remote.resolving import read_wish
from mpp.stages.gatekeeper import VerifiedPackage


@click.command(name="install")
@click.argument("file", metavar="NAME[@RANGE]|FILE|URL")
@click.option("--registry", default="", metavar="NAME|URL", help="Take names from this registry. [default: that of the name space, else the usual one]")
@click.option("--min-age", type=click.FloatRange(min=0), default=None, metavar="HOURS", help="How long a version must have been public. [default: 72]")
@click.option("--publisher", default="", metavar="HEX", help="The fingerprint of its publisher, got another way; it replaces the question.")
@json_option
def command(file: str, registry: str, min_age: float | None, publisher: str, as_json: bool) -> None:
    """Verify a layer, compile it and install it. NAME is looked up in a registry, as by `mpp install`; FILE is a signed package of type layer;
    URL begins with https:// or file://.

    Tools name a layer by its content hash: no other file takes its place. A layer has no rights of its own. A publisher that
    this machine does not know is asked about once, as for a tool.

    \b
    Examples:
      mpp layer install mpp-layer-python-3.13.5.mpp
      mpp layer install dev.mpp.layers.python@^3.13
      mpp layer install https://example.com/mpp-layer-python-3.13.5.mpp --json

    \b
    Exit code:
      0        installed, or it was installed already
      2        no such file
      11 … 20  the file was refused, as by `mpp verify`
      31       it is no layer
      40       the address or the registry did not give a file
      41       what the registry says does not hold, or it has no such layer
    """
    found, origin = _found(file, Ways(registry=known_name(registry), min_age=min_age, quiet=as_json))
    package = _taken(found, origin, publisher, ask=not as_json)
    judged = of_package(package)
    is_new, megabytes = put_in_place(judged, found.data, quiet=as_json)
    ref = judged.ref
    if is_new:
        told("layer", f"sha256:{ref.sha256} {ref.id} {ref.version}", "installed", "")
    if as_json:
        put_json(
            {
                "ok": True,
                "id": ref.id,
                "version": ref.version,
                "sha256": ref.sha256,
                "publisher_id": package.publisher_id,
                "new": is_new,
                "file": the_layers().path(ref.sha256),
            }
        )
        return
    say(mark(TICK), f" {'Installed' if is_new else 'Was installed already:'} {ref.id} {ref.version}, {megabytes:.1f} MB of code")
    say(f"  content   sha256:{ref.sha256}")


def _found(word: str, ways: Ways) -> tuple[Found, Origin | None]:
    """A file of this folder comes before a name, as for `mpp install`."""
    if is_address(word):
        if not ways.quiet and not word.lower().startswith("file://"):
            note(f"fetching {safe(word)}")
        return from_address(word), None
    wish = read_wish(word)
    here = not ways.registry and (os.path.lexists(word) or is_file(word) or not has_registries())
    if wish is None or here:
        return from_file(find_package(word)), None
    return fetch(wish, ways)


def _taken(found: Found, origin: Origin | None, publisher: str, *, ask: bool) -> VerifiedPackage:
    """Verified, with a first use asked at the terminal; and the very package that the registry's log names."""
    if origin is not None:
        pin_by_namespace(found.data, origin)
    try:
        package = take_bytes(found.data, ask=ask, more=() if origin is None else origin.said(), expected=publisher).package
    except Refused as fault:
        if fault.code not in FIRST_USE:
            raise
        hint = "call it in a terminal and compare the fingerprint, or give --publisher FINGERPRINT"
        raise Refused(fault.code, fault.message, where=fault.where, hint=hint) from None
    if origin is not None:
        same_as_proven(package, origin)
    return package
