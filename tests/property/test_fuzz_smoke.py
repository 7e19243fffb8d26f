"""A short run of both fuzz targets: 2,000 cases each. tests/fuzz/README.md tells how to run long ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNS = 2000
REACHED = {
    # A target whose cases all end at the first check would find nothing and still look busy.
    "fuzz_verify.py": (
        "inside: accepted",
        "inside: wasm.",
        "inside: manifest.",
        "inside: capability.",
        "stream: manifest.member_broken",
        "bytes: archive.",
        "root: signature.",
        "belief: publisher.",
    ),
    "fuzz_documents.py": ("manifest: accepted", "wasm: accepted", "chain: signature.", "trust: accepted", "key: accepted", "statement: accepted"),
}


def _run(root: Path, folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(root / "src"), os.environ.get("PYTHONPATH", ""))))
    command = [sys.executable, str(root / "tests" / "fuzz" / script), "--save", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", REACHED)
def test_a_short_run_finds_nothing_and_reaches_every_depth(root: Path, tmp_path: Path, script: str) -> None:
    done = _run(root, tmp_path, script, "--runs", str(RUNS), "--seed", "1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert f"{RUNS:,} executions" in done.stdout
    assert [kind for kind in REACHED[script] if kind not in done.stdout] == []


def test_the_loop_stops_and_saves_what_is_no_refusal(root: Path, tmp_path: Path) -> None:
    """A reader that fails in its own way is found, its input is kept, and the case can be made again by its number."""
    script = tmp_path / "fuzz_broken.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(root / 'tests' / 'fuzz')!r})\n"
        "from loop import Case, drive\n"
        "def read(data):\n    if data == b'77': raise KeyError('the fault')\n"
        "def make(rng):\n    return Case('broken', str(rng.randrange(100)).encode(), read)\n"
        "sys.exit(drive(make, sys.argv[1:]))\n",
        encoding="utf-8",
    )
    done = _run(root, tmp_path / "saved", str(script), "--runs", "2000", "--seed", "1")
    assert done.returncode == 1
    assert "KeyError: 'the fault'" in done.stdout
    assert [path.read_bytes() for path in (tmp_path / "saved").iterdir() if not path.suffix] == [b"77"]
