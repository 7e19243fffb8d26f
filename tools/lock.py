"""Write requirements/*.txt anew from pyproject.toml: every package, version and hash, for all platforms.

Run it with ``python -m tools.lock`` after a change of dependencies; with ``--keep`` what is locked stays at its version, and only what is new
is added. It makes a throw-away environment for the resolver, so nothing but Python and pip is needed. The locks name no index: pip asks the
one you have configured.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("--extra", "c", "--extra", "console")
LOCKS = {
    "requirements/run.txt": ("pyproject.toml", *EXTRAS),
    "requirements/registry.txt": ("pyproject.toml", "registry/pyproject.toml", *EXTRAS),
    "requirements/build.txt": ("--group", "build"),
    "requirements/dev.txt": ("pyproject.toml", "registry/pyproject.toml", *EXTRAS, "--group", "dev"),
}
"""Each lock with what it holds."""

OURS = "model-package-protocol"
"""The registry names our own distribution, which no lock may name: it is the checkout."""

HEADER = "# Written by tools/lock.py from {source}. Install with: pip install --require-hashes -r {name}\n"
_FIXED = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the locks anew.", epilog="0 after success, 1 if a package is not found.")
    parser.add_argument("--keep", action="store_true", help="leave what is locked at its version")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        for name, chosen in LOCKS.items():
            _lock(f"{folder}/bin/uv", name, chosen, Path(folder), keep=keep)
    return 0


def _lock(uv: str, name: str, chosen: tuple[str, ...], folder: Path, *, keep: bool) -> None:
    """``--universal`` resolves for every platform and each Python from 3.11 on; markers tell them apart."""
    target, made = ROOT / name, folder / "made.txt"
    made.write_text(target.read_text(encoding="utf-8") if keep else "", encoding="utf-8")
    words = [str(_without_ours(folder)) if one == "registry/pyproject.toml" else one for one in chosen]
    upgrade = () if keep else ("--upgrade",)
    subprocess.run([uv, "pip", "compile", *words, *_FIXED, *upgrade, "--output-file", str(made)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    # With --keep uv keeps the comment at the head; ours is written anew in any case.
    text = re.sub(r"\A(?:#.*\n)*", "", made.read_text(encoding="utf-8"))
    target.write_text(HEADER.format(name=name, source="registry/pyproject.toml" if "registry" in name else "pyproject.toml") + text, encoding="utf-8")
    print(f"{name}: {len(re.findall(r'^[a-z0-9]', text, re.MULTILINE))} packages")


def _without_ours(folder: Path) -> Path:
    """What the registry needs from others. Attack: a stranger gives our name to a package of an index, and the resolver takes that."""
    found = tomllib.loads((ROOT / "registry" / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    made = folder / "registry.in"
    made.write_text("".join(f"{one}\n" for one in found if not one.startswith(OURS)), encoding="utf-8")
    return made


if __name__ == "__main__":
    sys.exit(main())
