"""Hold the coverage gates: all branches of the pure modules, nine tenths of each other file.

``python -m tools.coverage_gate --run`` runs the tests under coverage first; with a path it only judges that report. ``--part NAME`` runs
one part of the tests, ``--judge`` judges what all parts saw: ``make check`` runs them side by side with the attacks. It is silent when
all is well.
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
    """Properties and the tests of tools reach nothing that the other tests do not, and measuring makes them take twice as long."""


ABOUT_TOOLS = (
    "tests/test_claims.py", "tests/test_codes.py", "tests/test_coverage_gate.py", "tests/test_docs.py", "tests/test_measured.py", "tests/test_packaging.py",
    "tests/test_site.py", "tests/test_spec.py", "tests/test_tidy.py", "tests/test_tidy_rules.py",
)  # fmt: skip
"""Tests of texts, of the tree and of how it is packed."""

_ELSEWHERE = ("tests/attack", "tests/cli", "tests/unit", "tests/property", "tests/conformance", "tests/registry", *ABOUT_TOOLS)
_UNITS = ("tests/unit/author", "tests/unit/host")

PARTS: dict[str, Part] = {
    "cli": Part(("tests/cli",)),
    "host": Part(_UNITS),
    "programs": Part(("tests", *(f"--ignore={path}" for path in _ELSEWHERE))),
    "units": Part(("tests/unit", *(f"--ignore={path}" for path in _UNITS))),
    "registry": Part(("tests/registry",)),
    "properties": Part(("tests/property",), is_measured=False),
    "conformance": Part(("tests/conformance",)),
    "tools": Part(ABOUT_TOOLS, is_measured=False),
}
"""Together they are all tests but the attacks, the longest first. Each is a process, so that what one leaves in memory slows no other down."""

LANES = 2
"""How many parts run side by side for ``--run``. Reason: most wait for processes that they start, and a machine has two cores or more."""

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
    "src/mpp/host/legacy/oauth/callback.py": (85.0, "hostile pages and slow answers run in tests/attack/test_t73_legacy_login.py"),
    "src/mpp/host/legacy/oauth/discovery.py": (80.0, "hostile metadata runs in tests/attack/test_t73_legacy_login.py"),
    "src/mpp/host/legacy/oauth/tokens.py": (85.0, "hostile answers with tokens run in tests/attack/test_t73_legacy_login.py"),
    "src/mpp/host/legacy/oauth/web.py": (80.0, "addresses that lead elsewhere run in tests/attack/test_t73_legacy_login.py"),
    "src/mpp/host/patterns/child.py": (0.0, "runs only in the jail; tests/unit/host/test_patterns_judging.py starts it for good, bad and hostile patterns"),
    "src/mpp/serve/http_wire.py": (85.0, "slow, huge and smuggled requests run in tests/attack/test_t72_http.py"),
    "src/mpp/stages/sandbox/compile_child.py": (
        0.0,
        "runs only in the compile jail; tests/unit/sandbox/test_native.py starts it for good, wrong, slow and large code",
    ),
    "src/mpp/stages/sandbox/zygote_main.py": (0.0, "runs only as its own process; every test that calls a worker starts it, test_zygote.py plays its part"),
    "src/mpp/stages/sandbox/worker.py": (
        55.0,
        "its start and what it rehearses run only in jailed processes; tests/unit/sandbox/test_run.py and tests/attack/test_t20 to t39 run it",
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


def _run_all() -> int:
    """All parts, some side by side; each says its words when it is done, also after one that failed."""
    REPORT.unlink(missing_ok=True)
    with ThreadPoolExecutor(LANES) as threads:
        codes = list(threads.map(_run_quietly, PARTS))
    # One that was ended by a signal has a code below zero.
    return next(filter(None, codes), 0) or _judge_all()


def _run_quietly(name: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tools.coverage_gate", "--part", name], cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    sys.stdout.write(f"{name}:\n{done.stdout.decode(errors='replace')}")
    sys.stdout.flush()
    return done.returncode


def _folder(name: str) -> Path:
    return REPORT.parent / f"part-{name}"


def _run_part(name: str) -> int:
    """What it saw stays in its folder until all are judged."""
    part, folder = PARTS[name], _folder(name)
    command = [sys.executable, "-m", "pytest", *part.paths]
    if not part.is_measured:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    measured.prepare(folder / "children")
    for old in folder.glob(".coverage*"):
        old.unlink()
    # As in pyproject.toml, but processes are measured in our own way, which costs a fifth of coverage's.
    (folder / "coveragerc").write_text(f"[run]\nbranch = true\nsource = {','.join(Path(place).name for place in MEASURED)}\n", encoding="utf-8")
    command += ["-p", "tools.measured", "--cov", f"--cov-config={folder / 'coveragerc'}", "--cov-report="]
    environment = {**os.environ, "COVERAGE_FILE": str(folder / ".coverage"), measured.GIVEN: str(folder / "children")}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def _judge_all() -> int:
    """Join what the parts saw, and judge it. A part that has not run is no part that saw nothing."""
    folders = [_folder(name) for name, part in PARTS.items() if part.is_measured]
    absent = [folder.name for folder in folders if not (folder / ".coverage").is_file()]
    if absent:
        print(f"error: {', '.join(absent)} did not run", file=sys.stderr)
        return 1
    children = REPORT.parent / ".coverage-children"
    measured.join((folder / "children" for folder in folders), children)
    coverage = [sys.executable, "-m", "coverage"]
    for words in (
        ["combine", "--quiet", *(str(folder / ".coverage") for folder in folders), str(children)],
        ["json", "--quiet", "-o", str(REPORT)],
    ):
        subprocess.run([*coverage, *words], cwd=ROOT, check=True)
    return _report(REPORT)


def _report(path: Path) -> int:
    found = list(faults(read_report(path)))
    for fault in found:
        print(f"error: {fault}", file=sys.stderr)
    return bool(found)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["--run"]:
            return _run_all()
        case ["--part", name]:
            return _run_part(name)
        case ["--judge"]:
            return _judge_all()
    return _report(Path(arguments[0]) if arguments else REPORT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
