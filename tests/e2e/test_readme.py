"""The README is run as a newcomer would run it: its tour by shell, its Python as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ziglang", reason="the C compiler is not installed")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], str]:
    """The folder after the tour, the environment it ran in, and what its last command printed."""
    root = Path(__file__).parents[2]
    place = tmp_path_factory.mktemp("tour")
    blocks = BLOCK.findall((root / "README.md").read_text(encoding="utf-8"))
    commands = [line[2:] for kind, text in blocks if kind == "console" for line in text.splitlines() if line.startswith("$ ")]
    assert commands[0] == ". .venv/bin/activate"
    bin_folder = Path(sys.executable).parent
    environment = {**os.environ, "HOME": str(place), "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "MPP_HOME": ""}
    script = "set -e\n" + "\n".join(commands[1:])
    done = subprocess.run(["sh", "-c", script], cwd=place, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return place, environment, done.stdout


def test_the_tour_ends_verified(tour: tuple[Path, dict[str, str], str]) -> None:
    assert "verified: com.example.hello 0.1.0 is intact, its publisher 'Ada Example' is trusted (own key)" in tour[2]


def test_the_shown_checks_are_the_real_ones(tour: tuple[Path, dict[str, str], str]) -> None:
    """The names of checks, and the words that do not depend on keys or compiler, stand in the README as printed."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for line in tour[2].splitlines():
        if re.match(r"  [1-7] ✓ ", line):
            assert line[:29] in readme


def test_the_python_runs(tour: tuple[Path, dict[str, str], str]) -> None:
    place, environment, _ = tour
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    code = next(text for kind, text in BLOCK.findall(readme) if kind == "python")
    done = subprocess.run(
        [sys.executable, "-c", "import os, time\n" + code], cwd=place / "hello", env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("com.example.hello 0.1.0 ")
