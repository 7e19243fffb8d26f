"""A job for a builder, and compilers that are shell scripts: what a builder does is tested without any toolchain."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mpp.author.languages.ports import Job, Toolchain
from mpp.author.project import BuildSettings
from mpp.model.manifest import parse_manifest
from mpp.testing import packages


def script(path: Path, body: str) -> Path:
    """A program of one line or more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def job(folder: Path, files: Mapping[str, str], *, program: Path, allow_network: bool = False, **settings: tuple[str, ...]) -> Job:
    """A project with these files, whose compiler is ``program``."""
    root = folder / "project"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("work", "cache"):
        (folder / name).mkdir()
    chain = Toolchain(name="fake", version="1.2.3", folder=str(program.parent.parent), program=str(program))
    return Job(
        root=os.path.realpath(root),
        settings=BuildSettings(language="fake", given=settings),
        manifest=parse_manifest(packages.files()["manifest.json"]),
        declares_tools=True,
        work=str(folder / "work"),
        cache=str(folder / "cache"),
        progress=lambda _: None,
        allow_network=allow_network,
        trusts_project=False,
        self_contained=False,
        toolchain=lambda _: chain,
        layer=lambda _: None,
    )
