"""Hold the coverage gates: all branches of the pure modules, nine tenths of each other file.

``python -m tools.coverage_gate --run`` runs the tests under coverage first; with a path it only judges that report.
It is silent when all is well, so the last line is pytest's own summary.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "coverage.json"

PURE = (
    "src/mpp/errors.py", "src/mpp/limits.py", "src/mpp/model/", "src/mpp/crypto/", "src/mpp/stages/archive/", "src/mpp/stages/gatekeeper/", "src/mpp/stages/policy/",
    "src/mpp/stages/approval/",
)  # fmt: skip
PURE_PERCENT, OTHER_PERCENT = 100.0, 90.0

EXCEPTIONS: dict[str, tuple[float, str]] = {
    "src/mpp/stages/sandbox/compile_child.py": (
        0.0,
        "runs only in the compile jail; tests/unit/sandbox/test_native.py starts it for good, wrong, slow and large code",
    ),
    "src/mpp/stages/sandbox/zygote_main.py": (0.0, "runs only as its own process; every test that calls a worker starts it, test_zygote.py plays its part"),
    "src/mpp/stages/sandbox/worker.py": (
        60.0,
        "its start runs only in jailed processes; tests/unit/sandbox/test_run.py and tests/attack/test_t20 to t39 run it",
    ),
}
"""Files with a lower gate: the percentage, and why. Each must say what tests it instead."""


class File(NamedTuple):
    """What the report says of one file; ``percent`` counts lines and branches together."""

    percent: float
    missing: tuple[str, ...]


def read_report(path: Path) -> dict[str, File]:
    found = json.loads(path.read_text(encoding="utf-8"))
    out: dict[str, File] = {}
    for name, row in found["files"].items():
        branches = tuple(f"{start}->{end}" for start, end in row.get("missing_branches", ()) if start not in row["missing_lines"])
        out[name.replace("\\", "/")] = File(row["summary"]["percent_covered"], (*map(str, row["missing_lines"]), *branches))
    return out


def gate(name: str) -> float:
    """The percentage that a file must reach. A pure module is one by its full name or by its folder."""
    if name in EXCEPTIONS:
        return EXCEPTIONS[name][0]
    return PURE_PERCENT if any(name == pure or (pure.endswith("/") and name.startswith(pure)) for pure in PURE) else OTHER_PERCENT


def faults(files: Mapping[str, File]) -> Iterator[str]:
    """The files below their gate, the exceptions that name nothing, and an empty report."""
    if not any(name.startswith("src/mpp/") for name in files):
        yield "the report holds no file of src/mpp"
    for name in sorted(EXCEPTIONS.keys() - files.keys()):
        yield f"{name}: an exception for a file that is not there"
    for name, file in sorted(files.items()):
        if file.percent < gate(name):
            shown = ", ".join(file.missing[:12]) + (" ..." if len(file.missing) > 12 else "")
            yield f"{name}: {file.percent:.1f} % covered, {gate(name):.0f} % needed; not reached: {shown}"


def _run_tests() -> int:
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "tests", "--ignore=tests/attack", "--cov", "--cov-report=", f"--cov-report=json:{REPORT}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    path = REPORT
    if arguments == ["--run"]:
        failed = _run_tests()
        if failed:
            return failed
    elif arguments:
        path = Path(arguments[0])
    found = list(faults(read_report(path)))
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
