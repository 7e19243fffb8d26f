"""The promises of the checkout itself: targets, locks, scripts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

TARGETS = [
    "demo",
    "dev",
    "fmt",
    "lint",
    "test",
    "attack",
    "conformance",
    "layers",
    "languages",
    "interop",
    "docs",
    "site",
    "bench",
    "wheels",
    "zipapp",
    "check",
]
LOCKS = ["run.txt", "registry.txt", "dev.txt"]


def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def pinned(text: str) -> dict[str, str]:
    """The packages of a lock with all that belongs to each."""
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    return {block.partition("==")[0]: block for block in blocks}


def names(wanted: list[str]) -> set[str]:
    return {match[0] for entry in wanted if isinstance(entry, str) and (match := re.match(r"[a-z0-9-]+", entry))}


def test_make_has_these_targets_and_each_is_one_line(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z]+):.*## .+\n((?:\t.*\n)*)", makefile, re.MULTILINE)
    assert [name for name, _ in rules if name != "help"] == TARGETS
    assert all(recipe.count("\n") <= 1 for _, recipe in rules)


def test_make_alone_lists_the_targets(root: Path) -> None:
    done = subprocess.run(["make", "--silent"], cwd=root, capture_output=True, text=True, check=True)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["help", *TARGETS]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_hashes_and_names_no_host_and_no_path(root: Path, name: str) -> None:
    text = (root / "requirements" / name).read_text(encoding="utf-8")
    packages = pinned(text)
    assert len(packages) >= 4
    assert [package for package, block in packages.items() if "--hash=sha256:" not in block] == []
    assert re.search(r"://|^-|file:|@ ", text, re.MULTILINE) is None


def test_the_locks_hold_all_that_the_project_names(root: Path) -> None:
    found = project(root)
    run = names([*found["project"]["dependencies"], *found["project"]["optional-dependencies"]["c"]])
    dev = run | names([*found["dependency-groups"]["test"], *found["dependency-groups"]["dev"]])
    locks = [set(pinned((root / "requirements" / name).read_text(encoding="utf-8"))) for name in LOCKS]
    registry = tomllib.loads((root / "registry" / "pyproject.toml").read_text(encoding="utf-8"))
    assert run <= locks[0]
    assert run | names(registry["project"]["dependencies"]) - {"model-package-protocol"} <= locks[1]
    assert dev <= locks[2]
    assert locks[0] <= locks[1] <= locks[2]


@pytest.mark.parametrize("name", [".ci/run", "tools/venv.sh"])
def test_a_script_stops_at_the_first_failure_and_can_be_run(root: Path, name: str) -> None:
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert os.access(root / name, os.X_OK)


def made_by(tmp_path: Path, root: Path, python: str) -> subprocess.CompletedProcess[str]:
    """`tools/venv.sh` in a folder of its own, where ``python`` is all that is called python3."""
    for name in ("tools/venv.sh", "requirements/dev.txt", "pyproject.toml", "registry/pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((root / name).read_bytes())
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "sh", "dirname", "cat", "rm", "head"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    (programs / "python3").write_text(python)
    (programs / "python3").chmod(0o755)
    environment = {"PATH": str(programs), "HOME": str(tmp_path), "PIP_RETRIES": "0", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(["bash", tmp_path / "tools" / "venv.sh"], env=environment, capture_output=True, text=True, check=False, timeout=120)


OLD = """#!/bin/sh
case "$2" in *version_info?:2?*) echo "; python3 is 3.9";; *ensurepip*) exit 0;; *) exit 1;; esac
"""


def test_a_python_that_is_too_old_is_named_with_a_way_out(tmp_path: Path, root: Path) -> None:
    done = made_by(tmp_path, root, OLD)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Python 3.11 or newer was found; python3 is 3.9\nhint: ")


def test_no_network_is_named_with_a_way_out_and_the_next_make_goes_on(tmp_path: Path, root: Path) -> None:
    for _ in range(2):
        done = made_by(tmp_path, root, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        assert done.returncode == 1
        assert "error: the packages could not be installed" in done.stderr
        assert "PIP_INDEX_URL" in done.stderr
        assert not (tmp_path / ".venv" / "stamp").exists(), "nothing says that it is whole"
        # As when it was interrupted while pip was put into it: the next one makes it anew.
        for one in (tmp_path / ".venv" / "lib").glob("python*/site-packages/pip"):
            shutil.rmtree(one)
        shutil.rmtree(tmp_path / "programs")


def test_both_versions_are_the_same(root: Path) -> None:
    import mpp

    assert project(root)["project"]["version"] == mpp.__version__
