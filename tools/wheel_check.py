"""What a wheel of ours must hold and must not hold. Pure: a file goes in, sentences come out; none means that it is good."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from email.message import Message
from email.parser import Parser
from pathlib import Path

ENTRY_POINTS = {"model-package-protocol": "[console_scripts]\nmodel-package-protocol = mpp.cli:main\nmpp = mpp.cli:main\n"}
NEEDED: dict[str, tuple[str, ...]] = {
    "model-package-protocol": (
        "mpp/py.typed",
        "mpp/spec/1-archive.md",
        "mpp/spec/codes.toml",
        "mpp/spec/schema/manifest.schema.json",
        "mpp/author/templates/python/manifest.json",
        "mpp/author/layers/javascript/layer.c",
        "mpp/cli/topics/start.txt",
        "mpp/console/templates/base.html",
        "mpp/console/static/console.css",
        "mpp/_sdk/mpp_sdk/__init__.py",
        "mpp/_sdk_typescript/dist/index.js",
    ),
    "mpp-registry": (
        "mpp_registry/py.typed",
        "mpp_registry/web/templates/base.html",
        "mpp_registry/web/static/site.css",
    ),
    "mpp-sdk": ("mpp_sdk/py.typed", "mpp_sdk/testing.py", "mpp_sdk/pydantic/__init__.py"),
}
"""Files without which a program of that distribution does not work, or a type checker does not see it."""

_FOREIGN = re.compile(r"(^|/)(__pycache__|\.git|\.env[^/]*|\.venv|node_modules|id_[a-z0-9]+)(/|$)|\.(pyc|pyo|key|pem|p12|mpp|db|sqlite3?|log|orig|rej|so|swp)$")
_PEM = re.compile(rb"^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[A-Za-z0-9+/=]{16}", re.MULTILINE)
_PERSONAL = re.compile(rb"/(?:home|Users)/(?!user/|you/|me/|ada/|grace/|app/|\.\.\.)[a-z][a-z0-9_-]+/|(?<![\w./-])/root/(?!\.)[a-z]")


def findings(wheel: Path, name: str, expected: Mapping[str, Path]) -> list[str]:
    """``expected``: each member beside the metadata, and the file that it must equal."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        members = {one: archive.read(one) for one in names}
        modes = {one.filename: one.external_attr >> 16 for one in archive.infolist()}
    info = f"{wheel.name.split('-py3-')[0]}.dist-info"
    return [
        *_names(names, modes),
        *_contents(members, expected, info),
        *_needed(members, name, info),
        *_secrets(members),
        *_record(members, info),
        *_metadata(members, name, info),
    ]


def _names(names: list[str], modes: Mapping[str, int]) -> Iterator[str]:
    if len(set(names)) != len(names):
        yield "a name stands twice in it"
    for one in names:
        if one.startswith(("/", "../")) or "/../" in one or "\\" in one:
            yield f"{one} leads out of the folder that it is installed to"
        if _FOREIGN.search(one):
            yield f"{one} does not belong into a wheel"
        if one.split("/")[0] in {"tests", "benchmarks", "conformance", "examples", "tools"}:
            yield f"{one} is no part of the program"
        if modes[one] & 0o7777 not in {0o644, 0o664}:
            yield f"{one} has the mode {modes[one] & 0o7777:o}"


def _contents(members: Mapping[str, bytes], expected: Mapping[str, Path], info: str) -> Iterator[str]:
    """Exactly the files of the checkout, with their bytes."""
    found = {one for one in members if not one.startswith(f"{info}/")}
    yield from (f"{one} is missing" for one in sorted(expected.keys() - found))
    yield from (f"{one} comes from nowhere" for one in sorted(found - expected.keys()))
    yield from (f"{one} differs from its source" for one in sorted(found & expected.keys()) if members[one] != expected[one].read_bytes())


def _needed(members: Mapping[str, bytes], name: str, info: str) -> Iterator[str]:
    for one in (*NEEDED[name], f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"):
        if one not in members:
            yield f"{one} is missing"


def _secrets(members: Mapping[str, bytes]) -> Iterator[str]:
    for one, data in members.items():
        if _PEM.search(data):
            yield f"{one} holds a private key"
        if hit := _PERSONAL.search(data):
            yield f"{one} names a folder of the machine that it was written on: {hit[0].decode()}"


def _record(members: Mapping[str, bytes], info: str) -> Iterator[str]:
    """RECORD names each member once with its hash and length, itself without."""
    rows = list(csv.reader(io.StringIO(members.get(f"{info}/RECORD", b"").decode("utf-8"))))
    if sorted(row[0] for row in rows) != sorted(members):
        yield "RECORD does not name the members"
        return
    for name, said, length in rows:
        digest = base64.urlsafe_b64encode(hashlib.sha256(members[name]).digest()).rstrip(b"=").decode()
        true = ("", "") if name == f"{info}/RECORD" else (f"sha256={digest}", str(len(members[name])))
        if (said, length) != true:
            yield f"RECORD is wrong about {name}"


def _metadata(members: Mapping[str, bytes], name: str, info: str) -> Iterator[str]:
    said: Message = Parser().parsestr(members.get(f"{info}/METADATA", b"").decode("utf-8"))
    wanted = {"Name": name, "License-Expression": "Apache-2.0", "Requires-Python": ">=3.11"}
    yield from (f"METADATA says {key}: {said[key]}" for key, value in wanted.items() if said[key] != value)
    yield from (f"it needs something from an address: {one}" for one in said.get_all("Requires-Dist", []) if "@" in one)
    tags = members.get(f"{info}/WHEEL", b"").decode()
    if "Root-Is-Purelib: true\n" not in tags or "Tag: py3-none-any\n" not in tags:
        yield "it is not for every machine"
    if members.get(f"{info}/entry_points.txt", b"").decode() != ENTRY_POINTS.get(name, ""):
        yield "its console scripts are others"
