"""The publisher who signs requests to a registry: options, key and root documents, as `mpp sign` takes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import click

from mpp.author.keys import CHAIN_FILE, key_is_sealed, load_chain, load_signer
from mpp.author.signer_command import CommandSigner
from mpp.cli.options import home, read_passphrase
from mpp.crypto.ed25519 import key_id
from mpp.crypto.roots import RootChain
from mpp.errors import Refused, RemoteFailed
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.value import value
from mpp.ports import Signer
from mpp.protocol.registry.documents import PublisherDoc
from mpp.remote.client import RegistryClient
from mpp.remote.config import Registry
from mpp.remote.credentials import Signed

F = TypeVar("F", bound=Callable[..., object])


@value
class Publisher:
    chain: RootChain
    signer: Signer

    def signed_for(self, registry: Registry) -> Signed:
        return Signed(self.signer, registry.registry_id, SystemClock(), SystemRandom())


def publisher_options(command: F) -> F:
    for option in (
        click.option("--publisher", default=None, type=click.Path(dir_okay=False), help="The publisher.json. [default: the one beside the key]"),
        click.option("--signer-command", default=None, metavar="COMMAND", help="Sign requests with another program, as `mpp sign` does."),
        click.option(
            "-k", "--key", "key", default=None, type=click.Path(dir_okay=False), help="A release key. [default: $MPP_HOME/keys/publisher.key]"
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def load_publisher(key: str | None, signer_command: str | None, publisher: str | None, passphrase_file: str | None) -> Publisher:
    """The key must be a release key of the newest root document: the registry asks for that, and so do we before anything is sent."""
    if signer_command is not None and key is not None:
        raise Refused("usage.option", "--key and --signer-command exclude each other", hint="give one of them")
    if signer_command is not None and publisher is None:
        raise Refused("usage.option", "--signer-command needs the publisher's root document", hint="give it with --publisher publisher.json")
    path = key if key is not None else os.path.join(home().keys, "publisher.key")
    chain_path = publisher if publisher is not None else os.path.join(os.path.dirname(path), CHAIN_FILE)
    for one, what in ((chain_path, "publisher.json"), *(((path, "key file"),) if signer_command is None else ())):
        if not os.path.lexists(one):
            raise Refused("usage.no_file", f"there is no {what}", where=one, hint="make keys with `mpp keygen`, or name them with -k and --publisher")
    chain = load_chain(chain_path)
    signer = CommandSigner(signer_command) if signer_command is not None else _signer(path, passphrase_file)
    if key_id(signer.public_key) not in chain.newest.role("release").keys:
        raise Refused("key.not_release", "the key is no release key of the newest root document", where=path, hint="take the key that `mpp sign` takes")
    return Publisher(chain=chain, signer=signer)


def _signer(path: str, passphrase_file: str | None) -> Signer:
    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(path)) if key_is_sealed(path) else None
    return load_signer(path, "release", passphrase)


def known_there(client: RegistryClient, chain: RootChain) -> tuple[PublisherDoc, bool]:
    """The registry knows the publisher from now on, with this root document. True: it was told something new."""
    try:
        known = client.publisher(chain.publisher_id)
    except Refused as fault:
        if fault.code != "registry.absent":
            raise
        doc, is_new = client.register(chain.data), True
    else:
        is_new = known.root_version < len(chain.roots)
        doc = client.renew_root(chain.publisher_id, chain.data) if is_new else known
    if doc.publisher_id != chain.publisher_id:
        where = client.registry.url
        raise RemoteFailed("remote.answer", "the registry answers about another publisher", where=where, hint="ask who runs the registry")
    return doc, is_new
