"""The files of layers: one for each content hash, in ``$MPP_HOME/layers``.

Nothing here is believed: a file is judged each time it is used. Spec: layers Y-40 to Y-44.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator

from mpp.errors import HostFailed, MppError, Refused
from mpp.files import make_private_folder, PRIVATE, sync_folder, take, write_atomic
from mpp.host.home import Home
from mpp.host.layers.limits import LAYERS_MAX
from mpp.host.store.lockfile import order
from mpp.model.manifest import LAYER_TYPE, LayerRef, Manifest, parse_manifest
from mpp.model.value import value
from mpp.stages.archive import Archive, Buffer, hashes, read_archive, read_member
from mpp.stages.archive.limits import TOTAL_BYTES_MAX

_NAME = re.compile(r"([0-9a-f]{64})\.mpp")


@value
class LayerRow:
    """One file of the store, as it describes itself; not verified."""

    ref: LayerRef
    name: str
    publisher: str
    """What it calls its publisher."""
    size: int
    memory_limit_mb: int
    path: str
    installed: int
    """Seconds since 1970."""


class LayerStore:
    """The layers of one home. Safe for several processes: a file is whole or not there."""

    def __init__(self, home: Home) -> None:
        self.folder = home.layers

    def path(self, sha256: str) -> str:
        """Where the layer with this content hash is, if it is there."""
        name = f"{sha256}.mpp"
        # Attack: a hash that leads out of the folder. Manifests are judged; a mistake must still not read elsewhere.
        if _NAME.fullmatch(name) is None:
            raise HostFailed("host.layer", "this is no content hash", where=sha256[:80], hint="verify the package first")
        return os.path.join(self.folder, name)

    def read(self, sha256: str) -> Buffer | None:
        """The bytes of a layer, in memory that nobody changes; None if it is not there. Attack: a link that leads to another file."""
        path = self.path(sha256)
        try:
            found, folder = os.lstat(path), os.lstat(self.folder)
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise HostFailed("host.file", f"cannot look at a layer: {fault.strerror}", where=path, hint="check who may read it") from None
        if not stat.S_ISREG(found.st_mode) or not stat.S_ISDIR(folder.st_mode):
            raise HostFailed("host.layer", "a layer of the store is a link, or no file", where=path, hint="look at who put it there, and remove it")
        return take(path, TOTAL_BYTES_MAX)

    def put(self, sha256: str, data: Buffer) -> bool:
        """Keep the file of a layer that was judged; False if it was there. Another signature of the same content replaces nothing."""
        path = self.path(sha256)
        make_private_folder(self.folder)
        if self._holds(sha256):
            return False
        if len(self._names()) >= LAYERS_MAX and not os.path.lexists(path):
            raise Refused("layer.many", f"{LAYERS_MAX} layers are installed", hint="remove some with `mpp layer uninstall`")
        write_atomic(path, bytes(data), PRIVATE)
        sync_folder(self.folder)
        return True

    def remove(self, sha256: str) -> int:
        """Take it away; the bytes that it had."""
        path = self.path(sha256)
        try:
            size = os.stat(path, follow_symlinks=False).st_size
            os.unlink(path)
        except OSError as fault:
            raise HostFailed("host.file", f"cannot remove a layer: {fault.strerror}", where=path, hint="check who may write there") from None
        return size

    def rows(self) -> Iterator[LayerRow]:
        """What is there, by content hash; what cannot be read is left out, and `mpp layer verify` says why."""
        for name in self._names():
            try:
                found = self.row(name.removesuffix(".mpp"))
            except MppError:
                continue
            if found is not None:
                yield found

    def row(self, sha256: str) -> LayerRow | None:
        """What one file says of itself, unless it is not there."""
        data = self.read(sha256)
        if data is None:
            return None
        archive = read_archive(data)
        manifest = read_layer_manifest(archive)
        path = self.path(sha256)
        return LayerRow(
            ref=LayerRef(id=manifest.package_id, version=manifest.version, sha256=sha256),
            name=manifest.name,
            publisher=manifest.publisher.name,
            size=len(data),
            memory_limit_mb=manifest.runtime.memory_limit_mb,
            path=path,
            installed=int(os.stat(path, follow_symlinks=False).st_mtime),
        )

    def stored(self) -> tuple[str, ...]:
        """The content hashes that files are named by, readable or not."""
        return tuple(name.removesuffix(".mpp") for name in self._names())

    def find(self, wanted: str) -> LayerRow:
        """The one that ``wanted`` means: the beginning of its content hash, its id, or its id and ``@VERSION``."""
        name, at, version = wanted.partition("@")
        found = [
            row
            for row in self.rows()
            if (len(wanted) >= HASH_DIGITS_MIN and row.ref.sha256.startswith(wanted)) or (row.ref.id == name and (not at or row.ref.version == version))
        ]
        if len(found) == 1:
            return found[0]
        hint = "see `mpp layer list`" if not found else "name one by its hash: " + ", ".join(row.ref.sha256[:16] for row in found[:5])
        what = "no layer" if not found else f"{len(found)} layers"
        raise Refused("layer.name", f"{what} here {'is' if len(found) < 2 else 'are'} meant by {wanted[:80]!r}", hint=hint)

    def newest(self, package_id: str) -> LayerRow | None:
        """The highest version of one id; of several with this number, the one that came last."""
        found = [row for row in self.rows() if row.ref.id == package_id]
        return max(found, key=lambda row: (order(row.ref.version), row.installed), default=None)

    def _holds(self, sha256: str) -> bool:
        """Is it there, with the content that its name says? Damage is repaired by installing again."""
        try:
            data = self.read(sha256)
            return data is not None and hashes(read_archive(data)).content.hex() == sha256
        except MppError:
            return False

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if _NAME.fullmatch(name))
        except FileNotFoundError:
            return []
        except OSError as fault:
            raise HostFailed("host.file", f"cannot list the layers: {fault.strerror}", where=self.folder, hint="check who may read it") from None


HASH_DIGITS_MIN = 8
"""Digits of a content hash that name a layer. Reason: enough to tell a few dozen apart."""


def read_layer_manifest(archive: Archive) -> Manifest:
    """The manifest of a file that must be a layer."""
    manifest = parse_manifest(read_member(archive, archive.members[0]))
    if manifest.runtime.type != LAYER_TYPE:
        message = f"this is a package of type {manifest.runtime.type}, not a layer"
        raise Refused("layer.type", message, where="runtime.type", hint="install a tool with `mpp install FILE`")
    return manifest
