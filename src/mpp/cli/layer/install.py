"""``mpp layer install``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import told
from mpp.cli.layer.shared import put_in_place, the_layers
from mpp.cli.options import find_package, json_option
from mpp.cli.packages import take_bytes
from mpp.cli.screen import mark, note, put_json, safe, say, TICK
from mpp.host.layers.judging import of_package
from mpp.host.store.sources import Found, from_address, from_file, is_address


@click.command(name="install")
@click.argument("file", metavar="FILE|URL")
@json_option
def command(file: str, as_json: bool) -> None:
    """Verify a layer, compile it and install it. FILE is a signed package of type layer; URL begins with https:// or file://.

    Tools name a layer by its content hash: no other file takes its place. A layer has no rights of its own. A publisher that
    this machine does not know is asked about once, as for a tool.

    \b
    Examples:
      mpp layer install mpp-layer-python-3.13.5.mpp
      mpp layer install https://example.com/mpp-layer-python-3.13.5.mpp --json

    \b
    Exit code:
      0        installed, or it was installed already
      2        no such file
      11 … 20  the file was refused, as by `mpp verify`
      31       it is no layer
      40       the address did not give a file
    """
    found = _found(file, quiet=as_json)
    package = take_bytes(found.data, ask=not as_json).package
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


def _found(file: str, *, quiet: bool) -> Found:
    if is_address(file):
        if not quiet and not file.lower().startswith("file://"):
            note(f"fetching {safe(file)}")
        return from_address(file)
    return from_file(find_package(file))
