"""Dependencies of a JavaScript tool, from its package-lock.json: each fetched by its hash, unpacked, judged, never run."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping

from mpp.author.languages.ports import Component, Progress
from mpp.author.limits import LOCK_BYTES_MAX, SOURCES_BYTES_MAX, WHEELS_MAX
from mpp.author.toolchains.npm import INTEGRITY, NAME, VERSION, fetch_tarball, unpack
from mpp.errors import Fault, Refused
from mpp.files import read_bounded
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value

LOCK = "package-lock.json"
DESCRIPTION = "package.json"
SDK = "mpp-sdk"
"""The SDK comes with MPP, whatever the lock says of it."""

Run = Callable[[list[str], Mapping[str, str]], tuple[int, str]]

_AGAIN = "npm install, and commit package-lock.json"
_KEPT = (".js", ".mjs", ".cjs", ".json", ".wasm", ".txt", ".md")
_NEVER = ("binding.gyp", "node_modules/", "test/", "tests/", "__tests__/", ".github/")


@value
class Locked:
    """One package of the lock."""

    place: str
    """Its folder below the project, such as ``node_modules/a/node_modules/b``."""
    name: str
    version: str
    integrity: str
    license: str


@value
class Vendored:
    """What goes into the package."""

    members: Mapping[str, bytes]
    components: tuple[Component, ...]
    warnings: tuple[str, ...]


def vendor(root: str, cache: str, *, env: Mapping[str, str], run: Run, progress: Progress) -> Vendored:
    """All dependencies that are not for development."""
    locked = read_lock(root)
    members: dict[str, bytes] = {}
    room = SOURCES_BYTES_MAX
    for one in locked:
        progress(f"taking {one.name} {one.version}")
        files = unpack(fetch_tarball(one.name, one.version, one.integrity, cache, env=env, run=run), one.name)
        judge(one, files)
        kept = {name: data for name, data in files.items() if name.endswith(_KEPT) and not name.startswith(_NEVER)}
        room -= sum(map(len, kept.values()))
        if room < 0:
            raise Refused("project.npm", f"the dependencies have more than {SOURCES_BYTES_MAX} bytes", where=LOCK, hint="take fewer, or smaller ones")
        members |= {f"{one.place}/{name}": data for name, data in kept.items()}
    return Vendored(members=members, components=tuple(map(_component, locked)), warnings=())


def judge(one: Locked, files: Mapping[str, bytes]) -> None:
    """Attack on the author's time: code of the machine in a library, which cannot run in a sandbox, found at the first call."""
    native = [name for name in files if name.endswith((".node", ".so", ".dylib", ".dll")) or name == "binding.gyp"]
    if native:
        words = f"{one.name} {one.version} has code of the machine in it ({shown(native[0], 100)}), which a sandbox does not run"
        raise Refused("project.npm", words, where=one.place, hint="take a library in plain JavaScript, or one that brings WebAssembly")


def read_lock(root: str) -> tuple[Locked, ...]:
    """The packages that a tool needs when it runs; empty for a project without dependencies."""
    asked = _asked(root)
    path = os.path.join(root, LOCK)
    if not os.path.exists(path):
        if asked:
            raise Refused("project.npm", f"asks for {', '.join(asked)[:200]} and has no lock", where=DESCRIPTION, hint=_AGAIN)
        return ()
    document = _object(read(read_bounded(path, LOCK_BYTES_MAX), family="project", where=LOCK), LOCK)
    packages = document.get("packages")
    if document.get("lockfileVersion") not in {2, 3} or not isinstance(packages, dict):
        raise Refused("project.npm", "is of another version than 2 or 3", where=LOCK, hint="npm install --lockfile-version=3")
    faults: list[Fault] = []
    found = [one for place, entry in packages.items() if (one := _locked(place, entry, faults)) is not None]
    missing = [name for name in asked if not any(one.place == f"node_modules/{name}" for one in found)]
    faults += [Fault("project.npm", LOCK, f"does not hold {shown(name, 100)}, which package.json asks for", _AGAIN) for name in missing]
    if len(found) > WHEELS_MAX:
        faults.append(Fault("project.npm", LOCK, f"names more than {WHEELS_MAX} packages", "take fewer"))
    if faults:
        raise Refused.of(tuple(faults[:20]))
    return tuple(sorted(found, key=lambda one: one.place))


def _asked(root: str) -> tuple[str, ...]:
    path = os.path.join(root, DESCRIPTION)
    if not os.path.exists(path):
        return ()
    document = _object(read(read_bounded(path, LOCK_BYTES_MAX), family="project", where=DESCRIPTION), DESCRIPTION)
    dependencies = document.get("dependencies")
    return tuple(name for name in (dependencies if isinstance(dependencies, dict) else ()) if name != SDK)


def _locked(place: str, entry: Json, faults: list[Fault]) -> Locked | None:
    """One row of the lock; None for the project itself, what is for development, and the SDK."""
    if not place or not isinstance(entry, dict) or entry.get("dev") is True or entry.get("devOptional") is True:
        return None
    name = place.rpartition("node_modules/")[2]
    if name == SDK or entry.get("link") is True or not place.startswith("node_modules/"):
        if name != SDK:
            faults.append(Fault("project.npm", LOCK, f"{shown(place, 100)} is a folder and no package", "copy what you need into app/"))
        return None
    if entry.get("optional") is True:
        return None  # what may be missing on some machine is missing here
    version, integrity = str(entry.get("version", "")), str(entry.get("integrity", ""))
    alias = entry.get("name")
    name = alias if isinstance(alias, str) else name
    parts = place.removeprefix("node_modules/").split("/node_modules/")
    # Attack: a place with .. or an address in a lock from elsewhere; a package without a hash is whatever somebody serves under its name.
    if not all(NAME.fullmatch(part) for part in (*parts, name)) or not VERSION.fullmatch(version) or not INTEGRITY.fullmatch(integrity):
        faults.append(Fault("project.npm", LOCK, f"{shown(place, 100)} has no version with a sha512 hash: only packages of a registry can be taken", _AGAIN))
        return None
    license_ = entry.get("license")
    return Locked(place=place, name=name, version=version, integrity=integrity, license=license_ if isinstance(license_, str) else "")


def _object(found: Json, where: str) -> dict[str, Json]:
    if not isinstance(found, dict):
        raise Refused("project.npm", "is no object", where=where, hint=_AGAIN)
    return found


def _component(one: Locked) -> Component:
    checksum = base64.b64decode(one.integrity.removeprefix("sha512-")).hex()
    name = one.name.replace("@", "%40")
    return Component(name=one.name, version=one.version, purl=f"pkg:npm/{name}@{one.version}?checksum=sha512:{checksum}", license=one.license)
