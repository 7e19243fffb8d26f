"""Runs the tests of a project: pytest over ``tests/``, confined like a build. A project that has none says so."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time

from mpp.author.developing.native import python_of
from mpp.author.languages.python_describe import interpreter_folders
from mpp.author.limits import TEST_MEMORY_BYTES_MAX, TEST_SECONDS_MAX
from mpp.author.project import Project
from mpp.author.running import SYSTEM_FOLDERS, Confinement, clean_environment, is_confined, run_confined
from mpp.author.vendoring.sdk import sdk_folder
from mpp.errors import Refused
from mpp.model.value import value

_COUNTS = re.compile(r"(\d+) (passed|failed|error)")


@value
class Tested:
    """How the tests went."""

    ok: bool
    seconds: float
    summary: str
    """One line."""
    output: str
    """What was said, where something failed."""


def run_tests(project: Project, *, trusts_project: bool = False) -> Tested | None:
    """None where there are no tests, or nothing to run them with."""
    python = _python_with_pytest(project.root) if _has_tests(project.root) else ""
    if not python:
        return None
    if not is_confined() and not trusts_project:
        return Tested(ok=True, seconds=0.0, summary="not run: this system cannot hold them; mpp dev --unconfined runs them all the same", output="")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mpp-tests-") as work:
        hold = Confinement(
            read=(project.root, sdk_folder(), os.path.dirname(os.path.dirname(python)), *interpreter_folders(), *sys.path, *SYSTEM_FOLDERS),
            write=(work, "/dev/null"),
            cpu=TEST_SECONDS_MAX,
            seconds=TEST_SECONDS_MAX,
            memory=TEST_MEMORY_BYTES_MAX,
        )
        env = clean_environment(work, {"PYTHONPATH": sdk_folder(), "PYTHONDONTWRITEBYTECODE": "1"})
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", f"--basetemp={work}/t", "tests"]
        try:
            done = run_confined(command, folder=project.root, env=env, hold=hold, again="install pytest again", what="pytest")
        except Refused as fault:
            return Tested(ok=False, seconds=time.monotonic() - begun, summary=fault.message, output="")
    counts = ", ".join(f"{number} {word}" for number, word in _COUNTS.findall(done.output.rpartition("\n")[2]))
    ok = done.status == 0
    return Tested(ok=ok, seconds=time.monotonic() - begun, summary=counts or f"pytest ended with {done.status}", output="" if ok else done.output)


def _has_tests(root: str) -> bool:
    folder = os.path.join(root, "tests")
    return os.path.isdir(folder) and any(name.startswith("test_") and name.endswith(".py") for name in os.listdir(folder))


def _python_with_pytest(root: str) -> str:
    """The project's own environment, this one, or the one on the path; the first that has pytest."""
    for python in (python_of(root), sys.executable, shutil.which("python3") or ""):
        if python and os.path.isfile(python) and _holds_pytest(python):
            return python
    return ""


def _holds_pytest(python: str) -> bool:
    """By looking where packages lie; nothing of them runs."""
    if python == sys.executable:
        return any(os.path.isdir(os.path.join(folder, "pytest")) for folder in sys.path if folder)
    library = os.path.join(os.path.dirname(os.path.dirname(python)), "lib")
    places = [
        os.path.join(library, name, kind) for name in (os.listdir(library) if os.path.isdir(library) else ()) for kind in ("site-packages", "dist-packages")
    ]
    return any(os.path.isdir(os.path.join(place, "pytest")) for place in places)
