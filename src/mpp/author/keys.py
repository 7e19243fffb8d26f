"""Making and rotating a publisher's keys. Spec: spec/keys.md sections 4 and 6.

A publisher has a root key, which says who may sign, and a release key, which signs packages. The root key
is needed only for rotation and belongs offline. ``publisher.json`` is public and travels in every package.
"""

from __future__ import annotations

import os

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, key_id, valid_public
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, open_key, read_key, write_key
from mpp.crypto.roots import Revoked, RoleName, Root, RootChain, extend, read_chain, root_body
from mpp.errors import Refused
from mpp.files import PRIVATE, PUBLIC, make_private_folder, move_folder, read_bounded, write_atomic
from mpp.model.value import value
from mpp.ports import Random, Signer
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX

RELEASE_FILE, ROOT_FILE, CHAIN_FILE = "publisher.key", "publisher-root.key", "publisher.json"


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
    files = (ROOT_FILE, CHAIN_FILE, RELEASE_FILE)
    for file in files:
        if os.path.lexists(os.path.join(folder, file)):
            raise Refused("key.exists", f"{file} exists already", where=folder, hint="choose another folder with -o, or rotate the keys with `mpp keygen --rotate`")
    root_seed, release_seed = random.bytes(SEED_BYTES), random.bytes(SEED_BYTES)
    root, release = SeedSigner(root_seed), SeedSigner(release_seed)
    body = root_body(1, name, {"root": ((root.public_key,), 1), "release": ((release.public_key,), 1)})
    chain = extend(None, body, (root,))
    contents = (write_key(root_seed, "root", passphrase, random), chain.data + b"\n", write_key(release_seed, "release", passphrase, random))
    _write_set(folder, dict(zip(files, contents, strict=True)))
    return PublisherKeys(chain=chain, release_key=key_id(release.public_key), folder=folder, files=files)


def _write_set(folder: str, contents: dict[str, bytes]) -> None:
    """All files or none where the folder is new; the release key last, so that a set without it was never used."""
    make_private_folder(os.path.dirname(os.path.abspath(folder)))
    if os.path.isdir(folder):
        for name, data in contents.items():
            write_atomic(os.path.join(folder, name), data, _mode(name), replace=False)
        return
    building = f"{os.path.abspath(folder)}.{os.getpid()}.tmp"
    make_private_folder(building)
    for name, data in contents.items():
        write_atomic(os.path.join(building, name), data, _mode(name))
    move_folder(building, os.path.abspath(folder))


def _mode(name: str) -> int:
    return PRIVATE if name.endswith(".key") else PUBLIC


def load_chain(path: str) -> RootChain:
    """The public root documents from a file."""
    return read_chain(read_bounded(path, PUBLISHER_BYTES_MAX).removesuffix(b"\n"), where=path)


def load_signer(path: str, role: str, passphrase: bytes | None) -> SeedSigner:
    """The signer in a key file of the wanted role."""
    key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
    # Attack on oneself: signing packages with the root key wears out the one key that must stay offline.
    if key.role != role:
        raise Refused("key.role", f"this is a {key.role} key, a {role} key is needed", where=path, hint=f"give the publisher's {role} key")
    return open_key(key, passphrase, where=path)


def key_is_sealed(path: str) -> bool:
    """Must a passphrase be asked for?"""
    return read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path).sealed


@value
class Rotation:
    """What changes from one root version to the next; what is empty stays as it is."""

    add_release: tuple[bytes, ...] = ()
    add_root: tuple[bytes, ...] = ()
    remove: tuple[str, ...] = ()
    """Full key ids, or unique beginnings of them."""
    revoke_reason: str = ""
    """Given, the removed keys are listed as revoked."""
    release_threshold: int = 0
    root_threshold: int = 0


def rotate(chain: RootChain, change: Rotation, signers: tuple[Signer, ...]) -> RootChain:
    """The chain with one more version. ``signers`` are root keys of the old and of the new version."""
    now = chain.newest
    removed = {_match(now, beginning) for beginning in change.remove}
    root, release = _members(now, "root", change.add_root, removed), _members(now, "release", change.add_release, removed)
    if not root or not release:
        raise Refused("key.role", "a publisher keeps at least one root key and one release key", hint="add a new key in the same rotation")
    roles: dict[RoleName, tuple[tuple[bytes, ...], int]] = {
        "root": (root, change.root_threshold or min(now.role("root").threshold, len(root))),
        "release": (release, change.release_threshold or min(now.role("release").threshold, len(release))),
    }
    gone = tuple(Revoked(key=key, reason=change.revoke_reason) for key in sorted(removed)) if change.revoke_reason else ()
    return extend(chain, root_body(now.version + 1, now.name, roles, (*now.revoked, *gone)), signers, where="rotation")


def _members(root: Root, role: RoleName, added: tuple[bytes, ...], removed: set[str]) -> tuple[bytes, ...]:
    kept = {key: root.keys[key] for key in root.role(role).keys if key not in removed}
    return tuple((kept | {key_id(public): public for public in added}).values())


def _match(root: Root, beginning: str) -> str:
    wanted = beginning.removeprefix("pub_").lower()
    found = [key for key in root.keys if key.startswith(wanted)]
    if len(found) != 1 or not wanted:
        raise Refused("key.unknown", f"{len(found)} keys begin with {beginning!r}", hint="give the key id as `mpp trust list` shows it")
    return found[0]


@value
class Plan:
    """What ``mpp keygen --rotate`` was asked for. Without ``add`` and ``new_root`` it makes a new release key."""

    add: tuple[bytes, ...] = ()
    """Public keys of further signers, whose private halves are elsewhere."""
    new_root: bool = False
    keep_old: bool = False
    revoke_reason: str = ""
    threshold: int = 0


def rotate_folder(folder: str, root: SeedSigner, random: Random, passphrase: bytes | None, plan: Plan) -> PublisherKeys:
    """One more root version for the publisher in ``folder``.

    New keys are written first, under names of their own, then the chain, then the usual names: wherever this is
    interrupted, no key that a written chain needs is lost.
    """
    chain = load_chain(os.path.join(folder, CHAIN_FILE))
    now = chain.newest
    release = _new_key(random) if not plan.add and not plan.new_root else None
    new_root = _new_key(random) if plan.new_root else None
    change = Rotation(
        add_release=(*plan.add, *((release.public_key,) if release else ())),
        add_root=(new_root.public_key,) if new_root else (),
        remove=(
            *(() if plan.keep_old or not (plan.add or release) else now.role("release").keys),
            *((key_id(root.public_key),) if new_root else ()),
        ),
        revoke_reason=plan.revoke_reason,
        release_threshold=plan.threshold,
    )
    longer = rotate(chain, change, (root, *((new_root,) if new_root else ())))
    files = [CHAIN_FILE]
    written: list[tuple[str, bytes]] = []
    for key, role, usual in ((release, "release", RELEASE_FILE), (new_root, "root", ROOT_FILE)):
        if key is None:
            continue
        data = write_key(key.seed, role, passphrase, random)
        own_name = f"{usual.removesuffix('.key')}-{key_id(key.public_key)[:8]}.key"
        write_atomic(os.path.join(folder, own_name), data, PRIVATE, replace=False)
        files.append(own_name)
        if role == "root" or not plan.keep_old:
            written.append((usual, data))
    write_atomic(os.path.join(folder, CHAIN_FILE), longer.data + b"\n", PUBLIC)
    for usual, data in written:
        write_atomic(os.path.join(folder, usual), data, PRIVATE)
        files.append(usual)
    shown = key_id(release.public_key) if release else longer.newest.role("release").keys[0]
    return PublisherKeys(chain=longer, release_key=shown, folder=folder, files=tuple(files))


class _NewKey(SeedSigner):
    """A signer whose seed is still to be written."""

    def __init__(self, seed: bytes) -> None:
        super().__init__(seed)
        self.seed = seed


def _new_key(random: Random) -> _NewKey:
    return _NewKey(random.bytes(SEED_BYTES))


def read_public(text: str) -> bytes:
    """A public key as a person gives it: base64 of its 32 bytes."""
    public = base64text.decode(text)
    if public is None or not valid_public(public):
        raise Refused("key.public", "not the base64 of a sound Ed25519 public key", where=text[:60], hint="take what the signer prints for 'public'")
    return public


def match_keys(chain: RootChain, beginnings: tuple[str, ...]) -> tuple[str, ...]:
    """Full ids for what a person typed."""
    return tuple(_match(chain.newest, beginning) for beginning in beginnings)
