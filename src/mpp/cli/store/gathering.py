"""What the words after ``mpp install`` mean: files, folders, addresses, versions that are installed already, names in a registry, or the list of a lockfile."""

from __future__ import annotations

import os
from dataclasses import replace
from collections.abc import Iterator

from mpp.cli.options import find_package, is_fleet, newest_file
from mpp.cli.screen import note, safe
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.cli.store.from_registry import beside, fetch, fetch_from, Origin, Ways
from mpp.cli.store.registries import load_config
from mpp.host.store import Installed, PackageStore
from mpp.host.store.limits import LOCK_BYTES_MAX
from mpp.host.store.lockfile import read_lock
from mpp.host.store.sources import by_hash, candidates, check_hash, Found, from_address, from_file, from_folder, is_address, package_files, path_of
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.remote.ranges import read_range
from mpp.remote.resolving import read_wish


@value
class Wanted:
    """Bytes to install, and under which alias, if one was chosen."""

    found: Found
    alias: str = ""
    origin: Origin | None = None
    """What a registry proves of it; None: it came from elsewhere."""


@value
class Sources:
    """Where packages may come from, as the command says."""

    ways: Ways = Ways()
    offline: bool = False
    """No network, and nothing without a bundle beside it."""


def gather(words: tuple[str, ...], store: PackageStore, sources: Sources) -> list[Wanted]:
    """Each word may mean several packages."""
    return [one for word in words for one in meant(word, store, sources)]


def meant(word: str, store: PackageStore, sources: Sources) -> list[Wanted]:
    if is_address(word) and not word.lower().startswith("file://"):
        _online(word, sources)
        if not sources.ways.quiet:
            note(f"fetching {safe(word)}")
        return [Wanted(found=from_address(word))]
    if is_address(word):
        return [_local(path_of(word), sources)]
    if not sources.ways.registry and os.path.isdir(word):
        return [_proven(one, sources) for one in _folder(word)]
    return _named(word, store, sources) or [_local(find_package(word), sources)]


def _local(path: str, sources: Sources) -> Wanted:
    return _proven(from_file(path), sources)


def _proven(found: Found, sources: Sources) -> Wanted:
    """A bundle beside a file is judged, and recorded with it."""
    return Wanted(found=found, origin=beside(found.source, needed=sources.offline))


def _online(word: str, sources: Sources) -> None:
    if sources.offline:
        raise Refused("usage.option", "--offline takes files with their bundles", where=shown(word), hint="name a file, or leave out --offline")


def _named(word: str, store: PackageStore, sources: Sources) -> list[Wanted]:
    """A version that is installed already, or a name in a registry; nothing where a file is meant. Files of this folder come before names."""
    if not sources.ways.registry and os.path.exists(word):
        return []
    wish = read_wish(word)
    if "@" in word and not sources.ways.registry:
        name, _, version = word.partition("@")
        rows = [row for row in store.all() if name in {row.package_id, row.alias}]
        is_other = bool(rows) and not any(row.registry_id for row in rows)
        if wish is None or is_other or not has_registries() or any(row.version == version for row in rows):
            row = store.find(word)
            return [Wanted(found=Found(data=store.read(row), source=row.source))]
        if rows and not wish.is_id:
            wish = replace(wish, name=rows[0].package_id)
    elif wish is not None and not sources.ways.registry and (is_file(word) or not has_registries()):
        return []
    if wish is None or (not sources.ways.registry and not has_registries()):
        return []
    _online(word, sources)
    found, origin = fetch(wish, sources.ways)
    _stays(origin, store)
    return [Wanted(found=found, origin=origin)]


def _stays(origin: Origin, store: PackageStore) -> None:
    """Attack: a registry that is introduced later, and would like to be the home of a package that came from another one."""
    package_id, registry_id = origin.chosen.package_id, origin.chosen.registry_id
    now = load_config().by_id(registry_id)
    before = next((row for row in store.all() if row.package_id == package_id and row.registry_id not in {"", registry_id}), None)
    if now is not None and now.introduced_by and before is not None:
        message = f"{package_id} came from the registry {before.registry_id[:16]}, and another one is introduced for it now"
        raise Refused("registry.elsewhere", message, where=package_id, hint=f"run `mpp update {package_id}`, or uninstall it first if it has moved")


def has_registries() -> bool:
    return bool(load_config().registries)


def is_file(word: str) -> bool:
    """Does it mean a file of this folder, as for all other commands?"""
    folder, name = os.path.split(word)
    return bool(folder) or name.endswith(".mpp") or newest_file(folder or ".", name) is not None


def _folder(folder: str) -> list[Found]:
    found = from_folder(folder)
    if not found:
        is_project = os.path.isfile(os.path.join(folder, "manifest.json"))
        hint = "build the project and sign it: mpp build, then mpp sign" if is_project else "name a folder that has .mpp files in it"
        raise Refused("usage.no_file", "there is no package in the folder", where=shown(folder), hint=hint)
    return found


def gather_locked(lockfile: str, words: tuple[str, ...], sources: Sources) -> list[Wanted]:
    """What a lockfile says is served, hash by hash; from the files and folders that are named, else from where each came from. Spec: store D-73."""
    lock = read_lock(read_bounded(lockfile, LOCK_BYTES_MAX).removesuffix(b"\n"), where=lockfile)
    rows = [row for row in lock.rows() if row.active]
    if not rows:
        raise Refused("usage.no_file", "the lockfile lists nothing that is served", where=shown(lockfile), hint="give the mpp.lock of a home with packages")
    return [replace(_locked(row, words, sources), alias=row.alias) for row in rows]


def _locked(row: Installed, words: tuple[str, ...], sources: Sources) -> Wanted:
    if not words and row.registry_id:
        return _locked_there(row, sources)
    return Wanted(found=_locked_here(row.file_hash, row.source, row.package_id, words, quiet=sources.ways.quiet))


def _locked_there(row: Installed, sources: Sources) -> Wanted:
    """The very file, proven anew: what was revoked since the lockfile was written is not installed by it."""
    _online(row.package_id, sources)
    registry = load_config().by_id(row.registry_id)
    if registry is None:
        message = f"the lockfile names registry {row.registry_id[:16]}, which this home does not know"
        raise Refused("registry.unknown", message, where=row.package_id, hint="add it with `mpp registry add`, or name the folder that the files are in")
    # A lockfile is a choice that was made: no version has to wait once more, but where an administrator decides.
    ways = replace(sources.ways, min_age=None if is_fleet() else 0.0)
    found, origin = fetch_from(registry, row.package_id, read_range(row.version), ways)
    check_hash(found, row.file_hash)
    return Wanted(found=found, origin=origin)


def _locked_here(file_hash: str, source: str, package_id: str, words: tuple[str, ...], *, quiet: bool) -> Found:
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
