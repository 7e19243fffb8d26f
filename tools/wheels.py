"""``make wheels``: wheel, source archive and bill of materials of each of our distributions, the same bytes wherever they are built.

Each is built from a copy that holds what git tracks and nothing else, so neither a forgotten file of a work tree nor the rights and times of
its files come into it. The backend and its version are locked in requirements/dev.txt. Times inside are those of SOURCE_DATE_EPOCH, or the
fixed day that the backend takes when nothing is said. What was built is then read back and judged by tools/wheel_check.py.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tools import sbom, wheel_check
from tools.tidy import ROOT

BUILD_SECONDS_MAX = 300
"""Seconds for one build. Reason: it takes six; a machine that is busy may take ten times that."""
SUMS = "SHA256SUMS"


class Distribution(NamedTuple):
    name: str
    folder: str
    """Where its pyproject.toml is, from the root."""
    sources: tuple[str, ...]
    """What it is built from: files and folders below ``folder``."""
    packed: Mapping[str, str]
    """Which of those go into the wheel, and under which name."""
    lock: str
    """The lock with what it needs; empty if it needs nothing."""


_META = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
DISTRIBUTIONS = (
    Distribution(
        "model-package-protocol",
        ".",
        (*_META, "CHANGELOG.md", "src/mpp", "spec", "sdk/python/src/mpp_sdk", "sdk/typescript/dist", "sdk/typescript/package.json"),
        {
            "src/mpp": "mpp",
            "spec": "mpp/spec",
            "sdk/python/src/mpp_sdk": "mpp/_sdk/mpp_sdk",
            "sdk/typescript/dist": "mpp/_sdk_typescript/dist",
            "sdk/typescript/package.json": "mpp/_sdk_typescript/package.json",
        },
        "requirements/run.txt",
    ),
    Distribution("mpp-registry", "registry", (*_META, "src/mpp_registry"), {"src/mpp_registry": "mpp_registry"}, "requirements/registry.txt"),
    Distribution("mpp-sdk", "sdk/python", (*_META, "src/mpp_sdk"), {"src/mpp_sdk": "mpp_sdk"}, ""),
)


def tracked(base: Path, sources: tuple[str, ...]) -> list[str]:
    """The files of a distribution, from ``base`` on: those that git tracks; in a checkout without git, all but what tools leave behind."""
    asked = ["git", "-C", str(base), "ls-files", "-z", "--", *sources]
    if (ROOT / ".git").exists() and shutil.which("git"):
        done = subprocess.run(asked, capture_output=True, check=False, timeout=60)
        # Git answers nothing in a checkout of another user; then it is one without git.
        if done.returncode == 0:
            found = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
            return sorted(name for name in found if (base / name).is_file())
    paths = [one for source in sources for one in ((base / source).rglob("*") if (base / source).is_dir() else [base / source])]
    return sorted(str(one.relative_to(base)) for one in paths if one.is_file() and "__pycache__" not in one.parts)


def copy_sources(one: Distribution, to: Path) -> list[str]:
    """A copy with plain files only, each readable by all and writable by its owner. Attack: a link in the tree that leads to a secret outside."""
    base = ROOT / one.folder
    names = tracked(base, one.sources)
    for name in names:
        if (base / name).is_symlink():
            sys.exit(f"error: {one.folder}/{name} is a link; distributions hold plain files")
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / name, to / name)
        (to / name).chmod(0o644)
    return names


def copy_tracked(base: Path, name: str, to: Path) -> bool:
    """A file, or what is in a folder, to a place; was there anything?"""
    names = tracked(base, (name,))
    for one in names:
        target = to if one == name else to / one[len(name) + 1 :]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / one, target)
    return bool(names)


def expected(one: Distribution, names: list[str], base: Path) -> dict[str, Path]:
    """What the wheel holds beside its metadata: name in the wheel, and the file below ``base`` that it must equal."""
    found = {}
    for source, target in one.packed.items():
        for name in names:
            if name == source or name.startswith(f"{source}/"):
                found[target + name[len(source) :]] = base / name
    return found


def build(one: Distribution, out: Path, source: Path) -> tuple[Path, Path]:
    """Wheel and source archive out of a folder with its sources."""
    kept = {name: os.environ[name] for name in ("PATH", "SOURCE_DATE_EPOCH", "HOME", "TMPDIR") if name in os.environ}
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(out), "-t", "sdist", "-t", "wheel"]
    done = subprocess.run(words, cwd=source, env=kept, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS_MAX)
    if done.returncode != 0:
        sys.exit(f"error: {one.name} was not built\n{done.stderr[-2000:]}")
    stem = one.name.replace("-", "_")
    return next(out.glob(f"{stem}-*.whl")), next(out.glob(f"{stem}-*.tar.gz"))


def rebuilt(one: Distribution, archive: Path, out: Path) -> Path:
    """The wheel out of the source archive, as somebody builds it who has no checkout."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as packed:
            # The filter of extractall came with Python 3.11.4; Debian 12 has 3.11.2. An archive of ours holds nothing but plain files.
            for member in packed.getmembers():
                content = packed.extractfile(member)
                if content is None or member.name.startswith("/") or ".." in member.name.split("/"):
                    sys.exit(f"error: {archive.name}: {member.name} is no plain file inside of it")
                target = Path(folder) / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
        (inner,) = Path(folder).iterdir()
        return build(one, out, inner)[0]


def make(one: Distribution, out: Path) -> list[Path]:
    """One distribution from the checkout, judged: its wheel, its source archive, and its bill of materials."""
    with tempfile.TemporaryDirectory() as folder:
        names = copy_sources(one, Path(folder))
        return made_from(one, out, Path(folder), names)


def made_from(one: Distribution, out: Path, source: Path, names: list[str]) -> list[Path]:
    wheel, archive = build(one, out, source)
    findings = wheel_check.findings(wheel, one.name, expected(one, names, source))
    with tempfile.TemporaryDirectory() as folder:
        if rebuilt(one, archive, Path(folder)).read_bytes() != wheel.read_bytes():
            findings.append("the wheel that is built from the source archive is another")
    if findings:
        sys.exit("\n".join(f"error: {wheel.name}: {words}" for words in findings))
    bill = out / f"{wheel.name}.cdx.json"
    bill.write_bytes(sbom.bill(wheel, one.name, ROOT / one.lock if one.lock else None))
    return [wheel, archive, bill]


def write_sums(made: list[Path], out: Path) -> str:
    text = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(made))
    (out / SUMS).write_text(text, encoding="ascii")
    return text


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.wheels", description="Build the wheels, source archives and bills of materials.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where they are written; dist if left out")
    parser.add_argument("--only", choices=[one.name for one in DISTRIBUTIONS], action="append", help="one of them; may be repeated")
    chosen = parser.parse_args(words)
    chosen.out.mkdir(parents=True, exist_ok=True)
    made = [path for one in DISTRIBUTIONS if not chosen.only or one.name in chosen.only for path in make(one, chosen.out)]
    print(write_sums(made, chosen.out), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
