"""The keys of a registry: the root key, which says who may sign, and the log key, which signs each checkpoint.

The root key is needed only to change keys. It may be taken to another place once the registry was opened.
"""

from __future__ import annotations

import os
import stat

from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, key_id
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, open_key, read_key, write_key
from mpp.crypto.roots import RootChain, extend, named_by_hand, read_chain, root_body
from mpp.errors import HostFailed
from mpp.files import PRIVATE, PUBLIC, is_private, locked, make_private_folder, read_bounded, write_atomic
from mpp.model.value import value
from mpp.ports import Random, Signer
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX

ROOT_KEY, LOG_KEY, ROOTS = "root.key", "log.key", "root.json"


@value
class RegistryKeys:
    roots: RootChain
    log: Signer


def open_keys(folder: str, name: str, random: Random) -> RegistryKeys:
    """The keys in ``folder``; on the first start they are made."""
    make_private_folder(folder)
    for place in (os.path.dirname(os.path.abspath(folder)), folder):
        _judge_folder(place)
    with locked(os.path.join(folder, ".lock"), "the keys of the registry"):
        if not os.path.lexists(os.path.join(folder, ROOTS)):
            _make(folder, name, random)
    roots = _read_roots(os.path.join(folder, ROOTS))
    return RegistryKeys(roots=roots, log=_read_log_key(os.path.join(folder, LOG_KEY), roots))


def _judge_folder(path: str) -> None:
    """Attack: whoever may write here or above puts a whole registry of their own in the place of this one."""
    found = os.stat(path)
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or found.st_uid not in {0, os.geteuid()}:
        raise _wrong("others may write to the folder of the registry, or it is another user's", path, f"run: chmod go-w {path}")


def _make(folder: str, name: str, random: Random) -> None:
    """The root document comes last: without it, no key has signed anything, and those that a kill has left are used."""
    root = _made_key(os.path.join(folder, ROOT_KEY), "root", random)
    log = _made_key(os.path.join(folder, LOG_KEY), "release", random)
    chain = extend(None, root_body(1, name, {"root": ((root.public_key,), 1), "release": ((log.public_key,), 1)}), (root,))
    write_atomic(os.path.join(folder, ROOTS), chain.data + b"\n", PUBLIC, replace=False)


def _made_key(path: str, role: str, random: Random) -> SeedSigner:
    if not os.path.lexists(path):
        write_atomic(path, write_key(random.bytes(SEED_BYTES), role, None, random), PRIVATE, replace=False)
    return _open(path, role)


def _open(path: str, role: str) -> SeedSigner:
    key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
    if not is_private(path):
        raise _wrong("others can read a key of the registry", path, "run chmod 600 on it; if others could read it for long, make a new one")
    if key.role != role:
        raise _wrong(f"this is a {key.role} key where one of role {role} is needed", path, "restore the file from a copy")
    return open_key(key, None, where=path)


def _read_roots(path: str) -> RootChain:
    with named_by_hand():
        return read_chain(read_bounded(path, PUBLISHER_BYTES_MAX + 1).removesuffix(b"\n"), where=path)


def _read_log_key(path: str, roots: RootChain) -> SeedSigner:
    signer = _open(path, "release")
    # Attack: checkpoints by a key that the root document does not name. Every client would refuse them, and some would remember.
    if key_id(signer.public_key) not in roots.newest.role("release").keys:
        raise _wrong("the root document does not name this log key", path, "restore root.json and log.key from one copy")
    return signer


def _wrong(why: str, path: str, hint: str) -> HostFailed:
    return HostFailed("registry.keys", why, where=path, hint=hint)
