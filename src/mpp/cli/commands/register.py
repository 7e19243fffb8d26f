"""``mpp register``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option, passphrase_option, quoted
from mpp.cli.screen import mark, note, put_json, say, TICK
from mpp.cli.store.publisher import known_there, load_publisher, publisher_options
from mpp.cli.store.registries import known_name, load_config
from mpp.crypto.ed25519 import fingerprint
from mpp.crypto.roots import RootChain
from mpp.errors import Refused, RemoteFailed
from mpp.model.jsontext import Json, shown
from mpp.model.names import PACKAGE_ID
from mpp.protocol.registry.documents import NamespaceDoc, PublisherDoc
from mpp.remote.client import RegistryClient


@click.command(name="register")
@click.option("--registry", "name", default="", metavar="NAME|URL", help="Which registry. [default: the usual one]")
@click.option("--namespace", default="", metavar="com.example", help="Also prove that this name space is yours.")
@click.option("--method", type=click.Choice(["dns", "well-known"]), default="dns", help="By a TXT record, or by a file on your web site.")
@publisher_options
@passphrase_option
@json_option
def command(
    name: str, namespace: str, method: str, key: str | None, signer_command: str | None, publisher: str | None, passphrase_file: str | None, as_json: bool
) -> int:  # fmt: skip
    """Make your publisher known to a registry, and prove that a name space is yours.

    Your publisher.json goes to the registry, in a request that your release key signs; there is no password. With
    --namespace the registry says which TXT record or file it wants to see; make it, then call the same command again. The
    registry looks for it again every day: leave it there.

    \b
    Examples:
      mpp register
      mpp register --namespace com.example
      mpp register --namespace com.example --method well-known --registry corp

    \b
    Exit code:
      0   the registry knows you, and the name space is proven if one was named
      1   the proof of the name space is still awaited
      3   the key is not the publisher's release key
      40  the registry does not answer
      41  the registry refuses it
    """
    if namespace and (PACKAGE_ID.fullmatch(namespace) is None):
        raise Refused("usage.registry", f"{shown(namespace)!r} is no name space", hint="write your domain backwards: com.example for example.com")
    name = known_name(name)
    config = load_config()
    registry = config.named(name) if name else config.usual
    who = load_publisher(key, signer_command, publisher, passphrase_file)
    client = RegistryClient(registry, credentials=who.signed_for(registry))
    doc, _ = known_there(client, who.chain)
    space = client.claim(namespace, method) if namespace else None
    if space is not None and (space.namespace != namespace or space.publisher_id != who.chain.publisher_id):
        raise RemoteFailed("remote.answer", "the registry answers about another name space or publisher", where=registry.url, hint="ask who runs the registry")
    for line in (*doc.notes, *(space.notes if space is not None else ())) if not as_json else ():
        note(f"{registry.name} says: {line}")
    if as_json:
        put_json(_json(registry.name, doc, space))
    else:
        _show(registry.name, who.chain, space)
    return 0 if space is None or space.state == "proven" else 1


def _json(registry: str, doc: PublisherDoc, space: NamespaceDoc | None) -> dict[str, Json]:
    found: Json = None
    if space is not None:
        found = {
            "namespace": space.namespace, "method": space.method, "state": space.state, "record_name": space.record_name, "record_value": space.record_value,
        }  # fmt: skip
    return {
        "ok": True, "registry": registry, "publisher_id": doc.publisher_id, "status": doc.status, "root_version": doc.root_version, "namespace": found,
    }  # fmt: skip


def _show(registry: str, chain: RootChain, space: NamespaceDoc | None) -> None:
    say(mark(TICK), f" {registry} knows publisher {quoted(chain.newest.name)}")
    say(f"  fingerprint {fingerprint(chain.publisher_id)}")
    if space is None:
        note("Next: mpp register --namespace com.example, then mpp publish")
        return
    if space.state == "proven":
        say(mark(TICK), f" {space.namespace} is proven to be yours, by {space.method}")
        note("Leave the proof where it is: the registry looks again every day. Next: mpp publish")
        return
    if space.method == "dns":
        say(f"To prove {space.namespace}, make this TXT record:")
        say(f"  name   {space.record_name}")
        say(f"  value  {space.record_value}")
    else:
        say(f"To prove {space.namespace}, serve a file at this address:")
        say(f"  {space.record_name}")
        say("with this one line in it:")
        say(f"  {space.record_value}")
    note(f"Then call it again: mpp register --namespace {space.namespace} --method {space.method}")
