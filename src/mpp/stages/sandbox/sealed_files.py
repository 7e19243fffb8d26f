"""Files of the cache under a MAC: what is loaded is what this machine's owner once stored under that name, or nothing.

Native code is run as it is, and images become the memory of a tool. So a file of the cache counts only under a MAC over its name and content;
whoever can read the key can already act as the owner. Spec: 5-sandbox S-15 to S-18.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import stat

from mpp.errors import HostFailed
from mpp.files import PRIVATE, make_private_folder, write_atomic
from mpp.jail import sealed_copy
from mpp.stages.sandbox import limits

MAC_BYTES = 32
"""Bytes of a MAC. Reason: SHA-256."""


class CacheKey:
    """32 random bytes in a folder, that only the owner can read; made with the first use."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def mac(self, label: bytes, memory: int) -> bytes:
        """Over a label and all of a file."""
        # The place is part of it. Attack: the sound file of one package under the name of another.
        seal = hmac.new(self._key(), label, "sha256")
        at = 0
        while piece := os.pread(memory, 4 << 20, at):
            seal.update(piece)
            at += len(piece)
        return seal.digest()

    def derived(self, label: bytes) -> bytes:
        """32 bytes that only this home has: the same for the same label as long as the key is there."""
        return hmac.new(self._key(), b"mpp-derived\n" + label, "sha256").digest()

    def _key(self) -> bytes:
        key = self._read()
        if key is None:
            make_private_folder(self.folder)
            write_atomic(os.path.join(self.folder, "key"), os.urandom(limits.CACHE_KEY_BYTES), PRIVATE)
            key = self._read()
        if key is None:
            raise _others_know(self.folder)
        return key

    def _read(self) -> bytes | None:
        """The key; None if there is none yet, or half of one. Attack: a key that is exchanged between the look and the reading."""
        path = os.path.join(self.folder, "key")
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise _others_know(path)
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the key of the cache: {fault.strerror}", where=path, hint="check who may read it") from None
        try:
            found, folder = os.fstat(fd), os.stat(self.folder)
            owners = {os.getuid(), 0}
            is_private = not stat.S_IMODE(found.st_mode) & 0o077 and not stat.S_IMODE(folder.st_mode) & 0o022
            if not stat.S_ISREG(found.st_mode) or not {found.st_uid, folder.st_uid} <= owners or not is_private:
                raise _others_know(path)
            key = os.read(fd, limits.CACHE_KEY_BYTES + 1)
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at the key of the cache: {fault.strerror}", where=path, hint="check who may read it") from None
        finally:
            os.close(fd)
        return key if len(key) == limits.CACHE_KEY_BYTES else None


def _others_know(path: str) -> HostFailed:
    message = "others may know or change the key of the cache of compiled code"
    return HostFailed("host.cache_key", message, where=path, hint="remove the folder that holds it; it is made anew")


class SealedFiles:
    """One kind of file in one folder. ``most``: bytes of one."""

    def __init__(self, folder: str, key: CacheKey, magic: bytes, most: int) -> None:
        self.folder, self.key = folder, key
        self._magic, self._most = magic, most

    def load(self, name: str, label: bytes) -> int | None:
        """A descriptor of sealed memory with the content, or None: then it is made anew."""
        path = os.path.join(self.folder, name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            found = os.fstat(fd)
            head = len(self._magic) + MAC_BYTES
            if not stat.S_ISREG(found.st_mode) or not head < found.st_size <= self._most + head:
                self.drop(name)
                return None
            start = os.read(fd, head)
            memory = sealed_copy(fd, head, found.st_size - head)
        except OSError:
            return None
        finally:
            os.close(fd)
        # Attack: bytes that change between the check and their use. The MAC is over the sealed copy.
        try:
            is_ours = start[: len(self._magic)] == self._magic and hmac.compare_digest(self.key.mac(label, memory), start[len(self._magic) :])
        except BaseException:
            os.close(memory)
            raise
        if is_ours:
            return memory
        os.close(memory)
        self.drop(name)
        return None

    def holds(self, name: str, label: bytes) -> bool:
        """Is the file as it was sealed? Nothing is removed, for whoever wants to show it first."""
        head = len(self._magic) + MAC_BYTES
        try:
            fd = os.open(os.path.join(self.folder, name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or not head < found.st_size <= self._most + head:
                return False
            start, memory = os.read(fd, head), sealed_copy(fd, head, found.st_size - head)
        except OSError:
            return False
        finally:
            os.close(fd)
        try:
            return start[: len(self._magic)] == self._magic and hmac.compare_digest(self.key.mac(label, memory), start[len(self._magic) :])
        finally:
            os.close(memory)

    def store(self, name: str, label: bytes, memory: int) -> None:
        """Keep it. A full disk costs the next start its time and nothing else."""
        try:
            make_private_folder(self.folder)
            self._write(name, self._magic + self.key.mac(label, memory), memory)
        except HostFailed as fault:
            # A key that others know is not passed over: without this, nothing would ever be kept, and nobody would know why.
            if fault.code == "host.cache_key":
                raise

    def _write(self, name: str, head: bytes, memory: int) -> None:
        """Whole or not at all, and not waited for: what a crash of the machine leaves of it, the MAC does not let pass."""
        temporary = os.path.join(self.folder, f".{name}.{os.urandom(6).hex()}.tmp")
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
            try:
                done, size = os.write(fd, head) - len(head), os.fstat(memory).st_size
                while 0 <= done < size:
                    done += os.sendfile(fd, memory, done, size - done)
                os.replace(temporary, os.path.join(self.folder, name))
            finally:
                os.close(fd)
        except OSError:
            self._unlink(temporary)

    def drop(self, name: str) -> None:
        self._unlink(os.path.join(self.folder, name))

    def _unlink(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)
