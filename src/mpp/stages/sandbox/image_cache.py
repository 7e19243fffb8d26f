"""Images and verdicts on layers in the cache, under the same MAC as compiled code.

An image holds what a tool had in memory before its first call; one that was changed would be code of somebody else with the rights of the tool.
Spec: layers Y-24, Y-25.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping

from mpp.errors import HostFailed, MppError
from mpp.jail import sealed_memory
from mpp.model.jsontext import canonical, Json, read
from mpp.model.value import value
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.image import IMAGE_VERSION, read_image
from mpp.stages.sandbox.sealed_files import CacheKey, SealedFiles
from mpp.stages.sandbox.types import Image

_IMAGE_MAGIC = b"mpp-image-1\n"
_VERDICT_MAGIC = b"mpp-layer-1\n"
_NAME = re.compile(r"[0-9a-f]{64}\.(?:image|layer)")
_VERDICT_BYTES_MAX = 4096
"""Bytes of a verdict. Reason: a few digests and names."""


@value
class ImageName:
    """What an image depends on."""

    layer: str
    """The content hash of the layer."""
    package: str
    """The content hash of the tool."""
    hash_seed: int

    @property
    def digest(self) -> str:
        text = f"mpp-image\n{self.layer}\n{self.package}\n{IMAGE_VERSION}\n{self.hash_seed}\n"
        return hashlib.sha256(text.encode()).hexdigest()


class ImageCache:
    """The folder ``images`` of one cache, and the key of its folder ``native``."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.join(folder, "images")
        self.key = CacheKey(os.path.join(folder, "native"))
        most = limits.IMAGE_BYTES_MAX + limits.IMAGE_TRAILER_BYTES_MAX
        self._images = SealedFiles(self.folder, self.key, _IMAGE_MAGIC, most)
        self._verdicts = SealedFiles(self.folder, self.key, _VERDICT_MAGIC, _VERDICT_BYTES_MAX)

    def load(self, name: ImageName) -> Image | None:
        """The image, or None when it must be made."""
        file = f"{name.digest}.image"
        found = self._images.load(file, _IMAGE_MAGIC + file.encode())
        if found is None:
            return None
        try:
            return read_image(found)
        except MppError:
            os.close(found)
            self._images.drop(file)
            return None

    def store(self, name: ImageName, image: Image) -> None:
        """Keep it, and let the oldest go where there are too many."""
        file = f"{name.digest}.image"
        self._images.store(file, _IMAGE_MAGIC + file.encode(), image.fd)
        for _, old in sorted(self._listed())[: -limits.IMAGES_KEPT_MAX]:
            self._images.drop(old)

    def verdict(self, content_hash: str) -> Mapping[str, Json] | None:
        """What was found when a layer was judged in full on this machine, or None."""
        file = f"{content_hash}.layer"
        found = self._verdicts.load(file, _VERDICT_MAGIC + file.encode())
        if found is None:
            return None
        try:
            row = read(os.pread(found, _VERDICT_BYTES_MAX, 0), family="call", where="verdict")
        except MppError:
            row = None
        finally:
            os.close(found)
        return row if isinstance(row, dict) else None

    def keep_verdict(self, content_hash: str, row: Mapping[str, Json]) -> None:
        file = f"{content_hash}.layer"
        try:
            fd = sealed_memory(canonical(dict(row)), "mpp-verdict")
        except OSError:
            return
        try:
            self._verdicts.store(file, _VERDICT_MAGIC + file.encode(), fd)
        finally:
            os.close(fd)

    def forget(self, content_hash: str) -> None:
        """The verdict on a layer that is gone."""
        self._verdicts.drop(f"{content_hash}.layer")

    def clear(self) -> tuple[int, int]:
        """Remove all of it; number and bytes."""
        count = size = 0
        for name in self._names():
            path = os.path.join(self.folder, name)
            try:
                size += os.stat(path, follow_symlinks=False).st_size
                os.unlink(path)
            except OSError as fault:
                raise HostFailed("host.file", f"cannot remove an entry of the cache: {fault.strerror}", where=path, hint="check who may write there") from None
            count += 1
        return count, size

    def sizes(self) -> tuple[int, int]:
        """Number and bytes of the images."""
        found = [os.stat(os.path.join(self.folder, name), follow_symlinks=False).st_size for _, name in self._listed()]
        return len(found), sum(found)

    def _listed(self) -> list[tuple[int, str]]:
        """Images with their times."""
        out = []
        for name in self._names():
            if name.endswith(".image"):
                try:
                    out.append((os.stat(os.path.join(self.folder, name), follow_symlinks=False).st_mtime_ns, name))
                except OSError:
                    continue
        return out

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if _NAME.fullmatch(name))
        except OSError:
            return []
