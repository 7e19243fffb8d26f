"""Blobs as files of one folder: ``ab/cd/abcd…``, each written whole, linked into its place once, and never changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from hashlib import sha256 as sha256_of

from mpp.files import PRIVATE, make_private_folder, sync_folder
from mpp.model.names import SHA256_HEX
from mpp_registry.limits import BLOB_BYTES_MAX, BLOB_PIECE_BYTES
from mpp_registry.store.failures import blob_failed

_INCOMING = "incoming"


class FolderBlobs:
    """``Blobs`` of one machine, for any number of its processes."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.abspath(folder)
        make_private_folder(os.path.join(self._folder, _INCOMING))

    def put(self, sha256: str, data: bytes | memoryview) -> bool:
        check_blob(sha256, data)
        place = self._place(sha256)
        try:
            self._make_folders(os.path.dirname(place))
            is_new = not os.path.lexists(place) and self._write(place, sha256, data)
            # Attack on oneself: the writer that was first may not have come so far, and our caller relies on what is there.
            sync_folder(os.path.dirname(place))
        except OSError as fault:
            raise blob_failed(f"it could not be written: {fault.strerror}", place, "see that the disk has room and that the registry may write there") from None
        return is_new

    def size(self, sha256: str) -> int | None:
        try:
            return os.stat(self._place(sha256)).st_size
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise blob_failed(str(fault.strerror), self._place(sha256)) from None

    def read(self, sha256: str, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        place = self._place(sha256)
        try:
            fd = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as fault:
            raise blob_failed(str(fault.strerror), place) from None
        try:
            size = os.fstat(fd).st_size
            last = size if end is None else end
            check_range(begin, last, size, place)
            while begin < last:
                piece = os.pread(fd, min(last - begin, BLOB_PIECE_BYTES), begin)
                if not piece:
                    raise blob_failed("it became shorter while it was read", place)
                begin += len(piece)
                yield piece
        except OSError as fault:
            raise blob_failed(str(fault.strerror), place) from None
        finally:
            os.close(fd)

    def path(self, sha256: str) -> str | None:
        """The file of a blob, for a server that sends files by itself."""
        place = self._place(sha256)
        return place if os.path.isfile(place) else None

    def remove(self, sha256: str) -> None:
        place = self._place(sha256)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)
                sync_folder(os.path.dirname(place))
        except OSError as fault:
            raise blob_failed(f"it could not be removed: {fault.strerror}", place) from None

    def close(self) -> None:
        """Nothing is kept open."""

    def clear_incoming(self, before: float) -> int:
        """Remove what killed writers left before that moment; how many there were."""
        removed, folder = 0, os.path.join(self._folder, _INCOMING)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            # Its writer may come to its end at this very moment.
            with contextlib.suppress(FileNotFoundError):
                if os.stat(path).st_mtime < before:
                    os.unlink(path)
                    removed += 1
        return removed

    def _place(self, sha256: str) -> str:
        return os.path.join(self._folder, check_name(sha256)[:2], sha256[2:4], sha256)

    def _make_folders(self, folder: str) -> None:
        above = os.path.dirname(folder)
        for one, parent in ((above, self._folder), (folder, above)):
            if not os.path.isdir(one):
                make_private_folder(one)
            # Somebody else may have made it and not come to the sync. It costs little beside that of the file.
            sync_folder(parent)

    def _write(self, place: str, sha256: str, data: bytes | memoryview) -> bool:
        temporary = os.path.join(self._folder, _INCOMING, f"{sha256}.{os.urandom(6).hex()}")
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(temporary, place)
        except FileExistsError:
            return False
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        return True


def check_name(sha256: str) -> str:
    """Attack: a name with a slash or two dots leads to another file."""
    if SHA256_HEX.fullmatch(sha256) is None:
        raise blob_failed("its name is no SHA-256", "blob", "report this with what you did")
    return sha256


def check_blob(sha256: str, data: bytes | memoryview) -> None:
    """Attack on oneself: bytes under the name of others would be served for good, since none is ever replaced."""
    if len(data) > BLOB_BYTES_MAX:
        raise blob_failed(f"it has more than {BLOB_BYTES_MAX} bytes", check_name(sha256), "store a smaller one")
    if sha256_of(data).hexdigest() != check_name(sha256):
        raise blob_failed("its bytes are not those of its name", sha256, "report this with what you did")


def check_range(begin: int, end: int, size: int, where: str) -> None:
    if not 0 <= begin <= end <= size:
        raise blob_failed(f"bytes {begin} to {end} were asked of {size}", where, "ask for what is there")
