"""``mpp registry staged``: the second person's word about a version that waits."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.registry.as_publisher import asking, asking_options, registry_named
from mpp.cli.screen import mark, put_json, say, TICK
from mpp.model.jsontext import Json


@click.command(name="staged")
@click.argument("staged_id")
@click.option("--refuse", default="", metavar="REASON", help="Refuse it, with this reason.")
@asking_options
@json_option
def command(staged_id: str, refuse: str, name: str, key: str | None, passphrase_file: str | None, as_json: bool) -> int:
    """Approve what somebody else of your publisher has staged, or refuse it. `mpp publish` shows the reference.

    The key must have the role publish-approve in your publisher.json, and must be neither the one that uploaded the
    version nor one that signed it.

    \b
    Examples:
      mpp registry staged 1f0c3b9a77e2d4101f0c3b9a77e2d410 -k second.key
      mpp registry staged 1f0c3b9a77e2d4101f0c3b9a77e2d410 -k second.key --refuse "no README"

    \b
    Exit code:
      0   it is published, or refused as you said
      1   more approvals are needed
      40  the registry does not answer
      41  the registry refuses it
    """
    client = asking(registry_named(name), key, passphrase_file)
    if refuse:
        client.refuse(staged_id, refuse)
        _tell({"ok": True, "state": "refused"}, "It is refused.", as_json=as_json)
        return 0
    found = client.approve(staged_id)
    if found.version is None:
        _tell({"ok": True, "state": "staged", "notes": list(found.notes)}, " ".join(found.notes) or "It waits for more approvals.", as_json=as_json)
        return 1
    version = found.version
    rows: dict[str, Json] = {"ok": True, "state": "published", "package_id": version.package_id, "version": version.version}
    _tell(rows, f"{version.package_id} {version.version} is published", as_json=as_json, done=True)
    return 0


def _tell(rows: dict[str, Json], words: str, *, as_json: bool, done: bool = False) -> None:
    if as_json:
        put_json(rows)
    elif done:
        say(mark(TICK), f" {words}")
    else:
        say(words)
