"""``mpp layer uninstall``."""

from __future__ import annotations

import contextlib

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.layer.shared import the_layers
from mpp.cli.options import home, json_option
from mpp.cli.screen import mark, put_json, say, TICK
from mpp.cli.store.opened import the_store
from mpp.errors import MppError, Refused
from mpp.stages.sandbox import ImageCache


@click.command(name="uninstall")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also where installed tools stand on it; they stop until it is installed again.")
@yes_option
@json_option
def command(name: str, force: bool, yes: bool, as_json: bool) -> None:
    """Remove a layer. NAME is an id, an id and @VERSION, or the beginning of a content hash.

    \b
    Examples:
      mpp layer uninstall dev.mpp.layers.python@3.13.4
      mpp layer uninstall 9f86d081884c7d65 --force --yes

    \b
    Exit code:
      0   it is gone
      22  nobody agreed
      31  no such layer, or installed tools stand on it
    """
    row = the_layers().find(name)
    users = _users(row.ref.sha256)
    if users and not force:
        raise Refused("layer.used", f"installed tools stand on it: {', '.join(users[:5])}", where=row.ref.sha256, hint="uninstall them first, or add --force")
    what = f"the layer {row.ref.id} {row.ref.version}"
    amr = agreed(f"Remove {what}{f', on which {len(users)} installed packages stand' if users else ''}?", name, yes=yes)
    size = the_layers().remove(row.ref.sha256)
    ImageCache(home().cache).forget(row.ref.sha256)
    told("layer", f"sha256:{row.ref.sha256} {row.ref.id} {row.ref.version}", "removed", amr)
    if as_json:
        put_json({"ok": True, "id": row.ref.id, "version": row.ref.version, "sha256": row.ref.sha256, "bytes": size, "users": [*users]})
    else:
        say(mark(TICK), f" Removed {what}, {size / 1e6:.1f} MB")


def _users(sha256: str) -> tuple[str, ...]:
    """Installed packages that stand on it, as far as they can be read."""
    store, found = the_store(), []
    for row in store.all():
        with contextlib.suppress(MppError):
            layer = store.open(row).manifest.runtime.layer
            if layer is not None and layer.sha256 == sha256:
                found.append(row.package_id)
    return tuple(dict.fromkeys(found))
