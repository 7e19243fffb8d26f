"""Unpacks a wheel into files below ``lib/`` of a package. A wheel is a ZIP from a stranger; its hash says whose, not what it holds.

Taken are modules, data beside them, and the metadata by which a library finds its own version. Left out are compiled copies, type
stubs and programs for a command line. Refused are native code and every name that a package cannot hold.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from email.parser import HeaderParser
from hashlib import sha256

from mpp.author.limits import FILES_MAX, SOURCES_BYTES_MAX
from mpp.author.vendoring.advice import advice
from mpp.author.vendoring.requirements import Pin, canonical
from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp.model.paths import path_fault
from mpp.model.value import value

_NATIVE = (".so", ".pyd", ".dll", ".dylib", ".a", ".o", ".wasm")
_LEFT_OUT = (".pyc", ".pyo", ".pyi", ".c", ".h", ".pyx", ".pxd")
_METADATA = ("METADATA", "entry_points.txt", "top_level.txt")
_FILE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._]*)-([A-Za-z0-9_.!+]+)(?:-[0-9][^-]*)?-([^-]+)-([^-]+)-([^-]+)\.whl")
_PURE = re.compile(r"(?:[a-z0-9_]+\.)*py3(?:[0-9]*)(?:\.[a-z0-9_]+)*-none-any")


@value
class Unpacked:
    """What of a wheel goes into a package."""

    name: str
    version: str
    license: str
    sha256: str
    files: dict[str, bytes]
    """By name below ``lib/``."""
    warnings: tuple[str, ...]


@value
class WheelName:
    name: str
    version: str
    is_pure: bool


def wheel_name(file: str) -> WheelName | None:
    """What the file name of a wheel says; None where it is none."""
    match = _FILE.fullmatch(file)
    if match is None:
        return None
    return WheelName(name=canonical(match[1]), version=match[2], is_pure=_PURE.fullmatch("-".join(match.groups()[2:])) is not None)


def unpack(data: bytes, pin: Pin) -> Unpacked:
    """The files of a wheel whose hash is one of the lock's."""
    where = f"{pin.name} {pin.version}"
    if (digest := sha256(data).hexdigest()) not in pin.hashes:
        raise Refused(
            "project.lock", "the file has another hash than the lock", where=where, hint="see why the file changed before you lock it anew: mpp build --lock"
        )
    files: dict[str, bytes] = {}
    left: list[str] = []
    metadata = b""
    for name, content in _read(data, where):
        if name.endswith(_NATIVE):
            raise Refused("project.native", f"holds native code: {shown(name)}", where=where, hint=advice(pin.name))
        if name.endswith(".pth"):
            raise Refused("project.wheel", f"holds {shown(name)}, which changes how Python starts", where=where, hint="take another library")
        placed = _placed(name)
        if placed is None:
            left.append(name)
            continue
        if (fault := path_fault(f"lib/{placed}")) is not None:
            raise Refused("project.wheel", f"{shown(name)}: {fault.message}", where=where, hint="take another library, or another version of it")
        files[placed] = content
        if placed.endswith(".dist-info/METADATA") and placed.count("/") == 1:
            metadata = content
    return Unpacked(
        name=pin.name,
        version=pin.version,
        license=_license(metadata),
        sha256=digest,
        files=files,
        warnings=tuple(f"{where}: {shown(name)} is left out, a tool runs no programs" for name in left if "/scripts/" in name),
    )


def _read(data: bytes, where: str) -> list[tuple[str, bytes]]:
    """All files, within bounds. Attack: a small file that inflates to gigabytes; two entries of one name; a link; a name that leads out."""
    found: dict[str, bytes] = {}
    room = SOURCES_BYTES_MAX
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            items = archive.infolist()
            if len(items) > FILES_MAX:
                raise Refused("project.wheel", f"has more than {FILES_MAX} files", where=where, hint="take another library")
            for item in items:
                if item.is_dir():
                    continue
                if stat.S_ISLNK(item.external_attr >> 16) or item.filename in found or item.flag_bits & 1:
                    raise Refused("project.wheel", f"{shown(item.filename)} is a link, encrypted, or there twice", where=where, hint="take another library")
                with archive.open(item) as file:
                    content = file.read(room + 1)
                room -= len(content)
                if room < 0:
                    raise Refused("project.wheel", f"has more than {SOURCES_BYTES_MAX} bytes", where=where, hint="take another library")
                found[item.filename] = content
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError):
        raise Refused("project.wheel", "is no sound ZIP file", where=where, hint="lock the dependencies anew: mpp build --lock") from None
    return list(found.items())


def _placed(name: str) -> str | None:
    """Where a file of a wheel goes below ``lib/``; None where it is left out."""
    parts = name.split("/")
    if parts[0].endswith(".data"):
        # Modules may lie there too, beside programs, headers and data for folders of the system.
        if len(parts) < 3 or parts[1] not in {"purelib", "platlib"}:
            return None
        parts = parts[2:]
    if "__pycache__" in parts or parts[-1].endswith(_LEFT_OUT) or parts[-1] == "py.typed":
        return None
    if parts[0].endswith(".dist-info") and parts[-1] not in _METADATA and "licen" not in name.lower() and "notice" not in name.lower():
        return None
    return "/".join(parts)


def _license(metadata: bytes) -> str:
    found = HeaderParser().parsestr(metadata[:65536].decode("utf-8", "replace"))
    text = str(found.get("License-Expression") or found.get("License") or "")
    line = text.strip().split("\n")[0].strip()
    return line[:100] if line.isprintable() else ""
