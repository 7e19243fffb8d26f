"""A publisher at the command line who asks something of a registry: which registry, which key."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import click

from mpp.author.keys import key_is_sealed, load_signer, SECOND_FILE
from mpp.cli.options import home, passphrase_option, read_passphrase
from mpp.cli.store.registries import load_config
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, read_key
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.host.system import SystemClock, SystemRandom
from mpp.remote.config import Registry
from mpp.remote.credentials import Signed
from mpp.remote.publishing import PublisherClient

F = TypeVar("F", bound=Callable[..., object])

KEY_FILES = {"release": "publisher.key", "root": "publisher-root.key", "publish-approve": SECOND_FILE}


SECOND = "publish-approve"


def _usual(role: str) -> str:
    """A second person's own key where there is one: that of the publisher may take back, and not approve."""
    path = os.path.join(home().keys, KEY_FILES[role])
    return path if role != SECOND or os.path.lexists(path) else os.path.join(home().keys, KEY_FILES["release"])


def _kind(path: str, role: str) -> str:
    """What kind of key is asked of the file. Release keys too may be second keys, by the root document: the registry decides."""
    is_second = role == SECOND and read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path).role == SECOND
    return SECOND if is_second else "release" if role == SECOND else role


def asking_options(command: F) -> F:
    for option in (
        passphrase_option,
        click.option("-k", "--key", default=None, metavar="FILE", type=click.Path(dir_okay=False), help="The key that signs. [default: the one in $MPP_HOME/keys]"),
        click.option("--registry", "name", default="", metavar="NAME", help="Which registry. [default: the usual one]"),
    ):  # fmt: skip
        command = option(command)
    return command


def registry_named(name: str, package_id: str = "") -> Registry:
    config = load_config()
    if package_id:
        return config.for_package(package_id, name)
    return config.named(name) if name else config.usual


def asking(registry: Registry, key: str | None, passphrase_file: str | None, *, role: str = "release") -> PublisherClient:
    """Signed by the key alone: which publisher it is of, and what it may, the registry knows."""
    path = key or _usual(role)
    if not os.path.lexists(path):
        raise Refused("usage.no_file", "there is no key file", where=path, hint="make keys with `mpp keygen`, or name one with -k")
    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(path)) if key_is_sealed(path) else None
    signer = load_signer(path, _kind(path, role), passphrase)
    return PublisherClient(registry, credentials=Signed(signer, registry.registry_id, SystemClock(), SystemRandom()))
