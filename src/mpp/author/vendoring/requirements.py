"""What a project asks for: names and versions, and nothing else.

Attack: a requirements file can name an index, a folder, an address or a program, so that a build takes code from where the project's
author says and not from where the person who builds it has agreed to. None of it is read here; such a line is refused.
"""

from __future__ import annotations

import os
import re
import tomllib
from hashlib import sha256

from mpp.author.limits import FLAG_CHARS_MAX, REQUIREMENTS_BYTES_MAX, WHEELS_MAX
from mpp.author.vendoring.advice import OURS, REPLACED
from mpp.errors import Fault, Refused
from mpp.files import read_bounded
from mpp.model.jsontext import shown
from mpp.model.value import value

PYPROJECT, REQUIREMENTS, LOCK = "pyproject.toml", "requirements.txt", "requirements.lock"

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===?|~=|!=|<=?|>=?)\s*[A-Za-z0-9.*+!_-]+"
_LINE = re.compile(
    rf"(?P<name>{_NAME})\s*(?:\[\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\])?\s*(?:\(?\s*{_VERSION}(?:\s*,\s*{_VERSION})*\s*\)?)?\s*(?:;[ -~]+)?", re.ASCII
)
_PIN = re.compile(rf"(?P<name>{_NAME})==(?P<version>[A-Za-z0-9.+!_-]+)(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{{64}})+)", re.ASCII)
_DIGEST = re.compile(r"# asked for: ([0-9a-f]{64})")


@value
class Pin:
    """One locked dependency."""

    name: str
    """Lower case, with dashes."""
    version: str
    hashes: tuple[str, ...]


@value
class Asked:
    """What the project asks for, in the order in which it stands there."""

    lines: tuple[str, ...]

    @property
    def digest(self) -> str:
        return sha256("\n".join(self.lines).encode("utf-8")).hexdigest()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_asked(root: str) -> Asked:
    """``[project] dependencies`` of pyproject.toml and the lines of requirements.txt; both may be absent."""
    lines: list[str] = []
    faults: list[Fault] = []
    for where, text in (*_of_pyproject(root), *_of_file(root)):
        match = _LINE.fullmatch(text) if len(text) <= FLAG_CHARS_MAX else None
        if match is None:
            hint = "write NAME, NAME==1.2 or NAME>=1,<2; an index is set for pip itself, and code from elsewhere is copied into app/"
            faults.append(Fault("project.dependency", where, f"{shown(text)!r} is no name with versions", hint))
        elif canonical(match["name"]) in REPLACED:
            faults.append(Fault("project.dependency", where, f"{match['name']} cannot be a dependency", REPLACED[canonical(match["name"])]))
        elif canonical(match["name"]) not in OURS:
            lines.append(text)
    if len(lines) > WHEELS_MAX:
        faults.append(Fault("project.dependency", REQUIREMENTS, f"{len(lines)} dependencies; a tool has at most {WHEELS_MAX}", "take fewer"))
    if faults:
        raise Refused.of(tuple(faults[:100]))
    return Asked(lines=tuple(lines))


def _of_pyproject(root: str) -> list[tuple[str, str]]:
    path = os.path.join(root, PYPROJECT)
    if not os.path.isfile(path):
        return []
    try:
        found = tomllib.loads(_text(path))
    except (ValueError, RecursionError):
        raise Refused("project.toml", "not TOML", where=PYPROJECT, hint="mend the TOML syntax") from None
    block = found.get("project")
    listed = block.get("dependencies", []) if isinstance(block, dict) else []
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise Refused("project.type", "must be a list of strings", where=f"{PYPROJECT}/project/dependencies", hint='write ["NAME>=1"]')
    return [(f"{PYPROJECT}/project/dependencies/{at}", item.strip()) for at, item in enumerate(listed)]


def _of_file(root: str) -> list[tuple[str, str]]:
    path = os.path.join(root, REQUIREMENTS)
    if not os.path.isfile(path):
        return []
    rows = ((at, re.sub(r"(^|\s)#.*", "", line).strip()) for at, line in enumerate(_text(path).splitlines(), 1))
    return [(f"{REQUIREMENTS}:{at}", line) for at, line in rows if line]


def _text(path: str) -> str:
    try:
        return read_bounded(path, REQUIREMENTS_BYTES_MAX).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("project.toml", "the text is not UTF-8", where=path, hint="save the file as UTF-8") from None


def read_lock(root: str, asked: Asked) -> tuple[Pin, ...]:
    """The locked dependencies; refused if there is no lock, or one that was made for other requirements."""
    path = os.path.join(root, LOCK)
    if not asked.lines and not os.path.isfile(path):
        return ()
    hint = "lock the dependencies with their hashes: mpp build --lock"
    if not os.path.isfile(path):
        raise Refused("project.lock", "dependencies are asked for and none is locked", where=LOCK, hint=hint)
    text = _text(path)
    if (digest := _DIGEST.search(text)) is None or digest[1] != asked.digest:
        raise Refused("project.lock", "was made for other dependencies than the project asks for now", where=LOCK, hint=hint)
    pins: dict[str, Pin] = {}
    # A line may go on after a back slash, as pip writes them.
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _PIN.fullmatch(line.strip())
        if match is None or canonical(match["name"]) in pins or canonical(match["name"]) in OURS:
            raise Refused("project.lock", f"{shown(line.strip())!r} is no dependency with its hashes, or a second one of its name", where=LOCK, hint=hint)
        hashes = tuple(sorted(part.removeprefix("--hash=sha256:") for part in match["hashes"].split()))
        pins[canonical(match["name"])] = Pin(name=canonical(match["name"]), version=match["version"], hashes=hashes)
    if len(pins) > WHEELS_MAX:
        raise Refused("project.lock", f"{len(pins)} dependencies; a tool has at most {WHEELS_MAX}", where=LOCK, hint="take fewer")
    return tuple(pins[name] for name in sorted(pins))


def write_lock(asked: Asked, pins: tuple[Pin, ...]) -> bytes:
    lines = [
        "# The dependencies of this project with the hashes of their files, written by: mpp build --lock",
        "# mpp build takes these files and no others. Keep it under version control.",
        f"# asked for: {asked.digest}",
        *(" ".join((f"{pin.name}=={pin.version}", *(f"--hash=sha256:{one}" for one in pin.hashes))) for pin in pins),
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")
