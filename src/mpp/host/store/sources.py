"""Where packages come from: a file, a folder, an address. What is found is bytes; nothing of it is believed yet.

Spec: spec/store.md section 7.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from mpp.errors import Fault, Refused, RemoteFailed
from mpp.files import take
from mpp.host.policy_http import fetch, Limits
from mpp.host.store.lockfile import order
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.stages.archive import Buffer, read_archive
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import read_seal

FETCH_SECONDS_MAX = 900
"""Seconds of one download with all its redirects. Reason: the largest package comes at 3 Mbit/s."""

SILENCE_SECONDS_MAX = 20
"""Seconds in which a server must go on sending. Reason: one that is silent for longer is down."""

FOLDER_FILES_MAX = 500
"""Packages looked at in one folder. Reason: each is read whole; a folder of a team has tens."""

FOLDER_NAMES_MAX = 100_000
"""Names looked at in one folder. Reason: bounds a wrong folder, such as that of all downloads."""

ENDING = ".mpp"
_REMEDY = "try again, or give the package as a file"


@value
class Found:
    """Bytes that may be a package. What it says of itself is not verified."""

    data: Buffer
    source: str
    """Where it came from: an absolute path, or an address."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@value
class Says:
    """What a sealed package says of itself; only good for choosing which one to verify."""

    package_id: str
    version: str


def is_address(text: str) -> bool:
    return text.lower().startswith(("http://", "https://", "file://"))


def from_address(url: str, *, limits: Limits | None = None) -> Found:
    """The package behind an https address, or plain http to this machine; a file:// address is a path."""
    if url.lower().startswith("file://"):
        return from_file(path_of(url))
    try:
        data = fetch(url, TOTAL_BYTES_MAX, limits=limits or Limits(seconds=FETCH_SECONDS_MAX, silence=SILENCE_SECONDS_MAX))
    except Refused as fault:
        raise Refused("usage.address", fault.message, where=fault.where, hint="give a path, or an address that begins with https://") from None
    except RemoteFailed as fault:
        raise RemoteFailed(fault.code, fault.message, faults=tuple(one._replace(hint=_REMEDY) for one in fault.faults)) from None
    return Found(data=data, source=url)


def path_of(url: str) -> str:
    """The path of a file:// address of this machine."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path or parts.query or parts.fragment:
        raise Refused("usage.address", "this names no file of this machine", where=shown(url), hint="write file:///path/to/file.mpp, or the path itself")
    return path


def from_file(path: str) -> Found:
    return Found(data=take(path, TOTAL_BYTES_MAX), source=os.path.abspath(path))


def package_files(folder: str) -> list[str]:
    """The packages of a folder, by name."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one, _ in zip(entries, range(FOLDER_NAMES_MAX), strict=False) if one.name.endswith(ENDING) and one.is_file())
    except OSError as fault:
        raise Refused("usage.no_file", f"the folder cannot be read: {fault.strerror}", where=folder, hint="check the path") from None
    if len(names) > FOLDER_FILES_MAX:
        raise Refused("usage.no_file", f"the folder has more than {FOLDER_FILES_MAX} packages", where=folder, hint="name the files themselves")
    return [os.path.join(folder, name) for name in names]


def from_folder(folder: str) -> list[Found]:
    """Of each package id the newest version. A file that is no signed package refuses all of them."""
    newest: dict[str, tuple[Says, Found]] = {}
    for path in package_files(folder):
        found = from_file(path)
        says = says_of(found)
        known = newest.get(says.package_id)
        if known is None or order(says.version) > order(known[0].version):
            newest[says.package_id] = (says, found)
    return [newest[name][1] for name in sorted(newest)]


def says_of(found: Found) -> Says:
    """What the seal of a file says, its form judged and nothing else. Raises Refused, with the place of the file."""
    try:
        seal = read_seal(read_archive(found.data))
        if isinstance(seal, Refused):
            raise seal
    except Refused as fault:
        raise Refused.of(tuple(_placed(one, found.source) for one in fault.faults)) from None
    return Says(package_id=seal.statement.package_id, version=seal.statement.version)


def _placed(fault: Fault, source: str) -> Fault:
    hint = f"sign it first: mpp sign {source}" if fault.code == "signature.unsigned" else fault.hint
    return fault._replace(where=f"{source}: {fault.where}" if fault.where else source, hint=hint)


def candidates(source: str, *, limits: Limits | None = None) -> Iterator[Found]:
    """What may be newer at the place where a package came from: that address, that folder, or the folder of that file. One at a time, so that one is in memory."""
    if is_address(source) and not source.lower().startswith("file://"):
        yield from_address(source, limits=limits)
        return
    path = path_of(source) if is_address(source) else source
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    if os.path.isdir(folder):
        yield from map(from_file, package_files(folder))


def newest_of(package_id: str, above: str, mark: str, found: Iterable[Found]) -> Found | None:
    """The highest version of one package id that is above ``above``, and never below the mark. Spec: store D-44."""
    best: tuple[Says, Found] | None = None
    for says, one in _sound(found):
        is_newer = says.package_id == package_id and order(says.version) > order(above) and order(says.version) >= order(mark)
        if is_newer and (best is None or order(says.version) > order(best[0].version)):
            best = (says, one)
    return None if best is None else best[1]


def _sound(found: Iterable[Found]) -> Iterator[tuple[Says, Found]]:
    """What lies beside a package and is none is passed over: nobody asked for it."""
    for one in found:
        try:
            yield says_of(one), one
        except Refused:
            continue


def by_hash(found: Iterable[Found], wanted: str) -> Found | None:
    return next((one for one in found if one.sha256 == wanted), None)


def check_hash(found: Found, wanted: str) -> None:
    """Spec: store D-72. Attack: another file under the same name or address."""
    if found.sha256 != wanted:
        hint = "it is another file than the one that was meant: get it again from its publisher"
        raise Refused("content.file", f"the file has the SHA-256 {found.sha256[:16]}… and not {wanted[:16]}…", where=shown(found.source), hint=hint)
