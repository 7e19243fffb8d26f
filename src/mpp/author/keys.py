"""Making and rotating a publisher's keys. Spec: spec/keys.md sections 4 and 6.

A publisher has a root key, which says who may sign, and a release key, which signs packages. The root key
is needed only for rotation and belongs offline. ``publisher.json`` is public and travels in every package.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
from collections.abc import Iterator

from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, key_id
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, open_key, read_key, write_key
from mpp.crypto.roots import RootChain, extend, named_by_hand, read_chain, root_body
from mpp.errors import HostFailed, MppError, Refused
from mpp.files import PRIVATE, PUBLIC, is_private, make_private_folder, move_folder, read_bounded, write_atomic
from mpp.model.value import value
from mpp.ports import Random
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX

RELEASE_FILE, ROOT_FILE, CHAIN_FILE = "publisher.key", "publisher-root.key", "publisher.json"
SECOND_FILE = "second.key"
"""The key of a second person, who agrees to what a registry has staged. It signs no package."""
FILES = (ROOT_FILE, CHAIN_FILE, RELEASE_FILE)
"""In the order of writing: the release key comes last, so a set without it has never signed anything."""

LOCK_FILE = "rotate.lock"
KEYS_LOOKED_AT_MAX = 1000
"""Entries of a key folder searched for a key that fits. Reason: each rotation adds two; bounds a wrong folder."""


@value
class PublisherKeys:
    """What ``mpp keygen`` made, and where."""

    chain: RootChain
    release_key: str
    """Full id of the release key."""
    folder: str
    files: tuple[str, ...]


def make_publisher(name: str, folder: str, random: Random, passphrase: bytes | None) -> PublisherKeys:
    """A new publisher in ``folder``: two key files and the public root document. Never overwrites a key."""
    check_free(folder)
    files = FILES
    root_seed, release_seed = random.bytes(SEED_BYTES), random.bytes(SEED_BYTES)
    root, release = SeedSigner(root_seed), SeedSigner(release_seed)
    body = root_body(1, name, {"root": ((root.public_key,), 1), "release": ((release.public_key,), 1)})
    chain = extend(None, body, (root,))
    contents = (write_key(root_seed, "root", passphrase, random), chain.data + b"\n", write_key(release_seed, "release", passphrase, random))
    _write_set(folder, dict(zip(files, contents, strict=True)))
    return PublisherKeys(chain=chain, release_key=key_id(release.public_key), folder=folder, files=files)


def make_second(folder: str, random: Random, passphrase: bytes | None) -> tuple[str, bytes]:
    """A key for a second person: its file and its public half. It counts once the owner of the root key has put it into the role. Never overwrites a key."""
    path = os.path.join(folder, SECOND_FILE)
    if os.path.lexists(path):
        hint = "choose another folder with -o: the new key takes the old one's place once the owner of the root key has said so"
        raise Refused("key.exists", f"{SECOND_FILE} exists already", where=folder, hint=hint)
    make_private_folder(folder)
    seed = random.bytes(SEED_BYTES)
    write_atomic(path, write_key(seed, "publish-approve", passphrase, random), PRIVATE, replace=False)
    return path, SeedSigner(seed).public_key


def check_free(folder: str) -> None:
    """Refuse a folder that holds keys already."""
    found = [file for file in FILES if os.path.lexists(os.path.join(folder, file))]
    if not found:
        return
    hint = "choose another folder with -o, or rotate the keys with `mpp keygen --rotate`"
    if CHAIN_FILE not in found and RELEASE_FILE not in found:
        hint = "choose another folder with -o; if an interrupted keygen left it, nothing was ever signed under it, and it may be removed"
    raise Refused("key.exists", f"{found[0]} exists already", where=folder, hint=hint)


def _write_set(folder: str, contents: dict[str, bytes]) -> None:
    """All files or none where the folder is new; the release key last, so that a set without it was never used."""
    folder = os.path.abspath(folder)
    make_private_folder(os.path.dirname(folder))
    if os.path.isdir(folder):
        _write_each(folder, contents)
        return
    # Attack: a folder whose name can be foretold could be made by somebody else first, and be open to them.
    building = f"{folder}.{os.urandom(6).hex()}.tmp"
    make_private_folder(building)
    try:
        _write_each(building, contents)
        move_folder(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write_each(folder: str, contents: dict[str, bytes]) -> None:
    """All files, or none of them after an error or Ctrl-C."""
    written: list[str] = []
    try:
        for name, data in contents.items():
            write_atomic(os.path.join(folder, name), data, _mode(name), replace=False)
            written.append(os.path.join(folder, name))
    finally:
        if len(written) < len(contents):
            for path in written:
                with contextlib.suppress(OSError):
                    os.unlink(path)


def _mode(name: str) -> int:
    return PRIVATE if name.endswith(".key") else PUBLIC


def load_chain(path: str) -> RootChain:
    """The public root documents from a file."""
    with named_by_hand():
        return read_chain(read_bounded(path, PUBLISHER_BYTES_MAX + 1).removesuffix(b"\n"), where=path)


def load_signer(path: str, role: str, passphrase: bytes | None) -> SeedSigner:
    """The signer in a key file of the wanted role."""
    key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
    if not key.sealed and not is_private(path):
        raise Refused("key.mode", "other users can read this unsealed key", where=path, hint=f"run: chmod 600 {shlex.quote(path)}")
    # Attack on oneself: signing packages with the root key wears out the one key that must stay offline.
    if key.role != role:
        raise Refused("key.role", f"this is a {key.role} key, a {role} key is needed", where=path, hint=f"give the publisher's {role} key")
    return open_key(key, passphrase, where=path)


def own_name(usual: str, public: bytes) -> str:
    """The file name of one key beside others of its role: ``publisher-1a2b3c4d.key``."""
    return f"{usual.removesuffix('.key')}-{key_id(public)[:8]}.key"


@contextlib.contextmanager
def locked_folder(folder: str) -> Iterator[None]:
    """One process at a time changes the keys in ``folder``.

    Attack on oneself: two rotations at once write two versions of one number, and hosts refuse the publisher for good.
    """
    path = os.path.join(folder, LOCK_FILE)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot lock the key folder: {fault.strerror}", where=path, hint="check that you may write there") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def fitting_key(folder: str, chain: RootChain) -> str | None:
    """A key file in ``folder`` that holds a release key of the newest root version."""
    try:
        names = sorted(os.listdir(folder))[:KEYS_LOOKED_AT_MAX]
    except OSError:
        return None
    for name in names:
        if not name.endswith(".key"):
            continue
        path = os.path.join(folder, name)
        with contextlib.suppress(MppError):
            key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
            if key.role == "release" and key_id(key.public) in chain.newest.role("release").keys:
                return path
    return None


def key_is_sealed(path: str) -> bool:
    """Must a passphrase be asked for?"""
    return read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path).sealed
