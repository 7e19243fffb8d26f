"""Hold the coverage gates: all branches of the pure modules, nine tenths of each other file.

``python -m tools.coverage_gate --run`` runs the tests under coverage first; with a path it only judges that report.
It is silent when all is well, so the last line is pytest's own summary.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tools import measured

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "coverage.json"

PURE = (
    "src/mpp/errors.py", "src/mpp/limits.py", "src/mpp/model/", "src/mpp/crypto/", "src/mpp/stages/archive/", "src/mpp/stages/gatekeeper/", "src/mpp/stages/policy/",
    "src/mpp/stages/approval/",
)  # fmt: skip


class Part(NamedTuple):
    """Tests that run in one go."""

    paths: tuple[str, ...]
    is_measured: bool = True
    """Properties reach nothing that the other tests do not, and measuring makes them take twice as long."""


HALVES: dict[str, tuple[Part, ...]] = {
    "programs": (
        Part((
            "tests", "--ignore=tests/attack", "--ignore=tests/unit", "--ignore=tests/property", "--ignore=tests/conformance", "--ignore=tests/registry",
        )),
    ),
    "units": (Part(("tests/unit",)), Part(("tests/property",), is_measured=False), Part(("tests/conformance",)), Part(("tests/registry",))),
}  # fmt: skip
"""What runs side by side, each with its parts one after the other. Together they are all tests but the attacks."""

MEASURED = ("src/mpp", "registry/src/mpp_registry")
PURE_PERCENT, OTHER_PERCENT = 100.0, 90.0

EXCEPTIONS: dict[str, tuple[float, str]] = {
    "src/mpp/host/audit/core.py": (
        85.0,
        "its ways out of full, failing and cut off disks run where the attacks are: tests/attack/test_t63_log_crashes.py, test_t64_log_processes.py",
    ),
    "src/mpp/host/measuring/peers.py": (
        40.0,
        "what other filters do runs only where they are installed, for `mpp privacy bench`; tests/cli/test_privacy.py runs the rest",
    ),
    "registry/src/mpp_registry/web/admin/actions.py": (85.0, "its refusals of forms from elsewhere run in tests/attack/test_t96_registry_site.py"),
    "registry/src/mpp_registry/web/admin/entering.py": (75.0, "false administrators run in tests/attack/test_t96_registry_site.py, which reaches all of it"),
    "registry/src/mpp_registry/web/serving.py": (80.0, "hostile forms and hosts run in tests/attack/test_t96_registry_site.py, which reaches 98 %"),
    "registry/src/mpp_registry/web/me/pages.py": (85.0, "too many false words at its door run in tests/attack/test_t96_publisher_site.py"),
    "src/mpp/console/headers.py": (85.0, "hostile heads of requests run in tests/attack/test_t99_console.py, which reaches all of it"),
    "src/mpp/console/security.py": (80.0, "hostile requests and forms run in tests/attack/test_t99_console.py and test_t99_console_connections.py"),
    "src/mpp/cli/registry/show.py": (80.0, "evidence against a registry is shown in tests/attack/test_t92_registry_client.py, which reaches 91 %"),
    "src/mpp/cli/store/from_registry.py": (85.0, "its refusals of registries that lie run in tests/attack/test_t92_registry_client.py"),
    "registry/src/mpp_registry/store/postgres.py": (20.0, "runs only where PostgreSQL can be started; tests/registry/store runs its contract there"),
    "registry/src/mpp_registry/store/s3.py": (20.0, "runs only where an object storage can be started; tests/registry/store runs its contract there"),
    "src/mpp/testing/hostile.py": (0.0, "hostile messages for tests/attack/test_t68_filter.py, which is no part of this gate"),
    "src/mpp/host/legacy/launch.py": (
        20.0,
        "runs only as its own process; tests/unit/host/legacy starts it for each server, tests/attack/test_t73_legacy.py attacks it",
    ),
    "src/mpp/host/legacy/launch_root.py": (20.0, "runs only in the process that becomes a server; tests as for launch.py"),
    "src/mpp/testing/legacy_server.py": (10.0, "a server that runs as its own process, in tests/unit/host/legacy and tests/attack/test_t73_legacy.py"),
    "src/mpp/testing/offering_server.py": (10.0, "a server that runs as its own process, in tests/unit/host/legacy and tests/attack/test_t73_legacy_beside.py"),
    "src/mpp/host/patterns/child.py": (0.0, "runs only in the jail; tests/unit/host/test_patterns_judging.py starts it for good, bad and hostile patterns"),
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
    yield from (f"the report holds no file of {folder}" for folder in MEASURED if not any(name.startswith(f"{folder}/") for name in files))
    for name in sorted(EXCEPTIONS.keys() - files.keys()):
        yield f"{name}: an exception for a file that is not there"
    for name, file in sorted(files.items()):
        if file.percent < gate(name):
            shown = ", ".join(file.missing[:12]) + (" ..." if len(file.missing) > 12 else "")
            yield f"{name}: {file.percent:.1f} % covered, {gate(name):.0f} % needed; not reached: {shown}"


def _run_tests() -> int:
    """In two halves side by side: one waits for programs that it starts, the other computes. What each saw is joined."""
    REPORT.unlink(missing_ok=True)
    for name in HALVES:
        _clear(_folder(name))
    with ThreadPoolExecutor(len(HALVES)) as threads:
        failed = list(threads.map(_run_half, HALVES))
    for name in list(HALVES)[1:]:
        sys.stdout.write((_folder(name) / "output").read_text(encoding="utf-8", errors="replace"))
    if any(failed):
        return max(failed)
    data = [str(_data(name, number)) for name, parts in HALVES.items() for number, part in enumerate(parts) if part.is_measured]
    children = REPORT.parent / ".coverage-children"
    measured.join((_children(name) for name in HALVES), children)
    coverage = [sys.executable, "-m", "coverage"]
    for words in (["combine", "--quiet", *data, str(children)], ["json", "--quiet", "-o", str(REPORT)]):
        subprocess.run([*coverage, *words], cwd=ROOT, check=True)
    return 0


def _folder(name: str) -> Path:
    return REPORT.parent / f"half-{name}"


def _data(name: str, number: int) -> Path:
    return _folder(name) / f".coverage-{number}"


def _children(name: str) -> Path:
    return _folder(name) / "children"


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(".coverage*"):
        old.unlink()
    # As in pyproject.toml, but processes are measured in our own way, which costs a fifth of coverage's.
    (folder / "coveragerc").write_text(f"[run]\nbranch = true\nsource = {','.join(Path(place).name for place in MEASURED)}\n", encoding="utf-8")


def _command(name: str, number: int, part: Part) -> tuple[list[str], dict[str, str]]:
    """What is run, and what its environment holds beside ours."""
    plain = [sys.executable, "-m", "pytest", *part.paths]
    if not part.is_measured:
        return plain, {}
    return [*plain, "-p", "tools.measured", "--cov", f"--cov-config={_folder(name) / 'coveragerc'}", "--cov-report="], {
        "COVERAGE_FILE": str(_data(name, number)),
        measured.GIVEN: str(_children(name)),
    }


def _run_half(name: str) -> int:
    """All its parts, also after one that failed. The first half speaks while it runs, the others when all is done."""
    is_first = name == next(iter(HALVES))
    codes: list[int] = []
    measured.prepare(_children(name))
    with (_folder(name) / "output").open("wb") as output:
        for number, part in enumerate(HALVES[name]):
            command, more = _command(name, number, part)
            into = None if is_first else output
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, check=False, stdout=into, stderr=into)
            codes.append(done.returncode)
    return max(codes)


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
