"""What the words after ``mpp install`` mean: files, folders, addresses, versions that are installed already, or the list of a lockfile."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mpp.cli.options import find_package
from mpp.cli.screen import note, safe
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.host.store import PackageStore
from mpp.host.store.limits import LOCK_BYTES_MAX
from mpp.host.store.lockfile import read_lock
from mpp.host.store.sources import by_hash, candidates, check_hash, Found, from_address, from_file, from_folder, is_address, package_files
from mpp.model.jsontext import shown
from mpp.model.value import value


@value
class Wanted:
    """Bytes to install, and under which alias, if one was chosen."""

    found: Found
    alias: str = ""


def gather(words: tuple[str, ...], store: PackageStore, *, quiet: bool) -> list[Wanted]:
    """Each word may mean several packages."""
    return [Wanted(found=one) for word in words for one in meant(word, store, quiet=quiet)]


def meant(word: str, store: PackageStore, *, quiet: bool) -> list[Found]:
    if is_address(word):
        if not quiet and not word.lower().startswith("file://"):
            note(f"fetching {safe(word)}")
        return [from_address(word)]
    if os.path.isdir(word):
        return _folder(word)
    if not os.path.exists(word) and "@" in word:
        row = store.find(word)
        return [Found(data=store.read(row), source=row.source)]
    return [from_file(find_package(word))]


def _folder(folder: str) -> list[Found]:
    found = from_folder(folder)
    if not found:
        is_project = os.path.isfile(os.path.join(folder, "manifest.json"))
        hint = "build the project and sign it: mpp build, then mpp sign" if is_project else "name a folder that has .mpp files in it"
        raise Refused("usage.no_file", "there is no package in the folder", where=shown(folder), hint=hint)
    return found


def gather_locked(lockfile: str, words: tuple[str, ...], *, quiet: bool) -> list[Wanted]:
    """What a lockfile says is served, hash by hash; from the files and folders that are named, else from where each came from. Spec: store D-73."""
    lock = read_lock(read_bounded(lockfile, LOCK_BYTES_MAX).removesuffix(b"\n"), where=lockfile)
    rows = [row for row in lock.rows() if row.active]
    if not rows:
        raise Refused("usage.no_file", "the lockfile lists nothing that is served", where=shown(lockfile), hint="give the mpp.lock of a home with packages")
    return [Wanted(found=_locked(row.file_hash, row.source, row.package_id, words, quiet=quiet), alias=row.alias) for row in rows]


def _locked(file_hash: str, source: str, package_id: str, words: tuple[str, ...], *, quiet: bool) -> Found:
    for word in words:
        found = by_hash(_all_of(word), file_hash)
        if found is not None:
            return found
    if words or not source:
        where = f"{package_id}, SHA-256 {file_hash[:16]}…"
        raise Refused("usage.no_file", "none of the files is the one that the lockfile lists", where=where, hint="name the file, or the folder that it is in")
    if not quiet:
        note(f"looking for {package_id} at {safe(source)}")
    if not is_address(source):
        found = by_hash(candidates(source), file_hash)
        if found is None:
            where = f"{package_id}: {shown(source)}"
            raise Refused("usage.no_file", "the file that the lockfile lists is not where it came from", where=where, hint="name the folder that it is in")
        return found
    found = from_address(source)
    check_hash(found, file_hash)
    return found


def _all_of(word: str) -> Iterator[Found]:
    if is_address(word):
        yield from_address(word)
        return
    yield from map(from_file, package_files(word) if os.path.isdir(word) else [word])
