# ruff: noqa: INP001 - a program, no package
"""Make a buildable project of one port: its own files, the adapter of `mpp init`, and what the ports share. Then build it.

python examples/migration/build.py everything-lite /tmp/ports
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORTS = ("everything-lite", "filesystem-lite", "memory-lite", "time-lite")


def lay_out(name: str, parent: Path) -> Path:
    """The project ``parent/name``, complete."""
    project = parent / name
    shutil.copytree(HERE / name, project)
    adapter = Path(str(files("mpp.author"))) / "templates" / "c"
    (project / "include").mkdir()
    for source, folder in ((adapter / "include" / "mpp.h", "include"), (adapter / "src" / "mpp.c", "src"), (HERE / "common" / "ported.h", "include"), (HERE / "common" / "ported.c", "src")):  # fmt: skip
        shutil.copy(source, project / folder)
    return project


if __name__ == "__main__":
    made = lay_out(sys.argv[1], Path(sys.argv[2]))
    subprocess.run([sys.executable, "-m", "mpp", "build"], cwd=made, check=True)
    sys.stdout.write(f"{made}\n")
