"""The bill of materials of a wheel: CycloneDX 1.6, out of its lock. The same wheel and lock give the same bytes: no serial number, no time.

Versions and hashes come from the lock, licences and what needs what from requirements/about.toml, which ``python -m tools.sbom --about``
writes anew from the packages of the environment: it must hold exactly the locked versions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from tools.tidy import ROOT

ABOUT = ROOT / "requirements" / "about.toml"
LOCKS = ("requirements/run.txt", "requirements/registry.txt")

_BLOCK = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)(?: *; *([^\\\n]*?))? *\\\n((?: +--hash=sha256:[0-9a-f]{64}[ \\]*\n)+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LICENCE = re.compile(r"[A-Za-z0-9.+()-]+(?: [A-Za-z0-9.+()-]+){0,8}")
_FROM_CLASSIFIER = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
}


class Locked(NamedTuple):
    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


class About(NamedTuple):
    version: str
    licence: str
    needs: tuple[str, ...]


def read_lock(text: str) -> tuple[Locked, ...]:
    found = tuple(Locked(m[1], m[2], (m[3] or "").strip(), tuple(re.findall(r"[0-9a-f]{64}", m[4]))) for m in _BLOCK.finditer(text))
    if len(found) != len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)):
        raise ValueError("a line of the lock was not understood")
    return found


def read_about(text: str) -> dict[str, About]:
    return {name: About(str(one["version"]), str(one["licence"]), tuple(one["needs"])) for name, one in tomllib.loads(text).items()}


def bill(wheel: Path, name: str, lock: Path | None) -> bytes:
    """The wheel with its hash, and each package of its lock with its licence and the hashes of its files."""
    about = read_about(ABOUT.read_text(encoding="utf-8"))
    parts = read_lock(lock.read_text(encoding="utf-8")) if lock else ()
    version = wheel.name.split("-")[1]
    us = f"pkg:pypi/{name}@{version}"
    names = {one.name for one in parts}
    hashes = [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
    component = {"type": "application", "bom-ref": us, "name": name, "version": version, "purl": us, "licenses": _licences("Apache-2.0"), "hashes": hashes}
    # What comes by an extra of another package (psycopg[binary]) is named by nobody else: it is ours, too.
    ours = _direct(wheel, names) | (names - {other for one in parts for other in about[one.name].needs})
    edges = [{"ref": us, "dependsOn": sorted(_purl(one) for one in parts if one.name in ours)}]
    edges += [{"ref": _purl(one), "dependsOn": sorted(_purl(other) for other in parts if other.name in about[one.name].needs)} for one in parts]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component},
        "components": [_component(one, about) for one in parts],
        "dependencies": edges,
    }
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def _purl(one: Locked) -> str:
    return f"pkg:pypi/{one.name}@{one.version}"


def _licences(expression: str) -> list[dict[str, str]]:
    return [{"expression": expression}]


def _component(one: Locked, about: Mapping[str, About]) -> dict[str, object]:
    """The hashes are those of the files of this release; any one of them is what a machine installs, so they stand with the distribution."""
    if one.name not in about or about[one.name].version != one.version:
        raise ValueError(f"requirements/about.toml does not know {one.name} {one.version}: run python -m tools.sbom --about")
    found: dict[str, object] = {
        "type": "library",
        "bom-ref": _purl(one),
        "name": one.name,
        "version": one.version,
        "purl": _purl(one),
        "licenses": _licences(about[one.name].licence),
        "externalReferences": [
            {
                "type": "distribution",
                "url": _purl(one),
                "comment": "one of these files",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(one.hashes)],
            }
        ],
    }
    if one.marker:
        found["properties"] = [{"name": "mpp:marker", "value": one.marker}]
    return found


def _direct(wheel: Path, names: Iterable[str]) -> set[str]:
    """What the wheel itself names; with extras, where the lock holds them."""
    with zipfile.ZipFile(wheel) as archive:
        inner = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        said: Message = Parser().parsestr(archive.read(inner).decode("utf-8"))
    return _named(said.get_all("Requires-Dist", [])) & set(names)


def _named(wanted: Sequence[str]) -> set[str]:
    return {canonical(match[0]) for one in wanted if (match := _NAME.match(one))}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence_of(said: metadata.PackageMetadata) -> str:
    """The expression that a package declares; of older ones, the short text or the classifier."""
    got = {key: str(said[key]) for key in ("License-Expression", "License") if key in said}
    if "License-Expression" in got:
        return got["License-Expression"]
    words = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or [] if one.startswith("License :: ")]
    # Two classifiers are a choice between both, as uvloop has it; a package that means otherwise is written by hand.
    return " OR ".join(sorted(_FROM_CLASSIFIER[one] for one in words if one in _FROM_CLASSIFIER)) or got.get("License", "").strip()


def about_text() -> str:
    """Of each locked package: version, licence and what it needs, as the installed one says. Packages that are not installed here keep what is known."""
    known = read_about(ABOUT.read_text(encoding="utf-8")) if ABOUT.exists() else {}
    locked = {one.name: one for lock in LOCKS for one in read_lock((ROOT / lock).read_text(encoding="utf-8"))}
    lines = ["# Written by python -m tools.sbom --about. Licences of what is locked, and what needs what; tools/sbom.py reads it."]
    for name in sorted(locked):
        try:
            said = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            one = known.get(name, About(locked[name].version, "", ()))
        else:
            needs = sorted(_named([one for one in metadata.requires(name) or [] if "extra ==" not in one]) & locked.keys())
            one = About(str(said["Version"]), _licence_of(said), tuple(needs))
        if one.version != locked[name].version or not _LICENCE.fullmatch(one.licence):
            raise ValueError(f"{name} {locked[name].version}: installed is {one.version}, its licence says {one.licence[:60]!r}; write it by hand")
        lines += ["", f"[{name}]", f'version = "{one.version}"', f'licence = "{one.licence}"', f"needs = {json.dumps(list(one.needs))}"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.sbom", description="Write requirements/about.toml anew, or a bill of materials to standard output.")
    parser.add_argument("--about", action="store_true", help="write requirements/about.toml from the packages that are installed here")
    parser.add_argument("--wheel", type=Path, help="the wheel")
    parser.add_argument("--lock", type=Path, help="the lock with what it needs")
    chosen = parser.parse_args()
    if chosen.about:
        ABOUT.write_text(about_text(), encoding="utf-8")
    elif chosen.wheel:
        sys.stdout.buffer.write(bill(chosen.wheel, canonical(chosen.wheel.name.split("-")[0]), chosen.lock))
    else:
        parser.error("say --about or --wheel FILE")
    return 0


if __name__ == "__main__":
    sys.exit(main())
