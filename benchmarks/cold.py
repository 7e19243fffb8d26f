"""The cold command: a new process for each turn, as a person or a script starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import NamedTuple

import content
from figures import file_of
from measure import Row, compare

from mpp.host.trust_store import TrustStore

TIMES, PLUS = 2.5, 0.060
BARE_START = ("-c", "import hashlib")
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)")


class Import(NamedTuple):
    """One import of the command: its own time and that with all it imports, in milliseconds."""

    name: str
    own: float
    total: float


class Cold:
    """A home that trusts the publisher, a small package, and the commands that are run on it."""

    def __init__(self, folder: str) -> None:
        self._environment = {key: text for key, text in os.environ.items() if key not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME"}}
        self._environment |= {"HOME": folder, "MPP_HOME": os.path.join(folder, ".mpp")}
        TrustStore(os.path.join(folder, ".mpp", "trust", "trust.json")).change(lambda _: content.TRUST)
        self.file = file_of(content.small(), folder, "small.mpp")

    def python(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, *arguments], env=self._environment, check=True, capture_output=True)

    def verify(self) -> object:
        return self.python("-m", "mpp", "verify", self.file)

    def row(self, rounds: int) -> Row:
        ours, base = compare(self.verify, lambda: self.python(*BARE_START), rounds)
        note = f"at most {1000 * (TIMES * base + PLUS):.0f} ms"
        return Row("cold `mpp verify small.mpp`", ours, "python -c 'import hashlib'", base, TIMES, note, PLUS)

    def imports(self) -> list[Import]:
        """What the command imports, the slowest by its own time first; interpreter start left out."""
        start = {name for name, *_ in _imports(self.python("-X", "importtime", "-c", "pass").stderr)}
        found = _imports(self.python("-X", "importtime", "-m", "mpp", "verify", self.file).stderr)
        return sorted((one for one in found if one.name not in start), key=lambda one: -one.own)


def _imports(lines: bytes) -> list[Import]:
    return [Import(name, int(own) / 1000, int(total) / 1000) for own, total, _, name in _LINE.findall(lines.decode())]
