"""The lockfile: what is installed, which version is served under which alias, and how far each package has been.

One canonical JSON document, judged strictly when it is read. It is the truth: a file that it does not name is not served.
Spec: spec/store.md section 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mpp.errors import HostFailed, Refused
from mpp.host.store.limits import ALIAS_CHARS_MAX, LOCK_BYTES_MAX, PACKAGES_MAX, SOURCE_CHARS_MAX, TIME_MAX, VERSIONS_MAX
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.limits import VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM, version_key, VersionKey
from mpp.model.value import value
from mpp.stages.archive.limits import TOTAL_BYTES_MAX

ALIAS = re.compile(rf"(?=.{{1,{ALIAS_CHARS_MAX}}}\Z)[a-z0-9]+(?:[-_][a-z0-9]+)*")
# Two underscores would part an alias from its tool at another place.
ALIAS_FORM = f"an alias of at most {ALIAS_CHARS_MAX} lower-case letters and digits, with single '-' or '_' between"

SOURCE = re.compile(r"[^\x00-\x1f\x7f]*")
SOURCE_FORM = "a path or an address on one line"

HASH_DIGITS = 16
"""Digits of the content hash in the name of a file. Reason: two versions of one number never meet by chance; the whole hash is in the lockfile."""


@value
class Version:
    """One installed version of a package."""

    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    size: int
    installed: int
    source: str
    """Where its file came from: a path or an address."""
    registry_id: str = ""
    """The registry whose log proves it; empty: it came from elsewhere."""
    log_index: int = 0
    """Its place in that log."""

    @property
    def file_name(self) -> str:
        return f"{self.version}-{self.content_hash[:HASH_DIGITS]}.mpp"


@value
class Entry:
    """All of one package id; kept with its mark when nothing of it is installed any more."""

    package_id: str
    alias: str
    active: str
    """The content hash of the version that is served; empty: none."""
    mark: str
    """The highest version that was ever active here."""
    versions: tuple[Version, ...]

    def find(self, content_hash: str) -> Version | None:
        return next((one for one in self.versions if one.content_hash == content_hash), None)

    @property
    def serving(self) -> Version | None:
        return self.find(self.active) if self.active else None


@value
class Lock:
    """What one lockfile says."""

    packages: Mapping[str, Entry]

    def entry(self, package_id: str) -> Entry:
        return self.packages.get(package_id) or Entry(package_id=package_id, alias="", active="", mark="", versions=())

    def with_entry(self, entry: Entry) -> Lock:
        return replace(self, packages={**self.packages, entry.package_id: entry})

    def rows(self) -> Iterator[Installed]:
        """Each installed version, by package id and version."""
        for name in sorted(self.packages):
            entry = self.packages[name]
            yield from (installed(entry, one) for one in sorted(entry.versions, key=lambda one: (order(one.version), one.content_hash)))


EMPTY = Lock(packages={})


@value
class Installed:
    """One row: a version that the lockfile names. ``PackageStore.open`` makes a verified package of it."""

    package_id: str
    publisher_id: str
    version: str
    content_hash: str
    file_hash: str
    size: int
    alias: str
    active: bool
    installed_at: int
    """Seconds since 1970."""
    mark: str
    """The highest version of this package that was ever active here."""
    source: str
    registry_id: str = ""
    """The registry whose log proves it; empty: it came from elsewhere."""
    log_index: int = 0


def installed(entry: Entry, one: Version) -> Installed:
    return Installed(
        package_id=entry.package_id,
        publisher_id=one.publisher_id,
        version=one.version,
        content_hash=one.content_hash,
        file_hash=one.file_hash,
        size=one.size,
        alias=entry.alias,
        active=one.content_hash == entry.active,
        installed_at=one.installed,
        mark=entry.mark,
        source=one.source,
        registry_id=one.registry_id,
        log_index=one.log_index,
    )


def order(version: str) -> VersionKey:
    """What orders versions that were judged already."""
    found = version_key(version)
    if found is None:
        raise HostFailed("host.lockfile", f"{shown(version)!r} is no version", hint="restore the lockfile from a copy")
    return found


def alike(alias: str) -> str:
    """Attack: ``git_hub`` beside ``git-hub``. Clients write one for the other, and people read them as one."""
    return alias.replace("-", "_")


def read_lock(data: bytes, *, where: str) -> Lock:
    """Raises HostFailed ``host.lockfile`` for what is not a sound lockfile: then nothing is served."""
    try:
        return _read(data, where)
    except Refused as fault:
        hint = "restore it from a copy, or remove it and install the packages again"
        raise HostFailed("host.lockfile", f"the lockfile is damaged: {fault.message}", where=fault.where or where, hint=hint) from None


def _read(data: bytes, where: str) -> Lock:
    faults = Faults("trust")
    fields = Fields(read(data, family="trust", where=where), where, faults)
    fields.number("mpp_lock", least=1, most=1)
    listed = fields.object("packages")
    fields.end()
    names = list(listed.found) if listed is not None else []
    if len(names) > PACKAGES_MAX:
        faults.add("length", where, f"has more than {PACKAGES_MAX} packages", "uninstall some")
    found: dict[str, Entry] = {}
    for name in names[:PACKAGES_MAX]:
        one = listed.object(name) if listed is not None else None
        # Attack: an id such as ``../../bin``, which is the name of a folder here.
        if PACKAGE_ID.fullmatch(name) is None:
            faults.add("form", where, f"{shown(name)!r} is not {PACKAGE_ID_FORM}", "take the entry out")
        elif one is not None:
            found[name] = _read_entry(name, one)
    faults.stop()
    lock = Lock(packages=found)
    _check_whole(lock, faults, where)
    faults.stop()
    return lock


def _read_entry(name: str, fields: Fields) -> Entry:
    entry = Entry(
        package_id=name,
        alias=fields.text("alias", most=ALIAS_CHARS_MAX, least=0),
        active=fields.text("active", most=64, least=0),
        mark=fields.text("mark", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        versions=fields.each("versions", lambda item, at: _read_version(Fields(item, at, fields.faults)), most=VERSIONS_MAX, required=True),
    )
    fields.end()
    return entry


def _read_version(fields: Fields) -> Version:
    def digest(key: str) -> str:
        return fields.text(key, most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM)

    registry = fields.object("registry", required=False)
    found = Version(
        version=fields.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        publisher_id=digest("publisher_id"),
        content_hash=digest("content_hash"),
        file_hash=digest("file_hash"),
        size=fields.number("size", least=1, most=TOTAL_BYTES_MAX),
        installed=fields.number("installed", least=0, most=TIME_MAX),
        source=fields.text("source", most=SOURCE_CHARS_MAX, least=0, pattern=SOURCE, form=SOURCE_FORM),
        registry_id="" if registry is None else registry.text("id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        log_index=0 if registry is None else registry.number("index", least=0, most=JSON_INT_MAX),
    )
    if registry is not None:
        registry.end()
    fields.end()
    return found


def _check_whole(lock: Lock, faults: Faults, where: str) -> None:
    """What no single value shows. Spec: store D-12."""
    aliases: dict[str, str] = {}
    for name, entry in lock.packages.items():
        at = f"{where}/packages/{name}"
        for is_wrong, words in _wrong(entry):
            if is_wrong:
                faults.add("form", at, words, "restore the entry from a copy, or take it out")
        other = aliases.setdefault(alike(entry.alias), name) if entry.versions else name
        if other != name:
            faults.add("duplicate", at, f"has the alias of {other}", "give one of them another alias")


def _wrong(entry: Entry) -> Iterator[tuple[bool, str]]:
    """Attack: a lockfile from which a mark, or the one active version, was taken by hand to bring back what was replaced."""
    yield entry.active != "" and entry.find(entry.active) is None, "names an active version that is not listed"
    hashes = {one.content_hash for one in entry.versions}
    yield len(hashes) != len(entry.versions), "lists one content twice"
    names = {one.file_name for one in entry.versions}
    yield len(names) != len(entry.versions), "lists two versions of one file name"
    yield bool(entry.versions) and ALIAS.fullmatch(entry.alias) is None, f"has no sound alias: not {ALIAS_FORM}"
    yield not entry.versions and entry.alias != "", "has an alias and no version"
    yield any(order(one.version) > order(entry.mark) for one in entry.versions), "has a version above the highest that it says to have seen"


def write_lock(lock: Lock, *, where: str) -> bytes:
    """The document, once it has been read back: one that could not be read would stop the host."""
    rows: dict[str, Json] = {name: _entry_json(entry) for name, entry in lock.packages.items()}
    data = canonical({"mpp_lock": 1, "packages": rows}) + b"\n"
    if len(data) > LOCK_BYTES_MAX:
        raise HostFailed("host.lockfile", f"the lockfile would have more than {LOCK_BYTES_MAX} bytes", where=where, hint="uninstall versions that are not used")
    read_lock(data, where=where)
    return data


def _entry_json(entry: Entry) -> Json:
    sort: Callable[[Version], tuple[VersionKey, str]] = lambda one: (order(one.version), one.content_hash)  # noqa: E731 - one line, used once
    versions: list[Json] = [_version_json(one) for one in sorted(entry.versions, key=sort)]
    return {"alias": entry.alias, "active": entry.active, "mark": entry.mark, "versions": versions}


def _version_json(one: Version) -> Json:
    proven: dict[str, Json] = {"registry": {"id": one.registry_id, "index": one.log_index}} if one.registry_id else {}
    return {
        **proven,
        "version": one.version,
        "publisher_id": one.publisher_id,
        "content_hash": one.content_hash,
        "file_hash": one.file_hash,
        "size": one.size,
        "installed": one.installed,
        "source": one.source,
    }
