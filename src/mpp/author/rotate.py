"""Rotation: the next version of a publisher's root document, with other keys. Spec: spec/keys.md section 4."""

from __future__ import annotations

import os
from collections.abc import Callable

from mpp.author.keys import CHAIN_FILE, RELEASE_FILE, ROOT_FILE, PublisherKeys, load_chain, locked_folder, own_name
from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, key_id, valid_public
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, read_key, write_key
from mpp.crypto.roots import ROLES, Revoked, RoleName, Root, RootChain, extend, root_body
from mpp.errors import Refused
from mpp.files import PRIVATE, PUBLIC, read_bounded, write_atomic
from mpp.model.value import value
from mpp.ports import Random, Signer


@value
class Rotation:
    """What changes from one root version to the next; what is empty stays as it is."""

    add_release: tuple[bytes, ...] = ()
    add_root: tuple[bytes, ...] = ()
    add_second: tuple[bytes, ...] = ()
    """Public keys of second persons, who agree to what a registry has staged."""
    remove: tuple[str, ...] = ()
    """Full key ids, or unique beginnings of them."""
    revoke_reason: str = ""
    """Given, the removed keys are listed as revoked."""
    release_threshold: int = 0
    root_threshold: int = 0
    second_threshold: int = 0


def rotate(chain: RootChain, change: Rotation, signers: tuple[Signer, ...]) -> RootChain:
    """The chain with one more version. ``signers`` are root keys of the old and of the new version."""
    now = chain.newest
    removed = {_match(now, beginning) for beginning in change.remove}
    _check_added(chain, change)
    root, release = _members(now, "root", change.add_root, removed), _members(now, "release", change.add_release, removed)
    if not root or not release:
        raise Refused("key.role", "a publisher keeps at least one root key and one release key", hint="add a new key in the same rotation")
    roles: dict[RoleName, tuple[tuple[bytes, ...], int]] = {
        "root": (root, _threshold(now, "root", root, change.root_threshold)),
        "release": (release, _threshold(now, "release", release, change.release_threshold)),
    }
    seconds = _members(now, "publish-approve", change.add_second, removed)
    if seconds:
        roles["publish-approve"] = (seconds, _threshold(now, "publish-approve", seconds, change.second_threshold))
    elif change.second_threshold:
        raise Refused("key.threshold", "there is no second person to agree", where="rotation", hint="add one with --add-second")
    gone = tuple(Revoked(key=key, reason=change.revoke_reason) for key in sorted(removed)) if change.revoke_reason else ()
    return extend(chain, root_body(now.version + 1, now.name, roles, (*now.revoked, *gone)), signers, where="rotation")


def _check_added(chain: RootChain, change: Rotation) -> None:
    """What every reader would refuse is said before anything is signed. Spec: keys K-32, K-82."""
    gone = {one.key for root in chain.roots for one in root.revoked}
    root, release, second = (chain.newest.role(name).keys for name in ROLES)
    # Attack on oneself: a second person who is the first one. A registry would not count that key's yes to what it signed.
    others = {"release": (*root, *second), "root": (*release, *second), "publish-approve": (*root, *release)}
    for role, added in (("release", change.add_release), ("root", change.add_root), ("publish-approve", change.add_second)):
        for key in map(key_id, added):
            if key in gone:
                raise Refused("key.revoked", f"key {key[:16]} was revoked by an earlier version", where="rotation", hint="make a new key instead")
            if key in others[role]:
                raise Refused("key.role", f"key {key[:16]} has another role already", where="rotation", hint="make a key of its own for each role")


def _threshold(now: Root, role: RoleName, members: tuple[bytes, ...], wanted: int) -> int:
    """The threshold of the next version. It never falls by itself: two signers become one only when somebody says so."""
    threshold = wanted or now.role(role).threshold
    if threshold > len(members):
        message = f"{threshold} {role} keys must sign, {len(members)} would be left"
        raise Refused("key.threshold", message, where="rotation", hint="keep or add keys with --keep-old and --add, or lower it with --threshold")
    return threshold


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
    add_second: tuple[bytes, ...] = ()
    """Public keys of second persons."""
    remove_second: tuple[str, ...] = ()
    """Ids of such keys, or unique beginnings of them."""
    seconds: int = 0
    """How many second persons must agree to what a registry has staged."""

    @property
    def is_about_seconds(self) -> bool:
        return bool(self.add_second or self.remove_second or self.seconds)


@value
class _Fresh:
    """A key pair that this rotation made."""

    role: RoleName
    seed: bytes
    signer: SeedSigner
    usual: str
    """The file name under which the current key of this role is found."""

    @property
    def own_name(self) -> str:
        return own_name(self.usual, self.signer.public_key)


def _accept(_: RootChain) -> None:
    """Nobody has seen a newer version."""


def rotate_folder(
    folder: str, root: SeedSigner, random: Random, passphrase: bytes | None, plan: Plan, *, check: Callable[[RootChain], None] = _accept
) -> PublisherKeys:
    """One more root version for the publisher in ``folder``. ``check`` may refuse the chain found there before anything is written."""
    with locked_folder(folder):
        chain = load_chain(os.path.join(folder, CHAIN_FILE))
        check(chain)
        if key_id(root.public_key) not in chain.newest.role("root").keys:
            raise Refused("key.not_root", "the root key is none of the newest root version", where=folder, hint="use the root key that publisher.json names")
        fresh = _fresh_keys(random, plan)
        new_roots = tuple(one.signer for one in fresh if one.role == "root")
        longer = rotate(chain, _change(chain.newest, plan, fresh, root), (root, *new_roots))
        files = _write(folder, longer, fresh, plan, lambda one: write_key(one.seed, one.role, passphrase, random))
    releases = [key_id(one.signer.public_key) for one in fresh if one.role == "release"]
    return PublisherKeys(chain=longer, release_key=(*releases, longer.newest.role("release").keys[0])[0], folder=folder, files=files)


def _fresh_keys(random: Random, plan: Plan) -> tuple[_Fresh, ...]:
    wanted: list[tuple[RoleName, str]] = []
    if plan.new_root:
        wanted.append(("root", ROOT_FILE))
    elif not plan.add and not plan.is_about_seconds:
        wanted.append(("release", RELEASE_FILE))
    made = ((role, usual, random.bytes(SEED_BYTES)) for role, usual in wanted)
    return tuple(_Fresh(role=role, usual=usual, seed=seed, signer=SeedSigner(seed)) for role, usual, seed in made)


def _change(now: Root, plan: Plan, fresh: tuple[_Fresh, ...], root: SeedSigner) -> Rotation:
    added = {role: tuple(one.signer.public_key for one in fresh if one.role == role) for role in ("root", "release")}
    release = (*plan.add, *added["release"])
    removed = now.role("release").keys if release and not plan.keep_old else ()
    seconds = tuple(_match(now, beginning) for beginning in plan.remove_second)
    if not set(seconds) <= set(now.role("publish-approve").keys):
        raise Refused(
            "key.role", "the key is none of a second person", where="rotation", hint="release keys are replaced by --rotate, the root key by --new-root"
        )
    return Rotation(
        add_release=release,
        add_root=added["root"],
        add_second=plan.add_second,
        second_threshold=plan.seconds,
        remove=(*removed, *seconds, *((key_id(root.public_key),) if added["root"] else ())),
        revoke_reason=plan.revoke_reason,
        release_threshold=plan.threshold,
    )


def _write(folder: str, longer: RootChain, fresh: tuple[_Fresh, ...], plan: Plan, text: Callable[[_Fresh], bytes]) -> tuple[str, ...]:
    """Old keys are put aside, then new keys written under names of their own, then the chain, then the usual names.

    Wherever this is interrupted, no key is lost, old or new. Spec: keys K-65, K-67.
    """
    files = [CHAIN_FILE]
    keys = [(one, text(one)) for one in fresh]
    for one in fresh:
        if one.role == "root" or not plan.keep_old:
            files += _put_aside(folder, one.usual)
    for one, data in keys:
        write_atomic(os.path.join(folder, one.own_name), data, PRIVATE, replace=False)
        files.append(one.own_name)
    write_atomic(os.path.join(folder, CHAIN_FILE), longer.data + b"\n", PUBLIC)
    for one, data in keys:
        if one.role == "root" or not plan.keep_old:
            write_atomic(os.path.join(folder, one.usual), data, PRIVATE)
            files.append(one.usual)
    return tuple(files)


def _put_aside(folder: str, usual: str) -> list[str]:
    """A copy of the key file that is about to be replaced, under its key's own name."""
    path = os.path.join(folder, usual)
    if not os.path.lexists(path):
        return []
    data = read_bounded(path, KEY_FILE_BYTES_MAX)
    name = own_name(usual, read_key(data, where=path).public)
    aside = os.path.join(folder, name)
    if not os.path.lexists(aside):
        write_atomic(aside, data, PRIVATE, replace=False)
        return [name]
    if read_bounded(aside, KEY_FILE_BYTES_MAX) != data:
        raise Refused("key.exists", f"{name} exists already, with other content", where=folder, hint=f"move it elsewhere, so that {usual} can be kept under it")
    return []


def read_public(text: str) -> bytes:
    """A public key as a person gives it: base64 of its 32 bytes."""
    public = base64text.decode(text)
    if public is None or not valid_public(public):
        raise Refused("key.public", "not the base64 of a sound Ed25519 public key", where=text[:60], hint="take what the signer prints for 'public'")
    return public


def match_keys(chain: RootChain, beginnings: tuple[str, ...]) -> tuple[str, ...]:
    """Full ids for what a person typed."""
    return tuple(_match(chain.newest, beginning) for beginning in beginnings)
