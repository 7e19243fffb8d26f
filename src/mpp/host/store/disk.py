"""Where the store's files lie, how they are judged before they are read, and how the folder is tidied.

Spec: spec/store.md section 3.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator

from mpp.errors import HostFailed, Refused
from mpp.files import make_private_folder, PRIVATE, read_bounded, sync_folder, take, write_atomic
from mpp.host.home import Home
from mpp.host.store.limits import LOCK_BYTES_MAX, STRAY_MAX
from mpp.host.store.lockfile import EMPTY, Lock, read_lock, Version, write_lock
from mpp.model.names import PACKAGE_ID
from mpp.model.value import value
from mpp.stages.archive import Buffer
from mpp.stages.archive.limits import TOTAL_BYTES_MAX

Revision = tuple[int, int, int, int]
"""What tells one lockfile from the next: its times, its number and its size. Zeros where there is none."""

NO_FILE: Revision = (0, 0, 0, 0)

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")
_PACKAGE = re.compile(r"[0-9A-Za-z.+-]+-[0-9a-f]{16}\.mpp(?:\.bundle)?")

BUNDLE_ENDING = ".bundle"


@value
class StorePlaces:
    """The paths of one store."""

    home: str
    packages: str
    lockfile: str

    def folder(self, package_id: str) -> str:
        # Attack: an id that leads out of the folder. Whoever comes here has judged it; a mistake must still not write elsewhere.
        if PACKAGE_ID.fullmatch(package_id) is None:
            raise HostFailed("host.package", "this is no package id", where=package_id[:80], hint="verify the package first")
        return os.path.join(self.packages, package_id)

    def file(self, package_id: str, one: Version) -> str:
        return os.path.join(self.folder(package_id), one.file_name)

    def bundle(self, package_id: str, one: Version) -> str:
        """Beside the file: what its registry proves of it."""
        return self.file(package_id, one) + BUNDLE_ENDING

    @property
    def guard(self) -> str:
        """The file that is held while the store is changed."""
        return self.lockfile + ".lock"


def places_of(home: Home) -> StorePlaces:
    return StorePlaces(home=home.path, packages=home.packages, lockfile=home.lockfile)


def revision_of(path: str) -> Revision:
    """One look at a file."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return NO_FILE
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at the file: {fault.strerror}", where=path, hint="check who may read it") from None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def load_lock(places: StorePlaces) -> Lock:
    """What the lockfile says; nothing is installed where there is none."""
    if not _is_own(places.lockfile, stat.S_ISREG, "the lockfile"):
        return EMPTY
    try:
        data = read_bounded(places.lockfile, LOCK_BYTES_MAX)
    except Refused as fault:
        raise HostFailed("host.lockfile", fault.message, where=places.lockfile, hint="restore it from a copy") from None
    return read_lock(data.removesuffix(b"\n"), where=places.lockfile)


def save_lock(places: StorePlaces, lock: Lock) -> None:
    """Replace the lockfile. Each one has a later time than the one before it, also where two changes fall into one tick of the system's clock."""
    before = revision_of(places.lockfile)[0]
    write_atomic(places.lockfile, write_lock(lock, where=places.lockfile), PRIVATE)
    now = revision_of(places.lockfile)[0]
    if now <= before:
        os.utime(places.lockfile, ns=(before + 1, before + 1))


def _is_own(path: str, is_kind: Callable[[int], bool], what: str) -> bool:
    """Is it there, no link, of the right kind, and can nobody else change it? Attack: whoever may write it says what is served."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise HostFailed("host.file", f"cannot look at {what}: {fault.strerror}", where=path, hint="check who may read it") from None
    if not is_kind(found.st_mode):
        raise HostFailed("host.package", f"{what} is a link, or not what it must be", where=path, hint="look at who put it there, and remove it")
    if found.st_uid not in {os.getuid(), 0} or stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        raise HostFailed("host.package", f"others may change {what}", where=path, hint="take it over with chown, and run chmod go-w on it")
    return True


def read_package(places: StorePlaces, package_id: str, one: Version) -> Buffer:
    """The bytes of an installed file, which are those that the lockfile names. Raises HostFailed ``host.package`` for any others."""
    path = places.file(package_id, one)
    hint = "install it again from where it came from"
    for folder in (places.packages, os.path.dirname(path)):
        if not _is_own(folder, stat.S_ISDIR, "a folder of the store"):
            raise HostFailed("host.package", "the file of an installed package is gone", where=path, hint=hint)
    if not _is_own(path, stat.S_ISREG, "the file of a package"):
        raise HostFailed("host.package", "the file of an installed package is gone", where=path, hint=hint)
    try:
        data = take(path, TOTAL_BYTES_MAX)
    except Refused as fault:
        raise HostFailed("host.package", fault.message, where=path, hint=hint) from None
    # Attack: a file that is changed between its check and its use. These bytes lie in memory that nobody writes any more.
    if hashlib.sha256(data).hexdigest() != one.file_hash:
        raise HostFailed("host.package", "the file is not the one that was installed", where=path, hint=hint)
    return data


def is_intact(places: StorePlaces, package_id: str, one: Version) -> bool:
    try:
        read_package(places, package_id, one)
    except HostFailed:
        return False
    return True


def put_package(places: StorePlaces, package_id: str, one: Version, data: bytes) -> None:
    """Write the file of a package; it is served only once the lockfile names it."""
    make_private_folder(places.packages)
    make_private_folder(places.folder(package_id))
    for folder in (places.packages, places.folder(package_id)):
        # Attack: a folder that is a link, so that an install writes, and tidying removes, somewhere else.
        _is_own(folder, stat.S_ISDIR, "a folder of the store")
        sync_folder(os.path.dirname(folder))
    write_atomic(places.file(package_id, one), data, PRIVATE)


def put_bundle(places: StorePlaces, package_id: str, one: Version, data: bytes) -> None:
    """The proofs of a file that was put there. They decide nothing of what is served."""
    write_atomic(places.bundle(package_id, one), data, PRIVATE)


def tidy(places: StorePlaces, lock: Lock) -> int:
    """Remove what a change left that was cut off, and files that the lockfile does not name. The caller holds the guard; gives how many went."""
    known = {path(name, one) for name, entry in lock.packages.items() for one in entry.versions for path in (places.file, places.bundle)}
    gone = 0
    for path in [*_left_in(places.home, os.path.basename(places.lockfile)), *_strays(places)]:
        if path not in known:
            # What cannot be removed takes room and is served to nobody.
            with contextlib.suppress(OSError):
                os.unlink(path)
                gone += 1
    for name in _folders(places):
        if not lock.entry(name).versions:
            _remove_empty(os.path.join(places.packages, name))
    return gone


def _left_in(folder: str, name: str) -> Iterator[str]:
    """Temporary files of one name."""
    for one in _names(folder):
        if one.startswith(f".{name}.") and _TEMPORARY.fullmatch(one):
            yield os.path.join(folder, one)


def _strays(places: StorePlaces) -> Iterator[str]:
    for name in _folders(places):
        folder = os.path.join(places.packages, name)
        for one in _names(folder):
            path = os.path.join(folder, one)
            # Only what has a name of ours, and is a file or a link: nothing that a person put there is touched.
            if (_TEMPORARY.fullmatch(one) or _PACKAGE.fullmatch(one)) and not os.path.isdir(path):
                yield path


def _folders(places: StorePlaces) -> list[str]:
    """Attack: a link among them, behind which tidying would remove the files of another folder."""
    if os.path.islink(places.packages):
        return []
    return [one for one in _names(places.packages) if PACKAGE_ID.fullmatch(one) and not os.path.islink(os.path.join(places.packages, one))]


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return sorted(one.name for one, _ in zip(found, range(STRAY_MAX), strict=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove_empty(folder: str) -> None:
    # Where something of a person's lies in it, it stays.
    with contextlib.suppress(OSError):
        os.rmdir(folder)
