"""A client's file on the disk: taken once, and replaced whole only if it is still what was taken."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import stat

from mpp.errors import HostFailed, Refused
from mpp.files import PRIVATE, read_bounded, sync_folder, what_helps, write_atomic
from mpp.host.clients.limits import CONFIG_BYTES_MAX
from mpp.model.value import value

BACKUP_END = ".mpp-backup"


@value
class Place:
    """A file as it was found."""

    named: str
    """The path as it was given."""
    path: str
    """The file behind it, no link."""
    data: bytes
    exists: bool
    mode: int

    @property
    def is_link(self) -> bool:
        return os.path.abspath(self.named) != self.path

    @property
    def digest(self) -> str:
        return digest(self.data)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def look(path: str, owner: int) -> Place:
    """The file at ``path``, which must belong to ``owner``. A file that is not there yet is empty; its folder must be there."""
    named = os.path.abspath(path)
    try:
        real = os.path.realpath(named, strict=_stat(named) is not None)
        folder = os.stat(os.path.dirname(real))
    except OSError as fault:
        message = f"there is no such file and no such folder: {fault.strerror}"
        raise Refused("host.client_missing", message, where=path, hint="start the client once, or name its file with --config FILE") from None
    # Attack: whoever may write the folder puts another file there between two looks.
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        raise Refused("host.client_file", "anybody may write the folder of this file", where=real, hint=f"run: chmod o-w {os.path.dirname(real)}")
    found = _stat(real)
    if found is None:
        return Place(named=named, path=real, data=b"", exists=False, mode=PRIVATE)
    if not stat.S_ISREG(found.st_mode):
        raise Refused("host.client_file", "this is no regular file", where=real, hint="name the client's file with --config FILE")
    if found.st_uid != owner:
        # Attack: a link to a file of another user, which a run as root would change; and ours would become the owner of what replaces it.
        raise Refused("host.client_file", "the file belongs to another user", where=real, hint="run this as that user")
    return Place(named=named, path=real, data=read_bounded(real, CONFIG_BYTES_MAX), exists=True, mode=stat.S_IMODE(found.st_mode))


def _stat(path: str) -> os.stat_result | None:
    """None only where the file is surely not there: what cannot be looked at is not overwritten."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at the file: {fault.strerror}", where=path, hint="try again") from None


def replace(place: Place, data: bytes) -> None:
    """``data`` instead of what was taken, in one step, with the mode that the file had."""
    unchanged(place)
    folder, name = os.path.split(place.path)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}.tmp")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
                os.fchmod(stream.fileno(), place.mode)
                stream.flush()
                os.fsync(stream.fileno())
            # A client may have written while we did.
            unchanged(place)
            os.replace(temporary, place.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
        sync_folder(folder)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot write the file: {fault.strerror}", where=place.path, hint=what_helps(fault)) from None


def unchanged(place: Place) -> None:
    """Refuse if the file is no longer what was taken."""
    there = _stat(place.path) is not None
    if there != place.exists or (there and read_bounded(place.path, CONFIG_BYTES_MAX) != place.data):
        raise HostFailed("host.client_changed", "the file was changed meanwhile", where=place.path, hint="close the client, then run the command again")


def back_up(place: Place) -> str:
    """A copy beside the file, for nobody but its owner; named by its content, so that the same copy is made once."""
    if not place.exists:
        return ""
    path = f"{place.path}.{place.digest[:8]}{BACKUP_END}"
    write_atomic(path, place.data, PRIVATE)
    return path


def backups(place: Place) -> tuple[str, ...]:
    """The copies beside the file that ``back_up`` has made."""
    return tuple(sorted(glob.glob(f"{glob.escape(place.path)}.????????{BACKUP_END}")))


def take_away(path: str, folder: str) -> None:
    """A copy that ``back_up`` made goes into ``folder``, which may lie on another disk."""
    write_atomic(os.path.join(folder, os.path.basename(path)), read_bounded(path, CONFIG_BYTES_MAX), PRIVATE)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
