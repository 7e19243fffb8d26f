"""``mpp registry staged``: what waits for a second person, and that person's word about it."""

from __future__ import annotations

import click

from mpp.cli.options import json_option, show_time
from mpp.cli.registry.as_publisher import asking, asking_options, registry_named, SECOND
from mpp.cli.screen import mark, note, put_json, say, table, TICK
from mpp.crypto.ed25519 import short_id
from mpp.errors import Refused
from mpp.files import write_atomic
from mpp.model.jsontext import Json
from mpp.protocol.registry.documents import StagedDoc
from mpp.remote.publishing import PublisherClient


@click.command(name="staged")
@click.argument("staged_id", required=False, default="")
@click.option("--refuse", default="", metavar="REASON", help="Refuse it, with this reason.")
@click.option("--save", default="", metavar="FILE", type=click.Path(dir_okay=False), help="Only fetch the file that waits, to look at it.")
@asking_options
@json_option
def command(staged_id: str, refuse: str, save: str, name: str, key: str | None, passphrase_file: str | None, as_json: bool) -> int:
    """List what waits for a second person of your publisher, look at it, approve or refuse it.

    Without a reference the versions that wait are listed. To approve, the key must have the role publish-approve in
    publisher.json (`mpp keygen --second`), and be neither the one that uploaded the version nor one that signed it. A
    release key may only list, fetch and refuse. [default key: second.key in $MPP_HOME/keys, else publisher.key]

    \b
    Examples:
      mpp registry staged
      mpp registry staged 1f0c3b9a77e2d4101f0c3b9a77e2d410 --save waiting.mpp
      mpp registry staged 1f0c3b9a77e2d4101f0c3b9a77e2d410
      mpp registry staged 1f0c3b9a77e2d4101f0c3b9a77e2d410 --refuse "no README"

    \b
    Exit code:
      0   listed, fetched, published, or refused as you said
      1   more approvals are needed
      2   there is a file of that name, or no key
      40  the registry does not answer
      41  the registry refuses it
    """
    if ((refuse or save) and not staged_id) or (refuse and save):
        raise Refused("usage.option", "--refuse and --save are about one version, and exclude each other", hint="give the reference and one of them")
    client = asking(registry_named(name), key, passphrase_file, role=SECOND)
    if not staged_id:
        _list(client.staged(), as_json=as_json)
        return 0
    if save:
        return _save(client, staged_id, save, as_json=as_json)
    if refuse:
        client.refuse(staged_id, refuse)
        _tell({"ok": True, "state": "refused"}, "It is refused.", as_json=as_json)
        return 0
    return _approve(client, staged_id, as_json=as_json)


def _approve(client: PublisherClient, staged_id: str, *, as_json: bool) -> int:
    found = client.approve(staged_id)
    if found.version is None:
        _tell({"ok": True, "state": "staged", "notes": list(found.notes)}, " ".join(found.notes) or "It waits for more approvals.", as_json=as_json)
        return 1
    version = found.version
    rows: dict[str, Json] = {"ok": True, "state": "published", "package_id": version.package_id, "version": version.version}
    _tell(rows, f"{version.package_id} {version.version} is published", as_json=as_json, done=True)
    return 0


def _list(found: tuple[StagedDoc, ...], *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "staged": [one.to_json() for one in found]})
        return
    if not found:
        say("Nothing waits for a second person.")
        return
    head = ("REFERENCE", "PACKAGE", "VERSION", "SENT", "BY", "APPROVED BY")
    table(
        [head, *((one.staged_id, one.package_id, one.version, show_time(one.at), _key(one.uploaded_by), _keys(one.approved_by)) for one in found)],
        indent="",
        head=True,
    )
    note("Look at one: mpp registry staged REFERENCE --save FILE, then mpp inspect FILE. Approve it: mpp registry staged REFERENCE")


def _key(text: str) -> str:
    """Of a key its short id; a build has a rule."""
    return text if text.startswith("oidc:") else short_id(text)


def _keys(keys: tuple[str, ...]) -> str:
    return " ".join(short_id(one) for one in keys) or "-"


def _save(client: PublisherClient, staged_id: str, path: str, *, as_json: bool) -> int:
    one = next((row for row in client.staged() if row.staged_id == staged_id), None)
    if one is None:
        raise Refused("registry.absent", "nothing of this reference waits", where=staged_id[:64], hint="see `mpp registry staged`")
    write_atomic(path, client.staged_file(one), replace=False)
    words = f"{one.package_id} {one.version} is in {path}, sha256:{one.file_hash}. Next: mpp inspect {path}"
    _tell({"ok": True, "state": "staged", "file": path, "file_hash": one.file_hash}, words, as_json=as_json)
    return 0


def _tell(rows: dict[str, Json], words: str, *, as_json: bool, done: bool = False) -> None:
    if as_json:
        put_json(rows)
    elif done:
        say(mark(TICK), f" {words}")
    else:
        say(words)
