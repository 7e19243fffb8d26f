"""Where the key is that opens the secrets: the keyring of the operating system, or a file of its own.

A keyring is used when the optional module ``keyring`` is installed and gives back what it was given. It is never required.
"""

from __future__ import annotations

import importlib
import os
import re
import shlex
import stat
from types import ModuleType
from typing import Protocol

from mpp.crypto import base64text
from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, make_private_folder, read_bounded, write_atomic
from mpp.limits import KIB
from mpp.ports import Random

KEY_BYTES = 32
SEAL_FILE_BYTES_MAX = KIB
"""Bytes of the file with the key. Reason: it has one line of under 100; anything larger is something else."""

SERVICE = "model-package-protocol"
_LINE = re.compile(r"mpp-seal-1 ([A-Za-z0-9+/]{43}=)\n")
_KEYRINGS = ("keyring.backends.SecretService", "keyring.backends.kwallet", "keyring.backends.libsecret", "keyring.backends.macOS", "keyring.backends.Windows")
"""Those of operating systems. Others of that module keep what they are given in plain files."""


class Keyring(Protocol):
    """A place of the operating system for one line of text under a name."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, text: str) -> None: ...


class SystemKeyring:
    """The optional module ``keyring``."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def get(self, name: str) -> str | None:
        try:
            found: object = self._module.get_password(SERVICE, name)
        except self._failures() as fault:
            raise _closed(fault) from None
        return found if isinstance(found, str) else None

    def put(self, name: str, text: str) -> None:
        try:
            self._module.set_password(SERVICE, name, text)
        except self._failures() as fault:
            raise _closed(fault) from None

    def _failures(self) -> tuple[type[Exception], ...]:
        own: object = self._module.errors.KeyringError
        known = (own,) if isinstance(own, type) and issubclass(own, Exception) else ()
        # What stands behind it speaks over sockets and buses, and says so in errors of its own.
        return (*known, OSError, RuntimeError, ValueError)


def _closed(fault: Exception) -> HostFailed:
    return HostFailed("host.keyring", f"the keyring did not answer: {type(fault).__name__}", hint="unlock it, or start the host in the session it belongs to")


def find_keyring() -> Keyring | None:
    """The keyring of this session; None where there is none."""
    try:
        module = importlib.import_module("keyring")
        backend: object = module.get_keyring()
    except (ImportError, OSError, RuntimeError, ValueError):
        return None
    return SystemKeyring(module) if type(backend).__module__.startswith(_KEYRINGS) else None


def works(keyring: Keyring, random: Random) -> bool:
    """Does it give back what it was given?"""
    text = base64text.encode(random.bytes(KEY_BYTES))
    try:
        keyring.put("probe", text)
        return keyring.get("probe") == text
    except HostFailed:
        return False


def keyring_key(keyring: Keyring | None, name: str) -> bytes:
    """The key that was put into the keyring as ``name``."""
    if keyring is None:
        raise HostFailed(
            "host.keyring", "the key of the secrets is in a keyring that is not here", hint="install the module keyring and log in to the desktop session"
        )
    key = base64text.decode(keyring.get(name) or "")
    if key is None or len(key) != KEY_BYTES:
        raise HostFailed("host.keyring", "the keyring no longer holds the key of the secrets", hint="restore the keyring, or set the secrets again")
    return key


def file_key(path: str, random: Random, *, create: bool) -> bytes:
    """The key in the file at ``path``; a new one if there is none and ``create`` says so."""
    if create and not os.path.lexists(path):
        make_private_folder(os.path.dirname(path))
        write_atomic(path, f"mpp-seal-1 {base64text.encode(random.bytes(KEY_BYTES))}\n".encode("ascii"), PRIVATE, replace=False)
    if not check_private(path):
        hint = "restore it from a copy; without it the secrets cannot be opened and must be set again"
        raise Refused("secret.key", "the key that opens the secrets is gone", where=path, hint=hint)
    try:
        found = _LINE.fullmatch(read_bounded(path, SEAL_FILE_BYTES_MAX).decode("ascii", "replace"))
    except Refused:
        found = None
    key = base64text.decode(found[1]) if found else None
    if key is None:
        raise Refused("secret.key", "this is not a key that mpp wrote", where=path, hint="restore it from a copy")
    return key


def check_private(path: str) -> bool:
    """Is the file there, ours alone, in a folder that nobody else may write? False if it is absent.

    Attack: whoever can read it has the secrets; whoever can write it, or swap it in its folder, has us send theirs.
    """
    folder = os.path.dirname(path)
    try:
        around = os.stat(folder)
        _check_owner(folder, around)
        if stat.S_IMODE(around.st_mode) & 0o022:
            raise Refused("secret.mode", "others may change the folder of the secrets", where=folder, hint=f"run: chmod 700 {shlex.quote(folder)}")
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at the file: {fault.strerror}", where=path, hint="check who may read it") from None
    _check_owner(path, found)
    if not stat.S_ISREG(found.st_mode):
        raise Refused("secret.mode", "is no file", where=path, hint="find out who put it there, then move it away")
    if stat.S_IMODE(found.st_mode) & 0o077:
        hint = f"run: chmod 600 {shlex.quote(path)}; if others use this machine, change the secrets where they are used"
        raise Refused("secret.mode", "others may read or change the secrets", where=path, hint=hint)
    return True


def _check_owner(path: str, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise Refused("secret.mode", "belongs to another user", where=path, hint="run as the user that the home belongs to")
