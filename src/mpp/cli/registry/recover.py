"""``mpp registry recover``: a publisher whose root key is lost, and the word against it."""

from __future__ import annotations

import click

from mpp.cli.options import json_option, show_time
from mpp.cli.registry.as_publisher import asking, asking_options, registry_named
from mpp.cli.screen import put_json, say
from mpp.errors import Refused
from mpp.model.names import SHA256_HEX
from mpp.protocol.registry.documents import PublisherDoc


@click.command(name="recover")
@click.argument("publisher")
@click.option("--reason", default="", metavar="TEXT", help="What happened, in one line; it becomes public.")
@click.option("--veto", is_flag=True, help="Say no, with the root key of this publisher.")
@asking_options
@json_option
def command(publisher: str, reason: str, veto: bool, name: str, key: str | None, passphrase_file: str | None, as_json: bool) -> None:
    """Ask that your publisher takes the place of PUBLISHER, whose root key is lost; or say no to that with --veto.

    The operator of the registry has to agree. Then it is public, and takes effect after seven days unless somebody with the
    old root key says no: its packages get your publisher as owner, and the old one is revoked.

    \b
    Examples:
      mpp registry recover OLD_ID --reason "the root key burnt with the office"
      mpp registry recover MY_ID --veto -k publisher-root.key

    \b
    Exit code:
      0   it is asked for, or ended
      40  the registry does not answer
      41  the registry refuses it
    """
    if SHA256_HEX.fullmatch(publisher) is None:
        raise Refused("usage.option", "a publisher is named by the 64 digits of its id", where="PUBLISHER", hint="copy it from its page at the registry")
    if veto == bool(reason):
        raise Refused("usage.option", "say why, or --veto", where="--reason", hint="give one of the two")
    client = asking(registry_named(name), key, passphrase_file, role="root" if veto else "release")
    found = client.recovery(publisher, "veto" if veto else "ask", reason)
    if as_json:
        put_json({"ok": True, "publisher_id": found.publisher_id, "recovery": None if found.recovery is None else found.recovery.to_json()})
        return
    say("It has ended." if veto else _words(found))


def _words(found: PublisherDoc) -> str:
    if found.recovery is None or not found.recovery.due:
        return "It is asked for. The operator of the registry has to agree; then it is public for seven days."
    return f"It is public, and due at {show_time(found.recovery.due)}."
