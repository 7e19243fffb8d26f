"""A folder from which a server in front sends the files of public packages alone: ``com.example.hello/1.0.0.mpp``, each a second name of its blob.

What lies there is given to everybody without a question to the registry. So a name is taken away before it is decided that nobody gets the file any more, and it is given within
the one writer's turn: see ``publishing/public.py``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping

from mpp.errors import HostFailed
from mpp.files import make_private_folder, sync_folder
from mpp.model.names import PACKAGE_ID, VERSION
from mpp_registry.limits import PUBLIC_VERSIONS_MAX
from mpp_registry.store.folder import FolderBlobs

_END = ".mpp"
_GONE = ".gone-"


class PublicFiles:
    """Of one data folder, for any number of its processes. Where the folder is not there, nothing is public in this way."""

    def __init__(self, folder: str, blobs: FolderBlobs) -> None:
        self._folder, self._blobs = os.path.abspath(folder), blobs

    @property
    def folder(self) -> str:
        return self._folder

    @property
    def is_on(self) -> bool:
        return os.path.isdir(self._folder)

    def turn_on(self) -> None:
        make_private_folder(self._folder)

    def turn_off(self) -> None:
        """All of it vanishes in one step, under a name that no server in front looks at. ``clear`` removes it: that may take minutes, and a start shall not."""
        try:
            with contextlib.suppress(FileNotFoundError):
                os.rename(self._folder, self._folder + _GONE + os.urandom(6).hex())
                sync_folder(os.path.dirname(self._folder))
        except OSError as fault:
            raise _failed("the folder of public files cannot be removed", fault, self._folder) from None

    def clear(self) -> int:
        """Remove what vanished; how many folders it was."""
        above, begin = os.path.split(self._folder)
        found = [name for name in os.listdir(above) if name.startswith(begin + _GONE)]
        for name in found:
            # What a second process removes at the same time is removed.
            shutil.rmtree(os.path.join(above, name), ignore_errors=True)
        return len(found)

    def packages(self) -> list[str]:
        """Names that are there, whatever they are."""
        try:
            return sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []
        except OSError as fault:
            raise _failed("the folder of public files cannot be read", fault, self._folder) from None

    def hide(self, package_id: str, version: str) -> None:
        """Gone for good when this returns, also after a power cut. Call it before what forbids the file is committed."""
        place = self._place(package_id, version)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)
                sync_folder(os.path.dirname(place))
        except OSError as fault:
            raise _failed("a file that is to be given to nobody cannot be taken away", fault, place) from None

    def drop(self, name: str) -> None:
        """A name of ``packages`` that is no public package, with all that is below it."""
        place = os.path.join(self._folder, name)
        try:
            # Attack: a link in the place of a folder, behind which another would be emptied.
            if os.path.islink(place) or not os.path.isdir(place):
                os.unlink(place)
            else:
                shutil.rmtree(place)
            sync_folder(self._folder)
        except FileNotFoundError:
            return
        except OSError as fault:
            raise _failed("a folder that is not public cannot be taken away", fault, place) from None

    def follow(self, package_id: str, wanted: Mapping[str, str]) -> int:
        """Let exactly the files of ``wanted`` be there, versions with the SHA-256 of their files; how many names were given or taken. Within the one writer's turn."""
        if not self.is_on:
            return 0
        if not wanted:
            self.drop(_checked(package_id))
            return 0
        folder = os.path.join(self._folder, _checked(package_id))
        try:
            make_private_folder(folder)
            there = {entry.name: entry for entry in os.scandir(folder)}
            names = {_named(version): sha256 for version, sha256 in list(wanted.items())[:PUBLIC_VERSIONS_MAX]}
            changed = sum(self._remove(folder, name) for name, entry in there.items() if name not in names or not self._is_blob(entry, names[name]))
            kept = set(os.listdir(folder)) if changed else set(there)
            changed += sum(self._link(folder, name, sha256) for name, sha256 in names.items() if name not in kept)
            if changed:
                sync_folder(folder)
        except OSError as fault:
            raise _failed("a public file cannot be put where the server in front finds it", fault, folder) from None
        return changed

    def _link(self, folder: str, name: str, sha256: str) -> bool:
        source = self._blobs.path(sha256)
        # Attack: a link in the place of a blob. One that is missing is the registry's to complain about.
        if source is None or not stat.S_ISREG(os.lstat(source).st_mode):
            return False
        os.link(source, os.path.join(folder, name), follow_symlinks=False)
        return True

    def _is_blob(self, entry: os.DirEntry[str], sha256: str) -> bool:
        source = self._blobs.path(sha256)
        if source is None or entry.is_symlink() or not entry.is_file(follow_symlinks=False):
            return False
        return os.path.samestat(os.lstat(source), os.lstat(entry.path))

    @staticmethod
    def _remove(folder: str, name: str) -> bool:
        place = os.path.join(folder, name)
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        else:
            os.unlink(place)
        return True

    def _place(self, package_id: str, version: str) -> str:
        return os.path.join(self._folder, _checked(package_id), _named(version))


def _checked(package_id: str) -> str:
    """Attack: a name with a slash or two dots leads out of the folder."""
    if PACKAGE_ID.fullmatch(package_id) is None:
        raise HostFailed("registry.blob", "a public file has a name that is no package id", where=package_id[:100], hint="report this with what you did")
    return package_id


def _named(version: str) -> str:
    if VERSION.fullmatch(version) is None:
        raise HostFailed("registry.blob", "a public file has a name that is no version", where=version[:100], hint="report this with what you did")
    return version + _END


def _failed(what: str, fault: OSError, where: str) -> HostFailed:
    return HostFailed("registry.blob", f"{what}: {fault.strerror}", where=where, hint="see that the disk has room and that the registry may write there")
