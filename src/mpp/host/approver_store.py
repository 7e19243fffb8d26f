"""Who may answer on this host: one document, changed under a lock, replaced whole; and the key files of approvers.

Spec: spec/4-approval.md section 5. As with trust, whoever can write the document can approve as anybody: it must be its owner's alone.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from dataclasses import replace

from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner
from mpp.crypto.keyfile import KEY_FILE_BYTES_MAX, KeyFile, open_key, read_key, write_key
from mpp.errors import HostFailed, Refused
from mpp.files import is_private, locked, make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.ports import Random
from mpp.stages.approval import Approver, Approvers, NOBODY, read_approvers, write_approvers
from mpp.stages.approval.limits import APPROVERS_BYTES_MAX, APPROVERS_MAX

KEY_ROLE = "approver"
PASSPHRASE, TERMINAL = "passphrase", "tty"


class ApproverStore:
    """The approvers of one home."""

    def __init__(self, path: str) -> None:
        self.path = path

    def load(self) -> Approvers:
        """The approvers; nobody, if there is no document."""
        try:
            folder = os.path.dirname(os.path.abspath(self.path))
            for place in (os.path.dirname(folder), folder, self.path):
                _check_owned(place)
        except FileNotFoundError:
            return NOBODY
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the approvers: {fault.strerror}", where=self.path, hint="check who may read them") from None
        return read_approvers(read_bounded(self.path, APPROVERS_BYTES_MAX), where=self.path)

    def change(self, step: Callable[[Approvers], Approvers]) -> Approvers:
        """Apply ``step`` to the newest approvers and write them, one process at a time."""
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the approvers"):
            before = self.load()
            after = step(before)
            if after == before:
                return before
            data = write_approvers(after)
            # A document that could not be read again would leave nobody to approve.
            if len(after.known) > APPROVERS_MAX or len(data) > APPROVERS_BYTES_MAX:
                raise Refused("approval.size", f"there would be more than {APPROVERS_MAX} approvers", where=self.path, hint="remove some")
            read_approvers(data, where=self.path)
            write_atomic(self.path, data, PRIVATE)
        return after


def with_approver(approvers: Approvers, one: Approver) -> Approvers:
    """``approvers`` and ``one``. Nobody is replaced unseen: a known id is refused."""
    if one.id in approvers.known:
        raise Refused("approval.exists", "there is an approver of this name", where=one.id, hint="remove it first, or take another name")
    return replace(approvers, known={**approvers.known, one.id: one})


def without_approver(approvers: Approvers, name: str) -> Approvers:
    if name not in approvers.known:
        raise Refused("approval.approver", "there is no approver of this name", where=name, hint="see `mpp approve approvers`")
    return replace(approvers, known={one: who for one, who in approvers.known.items() if one != name})


def make_approver_key(path: str, random: Random, passphrase: bytes | None) -> bytes:
    """A new key file; the public key. An unsealed one counts for no more than a terminal. It never overwrites."""
    seed = random.bytes(SEED_BYTES)
    make_private_folder(os.path.dirname(os.path.abspath(path)))
    write_atomic(path, write_key(seed, KEY_ROLE, passphrase, random), PRIVATE, replace=False)
    return SeedSigner(seed).public_key


def read_approver_key(path: str) -> KeyFile:
    """The key file of an approver, not opened yet."""
    key = read_key(read_bounded(path, KEY_FILE_BYTES_MAX), where=path)
    # Attack on oneself: a key that signs packages, taken for a person's yes.
    if key.role != KEY_ROLE:
        raise Refused("key.role", f"this is a {key.role} key, an approver's key is needed", where=path, hint="make one with `mpp approve enroll`")
    if not key.sealed and not is_private(path):
        raise Refused("key.mode", "other users can read this unsealed key", where=path, hint=f"run: chmod 600 {shlex.quote(path)}")
    return key


def open_approver_key(path: str, passphrase: bytes | None) -> tuple[SeedSigner, str]:
    """The signer, and what its answers can claim: a passphrase if one opened it."""
    key = read_approver_key(path)
    return open_key(key, passphrase, where=path), PASSPHRASE if key.sealed else TERMINAL


def _check_owned(path: str) -> None:
    """Attack: whoever can write the document, or swap it in its folder, approves as anybody."""
    found = os.stat(path)
    if found.st_uid not in {os.geteuid(), 0}:
        hint = "take it over with chown, or set MPP_HOME to a folder of yours"
        raise Refused("approval.mode", "somebody else owns what says who may approve", where=path, hint=hint)
    if stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise Refused(
            "approval.mode", "others may change who may approve", where=path, hint=f"run: chmod go-w {shlex.quote(path)}; then `mpp approve approvers`"
        )
