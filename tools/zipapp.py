"""``make zipapp``: mpp with all that it needs in one file that Python starts, for machines like this one.

The file holds the packages of requirements/registry.txt as their hashes say, but for the C compiler, and our wheels. Native code is among
them: the file is for one system, one processor and one minor version of Python, which its name says. tools/zipapp_start.py is what starts it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools import sbom, wheels
from tools.tidy import ROOT
from tools.zipapp_start import PAYLOAD, WHAT

LOCK = ROOT / "requirements" / "registry.txt"
LEFT_OUT = ("ziglang",)
"""Reason: a hundred megabytes that only `mpp build` of C needs."""
INSTALL_SECONDS_MAX = 900
"""Seconds for pip. Reason: 60 MB on a slow line."""
DATE = (2020, 2, 2, 0, 0, 0)
"""Of each member, so that the same contents give the same file."""


def name_for(version: str) -> str:
    return f"mpp-{version}-py{sys.version_info.major}{sys.version_info.minor}-{sysconfig.get_platform()}.pyz"


def lock_without(text: str, left_out: tuple[str, ...]) -> str:
    """The lock without the blocks of some packages."""
    lines, skipping = [], False
    for line in text.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            skipping = line.partition("==")[0] in left_out
        if not skipping:
            lines.append(line)
    return "".join(lines)


def gather(site: Path, built: Path) -> None:
    """Everything that is imported, as pip lays it out, without what only says where it came from."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary", ":all:"]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "lock.txt"
        wanted.write_text(lock_without(LOCK.read_text(encoding="utf-8"), LEFT_OUT), encoding="utf-8")
        subprocess.run([*pip, "--require-hashes", "--target", str(site), "-r", str(wanted)], check=True, timeout=INSTALL_SECONDS_MAX)
        ours = [str(next(built.glob(f"{name}-*.whl"))) for name in ("model_package_protocol", "mpp_registry")]
        subprocess.run([*pip, "--no-index", "--upgrade", "--target", str(site), *ours], check=True, timeout=INSTALL_SECONDS_MAX)
    shutil.rmtree(site / "bin", ignore_errors=True)
    for pattern in ("*.dist-info/direct_url.json", "*.dist-info/REQUESTED", "*.dist-info/RECORD", "**/__pycache__"):
        for path in list(site.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def members(site: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(site.rglob("*")):
        if path.is_file():
            yield f"{PAYLOAD}{path.relative_to(site).as_posix()}", path.read_bytes()


def write(site: Path, target: Path) -> None:
    """The same folder gives the same file."""
    digest = hashlib.sha256()
    for name, data in members(site):
        digest.update(f"{name}\0{len(data)}\0".encode() + hashlib.sha256(data).digest())
    what = {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "platform": sysconfig.get_platform(), "digest": digest.hexdigest()}
    start = (Path(__file__).parent / "zipapp_start.py").read_bytes()
    with target.open("wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, data in (("__main__.py", start), (WHAT, json.dumps(what).encode()), *members(site)):
                info = zipfile.ZipInfo(name, DATE)
                info.external_attr, info.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
    target.chmod(0o755)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.zipapp", description="Make mpp as one file.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where it is written; dist if left out")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        site, built = Path(folder) / "site", Path(folder) / "wheels"
        built.mkdir()
        for one in wheels.DISTRIBUTIONS[:2]:
            wheels.make(one, built)
        version = next(built.glob("model_package_protocol-*.whl")).name.split("-")[1]
        gather(site, built)
        target = out / name_for(version)
        write(site, target)
    parts = len(sbom.read_lock(lock_without(LOCK.read_text(encoding="utf-8"), LEFT_OUT)))
    print(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target.name}\n{target.stat().st_size // 2**20} MiB, {parts} packages and ours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
