"""The key of this host: it signs proofs of approvals, receipts, contexts for remote back ends and grants for other hosts.

It is made once, on first need, and lies beside the key of the secrets. Its id is the audience that agents name in their proofs.
Spec: spec/identity.md section 2.
"""

from __future__ import annotations

import os
import re
import shlex
import stat

from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, key_id
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.host.home import Home
from mpp.host.system import SystemRandom
from mpp.limits import KIB
from mpp.model.value import value
from mpp.ports import Random, Signer

HOST_KEY_BYTES_MAX = KIB
"""Bytes of the file with the host key. Reason: it has one line of under 100; anything larger is something else."""

_LINE = re.compile(r"mpp-host-1 ([A-Za-z0-9+/]{43}=)\n")


@value
class HostKey:
    """The key of one home, ready to sign."""

    signer: Signer

    @property
    def public(self) -> bytes:
        """The 32 bytes that others verify with."""
        return self.signer.public_key

    @property
    def key_id(self) -> str:
        """The full SHA-256 of the public key, in hex."""
        return key_id(self.signer.public_key)


def host_key(home: Home, random: Random | None = None) -> HostKey:
    """The key of this home; the first call makes it."""
    path = home.host_key
    if not os.path.lexists(path):
        make_private_folder(os.path.dirname(path))
        with locked(path + ".lock", "the host key"):
            _make_once(path, random or SystemRandom())
    _check_ours(path)
    try:
        found = _LINE.fullmatch(read_bounded(path, HOST_KEY_BYTES_MAX).decode("ascii", "replace"))
    except Refused:
        found = None
    seed = base64text.decode(found[1]) if found else None
    if seed is None:
        raise Refused("key.host", "this is no host key that mpp wrote", where=path, hint="restore it from a copy; others know this host by it")
    return HostKey(signer=SeedSigner(seed))


def _make_once(path: str, random: Random) -> None:
    # Two processes that start at once must not sign with two keys, of which one is lost: the second finds the first's.
    if not os.path.lexists(path):
        write_atomic(path, f"mpp-host-1 {base64text.encode(random.bytes(SEED_BYTES))}\n".encode("ascii"), PRIVATE, replace=False)


def _check_ours(path: str) -> None:
    """Spec: identity I-10. Attack: whoever can read the key signs as this host; whoever can write it, or swap it in its folder, has us sign with theirs."""
    folder = os.path.dirname(path)
    try:
        around, found = os.stat(folder), os.lstat(path)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at the host key: {fault.strerror}", where=path, hint="check who may read it") from None
    for where, one in ((folder, around), (path, found)):
        if one.st_uid != os.geteuid():
            raise Refused("key.mode", "belongs to another user", where=where, hint="run as the user that the home belongs to")
    if stat.S_IMODE(around.st_mode) & 0o022:
        raise Refused("key.mode", "others may change the folder of the host key", where=folder, hint=f"run: chmod 700 {shlex.quote(folder)}")
    if not stat.S_ISREG(found.st_mode):
        raise Refused("key.mode", "the host key is no plain file", where=path, hint="find out who put it there, then move it away")
    if stat.S_IMODE(found.st_mode) & 0o077:
        hint = f"run: chmod 600 {shlex.quote(path)}; if others use this machine, move it away: a new one is made, and others must learn its id"
        raise Refused("key.mode", "others may read or change the host key", where=path, hint=hint)
