"""The cache of native code: sealed with a key of this machine's home, loaded into sealed memory, built anew on any doubt.

Native code is run as it is. So a file of the cache counts only under a MAC over its place and content; whoever can read the key can
already act as the owner. Spec: 5-sandbox S-15 to S-18.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import platform
import re
import stat
from collections.abc import Iterator

from mpp.errors import HostFailed
from mpp.files import PRIVATE, make_private_folder, write_atomic
from mpp.jail import sealed_copy
from mpp.model.value import value
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.engine import config_digest

_MAGIC = b"mpp-native-1\n"
_MAC_BYTES = 32
_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.native")
_CPU_INFO = "/proc/cpuinfo"
_CPU_INFO_BYTES = 64 * 1024


@value
class CacheEntry:
    wasm_sha256: str
    current: bool
    """Made by the engine, settings and processor of today; others are left over from an update."""
    size: int
    modified: int
    """Seconds since 1970."""


def cpu_features() -> str:
    """The processor's features as the system lists them: compiled code may use any of them."""
    with contextlib.suppress(OSError), open(_CPU_INFO, "rb") as stream:
        for line in stream.read(_CPU_INFO_BYTES).splitlines():
            name, _, features = line.partition(b":")
            if name.strip() in {b"flags", b"Features"}:
                return features.strip().decode("ascii", "replace")
    return platform.processor()


class NativeCache:
    """The folder ``native`` of one cache. ``engine`` names the engine's build."""

    def __init__(self, folder: str, engine: str) -> None:
        self.folder = folder
        text = f"{engine}\n{config_digest()}\n{platform.machine()}\n{cpu_features()}"
        self.stamp = hashlib.sha256(text.encode()).hexdigest()[:16]

    def load(self, wasm_sha256: str) -> int | None:
        """A descriptor of sealed memory with the code, or None when it must be compiled."""
        path = self._path(wasm_sha256)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            found = os.fstat(fd)
            head = len(_MAGIC) + _MAC_BYTES
            if not stat.S_ISREG(found.st_mode) or not head < found.st_size <= limits.NATIVE_BYTES_MAX + head:
                self._drop(path)
                return None
            start = os.read(fd, head)
            memory = sealed_copy(fd, head, found.st_size - head)
        except OSError:
            return None
        finally:
            os.close(fd)
        # Attack: bytes that change between the check and their use. The MAC is over the sealed copy.
        try:
            is_ours = start[: len(_MAGIC)] == _MAGIC and hmac.compare_digest(self._mac(wasm_sha256, memory), start[len(_MAGIC) :])
        except BaseException:
            os.close(memory)
            raise
        if is_ours:
            return memory
        os.close(memory)
        self._drop(path)
        return None

    def store(self, wasm_sha256: str, memory: int) -> None:
        """Keep the code. A full disk costs the next start its time and nothing else."""
        size = os.fstat(memory).st_size
        try:
            make_private_folder(self.folder)
            write_atomic(self._path(wasm_sha256), _MAGIC + self._mac(wasm_sha256, memory) + os.pread(memory, size, 0), PRIVATE)
        except HostFailed as fault:
            # A key that others know is not passed over: without this, nothing would ever be kept, and nobody would know why.
            if fault.code == "host.cache_key":
                raise

    def entries(self) -> Iterator[CacheEntry]:
        """What the folder holds, in the order of names."""
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return
        except OSError as fault:
            raise HostFailed("host.file", f"cannot list the cache: {fault.strerror}", where=self.folder, hint="check who may read it") from None
        for name in names:
            if _NAME.fullmatch(name):
                with contextlib.suppress(OSError):
                    found = os.stat(os.path.join(self.folder, name), follow_symlinks=False)
                    digest, stamp, _ = name.split(".")
                    yield CacheEntry(wasm_sha256=digest, current=stamp == self.stamp, size=found.st_size, modified=int(found.st_mtime))

    def clear(self, *, outdated_only: bool = False) -> tuple[int, int]:
        """Remove the entries; their number and bytes."""
        count = size = 0
        stamps = {entry.wasm_sha256: entry for entry in self.entries()}
        for name in sorted(os.listdir(self.folder)) if stamps else ():
            if not _NAME.fullmatch(name) or (outdated_only and name.split(".")[1] == self.stamp):
                continue
            path = os.path.join(self.folder, name)
            try:
                size += os.stat(path, follow_symlinks=False).st_size
                os.unlink(path)
            except OSError as fault:
                raise HostFailed("host.file", f"cannot remove an entry of the cache: {fault.strerror}", where=path, hint="check who may write there") from None
            count += 1
        return count, size

    def _drop(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)

    def _path(self, wasm_sha256: str) -> str:
        return os.path.join(self.folder, f"{wasm_sha256}.{self.stamp}.native")

    def _mac(self, wasm_sha256: str, memory: int) -> bytes:
        # The place is part of it. Attack: the sound file of one package under the name of another.
        seal = hmac.new(self._key(), f"{wasm_sha256}.{self.stamp}\n".encode(), "sha256")
        at = 0
        while piece := os.pread(memory, 4 << 20, at):
            seal.update(piece)
            at += len(piece)
        return seal.digest()

    def _key(self) -> bytes:
        """32 random bytes that only the owner can read; made with the first entry."""
        key = self._read_key()
        if key is None:
            make_private_folder(self.folder)
            write_atomic(os.path.join(self.folder, "key"), os.urandom(limits.CACHE_KEY_BYTES), PRIVATE)
            key = self._read_key()
        if key is None:
            raise _others_know(self.folder)
        return key

    def _read_key(self) -> bytes | None:
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
