"""The cache of native code: sealed with a key of this machine's home, loaded into sealed memory, built anew on any doubt.

Spec: 5-sandbox S-15 to S-18.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
from collections.abc import Iterator

from mpp.errors import HostFailed
from mpp.model.value import value
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.engine import config_digest
from mpp.stages.sandbox.sealed_files import CacheKey, SealedFiles

_MAGIC = b"mpp-native-1\n"
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
        self._files = SealedFiles(folder, CacheKey(folder), _MAGIC, limits.NATIVE_BYTES_MAX)

    def load(self, wasm_sha256: str) -> int | None:
        """A descriptor of sealed memory with the code, or None when it must be compiled."""
        return self._files.load(self._name(wasm_sha256), self._label(wasm_sha256))

    def holds(self, wasm_sha256: str) -> bool:
        """Is the code as it was sealed?"""
        return self._files.holds(self._name(wasm_sha256), self._label(wasm_sha256))

    def store(self, wasm_sha256: str, memory: int) -> None:
        """Keep the code."""
        self._files.store(self._name(wasm_sha256), self._label(wasm_sha256), memory)

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

    def _name(self, wasm_sha256: str) -> str:
        return f"{wasm_sha256}.{self.stamp}.native"

    def _label(self, wasm_sha256: str) -> bytes:
        return f"{wasm_sha256}.{self.stamp}\n".encode()
