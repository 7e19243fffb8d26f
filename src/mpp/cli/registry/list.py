"""``mpp registry list``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.screen import put_json, say, table
from mpp.cli.store.registries import config_file, load_config
from mpp.model.jsontext import Json
from mpp.remote.config import Registry


@click.command(name="list")
@json_option
def command(as_json: bool) -> None:
    """Show the registries of this machine, and which ids are looked up where. A star marks the usual one.

    \b
    Examples:
      mpp registry list
      mpp registry list --json
    """
    config = load_config()
    found = [config.registries[name] for name in sorted(config.registries)]
    if as_json:
        rows: list[Json] = [row(one, is_default=one.name == config.default) for one in found]
        put_json({"ok": True, "file": config_file().path, "registries": rows})
        return
    if not found:
        say("No registry is known yet. `mpp registry add URL` adds one.")
        return
    head = ("NAME", "ADDRESS", "FINGERPRINT", "NAME SPACES")
    lines = [(one.name + ("*" if one.name == config.default else ""), one.url, one.registry_id[:16], _spaces(one)) for one in found]
    table([head, *lines], indent="", head=True)


def _spaces(one: Registry) -> str:
    return f"introduced by {one.introduced_by[-1][:16]}" if one.introduced_by else " ".join(one.namespaces) or "-"


def row(one: Registry, *, is_default: bool) -> dict[str, Json]:
    return {
        "name": one.name, "url": one.url, "registry_id": one.registry_id, "default": is_default, "namespaces": [*one.namespaces], "mirrors": [*one.mirrors],
        "min_age": one.cooldown, "max_age": one.max_age, "trust": one.trust, "witnesses": [*one.witnesses], "quorum": one.quorum, "private": one.private,
        "introduced_by": [*one.introduced_by],
    }  # fmt: skip
