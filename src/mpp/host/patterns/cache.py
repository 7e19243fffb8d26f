"""Files that are worth keeping and must not come from anybody else: compiled databases and verdicts, each under a seal.

A database is read by native code that trusts it. So a file counts only under a MAC over its name and content, with a key that the
owner of the home alone can read; whoever has the key can already act as the owner. On any doubt the work is done anew.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import re
import stat

from mpp.errors import HostFailed
from mpp.files import PRIVATE, make_private_folder, write_atomic
from mpp.host.patterns import limits
from mpp.stages.privacy import Scanner, choose

_MAGIC = b"mpp-patterns-1\n"
_MAC_BYTES = 32
_HEAD = len(_MAGIC) + _MAC_BYTES
_NAME = re.compile(r"[0-9a-z][0-9a-z.-]{0,127}")
_KEY_NAME = "key"


class PatternCache:
    """The folder ``patterns`` of one cache; ``Home.cache`` names the latter."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.join(folder, "patterns")

    def load(self, name: str) -> bytes | None:
        """What was stored under ``name``, or nothing."""
        path = self._path(name)
        data = _read(path, limits.KEPT_BYTES_MAX + _HEAD)
        if data is None:
            return None
        key = self._read_key()
        content = memoryview(data)[_HEAD:]
        # Attack: bytes that change between the check and their use. Both are about this one copy in memory.
        if key is not None and len(data) > _HEAD and data.startswith(_MAGIC) and hmac.compare_digest(_mac(key, name, content), data[len(_MAGIC) : _HEAD]):
            return bytes(content)
        with contextlib.suppress(OSError):
            os.unlink(path)
        return None

    def store(self, name: str, data: bytes) -> None:
        """Keep it. A full disk costs the next start its time and nothing else."""
        if not 0 < len(data) <= limits.KEPT_BYTES_MAX:
            return
        try:
            make_private_folder(self.folder)
            _write(self._path(name), _MAGIC + _mac(self._key(), name, data) + data)
        except OSError:
            return
        except HostFailed as fault:
            # A key that others know is not passed over: nothing would ever be kept, and nobody would know why.
            if fault.code == "host.cache_key":
                raise

    def _path(self, name: str) -> str:
        if _NAME.fullmatch(name) is None or name == _KEY_NAME:
            raise ValueError(f"{name!r} is no name for a kept file")
        return os.path.join(self.folder, name)

    def _key(self) -> bytes:
        """Random bytes that only the owner can read; made with the first file."""
        key = self._read_key()
        if key is None:
            write_atomic(os.path.join(self.folder, _KEY_NAME), os.urandom(limits.KEY_BYTES), PRIVATE)
            key = self._read_key()
        if key is None:
            raise _others_know(self.folder)
        return key

    def _read_key(self) -> bytes | None:
        """The key; None if there is none yet, or half of one. Attack: a key that others can read or put there."""
        path = os.path.join(self.folder, _KEY_NAME)
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise _others_know(path)
            folder = os.stat(self.folder)
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the key of the cache: {fault.strerror}", where=path, hint="check who may read it") from None
        try:
            found, owners = os.fstat(fd), {os.getuid(), 0}
            is_private = not stat.S_IMODE(found.st_mode) & 0o077 and not stat.S_IMODE(folder.st_mode) & 0o022
            if not stat.S_ISREG(found.st_mode) or not {found.st_uid, folder.st_uid} <= owners or not is_private:
                raise _others_know(path)
            key = os.read(fd, limits.KEY_BYTES + 1)
        finally:
            os.close(fd)
        return key if len(key) == limits.KEY_BYTES else None


def build_scanner(folder: str, expressions: tuple[str, ...]) -> Scanner:
    """A scanner whose compiled form is kept in the cache ``folder``. Raises HostFailed ``privacy.engine`` where this machine has no engine."""
    return choose(expressions, PatternCache(folder))


def _read(path: str, most: int) -> bytes | None:
    """A plain file as it is now. Attack: a pipe or a link in its place."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as stream:
        try:
            found = os.fstat(fd)
            return stream.read(most) if stat.S_ISREG(found.st_mode) and found.st_size <= most else b""
        except OSError:
            return None


def _write(path: str, data: bytes) -> None:
    """Whole or not at all for every reader. It is not synced, which would hold an event loop up: half a file after a power cut has no sound seal."""
    temporary = os.path.join(os.path.dirname(path), f".{os.urandom(6).hex()}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _mac(key: bytes, name: str, content: bytes | memoryview) -> bytes:
    # The name is part of it. Attack: the sound database of one set of expressions under the name of another.
    seal = hmac.new(key, f"{name}\n".encode(), "sha256")
    seal.update(content)
    return seal.digest()


def _others_know(path: str) -> HostFailed:
    message = "others may know or change the key of the cache of patterns"
    return HostFailed("host.cache_key", message, where=path, hint="remove the folder that holds it; it is made anew")
