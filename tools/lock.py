"""Write requirements/*.txt anew from pyproject.toml: every package, version and hash, for all platforms.

Run it with ``python -m tools.lock`` after a change of dependencies. It makes a throw-away environment for the
resolver, so nothing but Python and pip is needed. The locks name no index: pip asks the one you have configured.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "requirements/run.txt": ("pyproject.toml", "--extra", "c"),
    "requirements/registry.txt": ("pyproject.toml", "registry/pyproject.toml", "--extra", "c"),
    "requirements/dev.txt": ("pyproject.toml", "registry/pyproject.toml", "--extra", "c", "--group", "dev"),
}
"""Each lock with what it holds."""

OURS = ("--no-emit-package", "model-package-protocol")
"""The registry names our own distribution, which no lock may name: it is the checkout."""

HEADER = "# Written by tools/lock.py from {source}. Install with: pip install --require-hashes -r {name}\n"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        for name, chosen in LOCKS.items():
            _lock(f"{folder}/bin/uv", name, chosen)
    return 0


def _lock(uv: str, name: str, chosen: tuple[str, ...]) -> None:
    """``--universal`` resolves for every platform and each Python from 3.11 on; markers tell them apart."""
    fixed = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--upgrade", "--quiet")
    target = ROOT / name
    done = subprocess.run([uv, "pip", "compile", *chosen, *fixed, *OURS], cwd=ROOT, check=True, capture_output=True, text=True)
    target.parent.mkdir(exist_ok=True)
    target.write_text(HEADER.format(name=name, source="registry/pyproject.toml" if "registry" in name else "pyproject.toml") + done.stdout, encoding="utf-8")
    print(f"{name}: {done.stdout.count('==')} packages")


if __name__ == "__main__":
    sys.exit(main())
