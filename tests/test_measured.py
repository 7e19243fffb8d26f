"""Processes that tests start are measured: their threads too, what is kept is whole, and nothing is kept where nobody asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

from tools import coverage_gate, measured
from tools.measured_child import FOLDERS, INTO, MEASURED, Measuring

ERRORS = f"{FOLDERS[0]}errors.py"
LIMITS = f"{FOLDERS[0]}limits.py"
CHILD = "import sys; sys.path.insert(0, {tools!r}); import measured_child; measured_child.begin({into!r}); measured_child.begin({into!r}); {then}"


def kept(into: Path, then: str, *, code: int = 0) -> dict[str, set[int]]:
    """What a process has kept that ran ``then``."""
    env = {key: text for key, text in os.environ.items() if not key.startswith("COV")} | {"PYTHONPATH": str(Path(FOLDERS[0]).parent)}
    words = CHILD.format(tools=str(coverage_gate.ROOT / "tools"), into=str(into), then=then)
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False, env=env, timeout=120)
    assert (done.returncode, done.stderr) == (code, "")
    return measured.read([into])


def lines(path: Path, name: str) -> set[int]:
    data = CoverageData(basename=str(path))
    data.read()
    return set(data.lines(name) or ())


def test_a_process_keeps_the_steps_of_the_product_and_of_nothing_else(tmp_path: Path) -> None:
    found = kept(tmp_path, "import mpp.errors")
    assert ERRORS in found
    assert all(name.startswith(FOLDERS) for name in found)
    measured.join([tmp_path], tmp_path / "joined")
    seen = lines(tmp_path / "joined", ERRORS)
    text = Path(ERRORS).read_text(encoding="utf-8").splitlines()
    wanted = {number for number, line in enumerate(text, 1) if line.startswith(("class ", "def ", "FAMILIES"))}
    assert wanted <= seen
    assert {number for number, line in enumerate(text, 1) if not line.strip()}.isdisjoint(seen)


def test_it_sees_what_coverage_itself_sees(tmp_path: Path) -> None:
    kept(tmp_path / "", "import mpp.limits")
    measured.join([tmp_path], tmp_path / "joined")
    env = {key: text for key, text in os.environ.items() if not key.startswith("COV")} | {"PYTHONPATH": str(Path(FOLDERS[0]).parent)}
    words = [sys.executable, "-m", "coverage", "run", "--branch", f"--data-file={tmp_path / 'theirs'}", "--rcfile=/dev/null", "--source=mpp"]
    (tmp_path / "one.py").write_text("import mpp.limits\n", encoding="utf-8")
    subprocess.run([*words, str(tmp_path / "one.py")], check=True, capture_output=True, env=env, cwd=tmp_path, timeout=120)
    arcs = {}
    for name in ("joined", "theirs"):
        data = CoverageData(basename=str(tmp_path / name))
        data.read()
        arcs[name] = sorted(data.arcs(LIMITS) or ())
    assert arcs["joined"] == arcs["theirs"] != []


def test_threads_are_measured_too(tmp_path: Path) -> None:
    then = "import threading, importlib; t = threading.Thread(target=importlib.import_module, args=('mpp.limits',)); t.start(); t.join()"
    assert LIMITS in kept(tmp_path, then)


def test_a_process_that_is_ended_keeps_nothing_and_does_no_harm(tmp_path: Path) -> None:
    assert kept(tmp_path, "import mpp.limits, os; os.kill(os.getpid(), 9)", code=-9) == {}
    (tmp_path / "1-half").write_bytes(b"half of a file")
    assert LIMITS in kept(tmp_path, "import mpp.limits")


def test_a_folder_that_is_gone_is_no_error_of_the_process(tmp_path: Path) -> None:
    assert kept(tmp_path / "gone", "import mpp.limits") == {}


def test_the_hook_begins_where_it_is_told_to_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = measured.install(tmp_path).read_text(encoding="utf-8")
    assert line.startswith("import ")
    assert line.count("\n") == 1
    for into in ("", str(tmp_path / "into")):
        (tmp_path / "into").mkdir(exist_ok=True)
        env = {key: text for key, text in os.environ.items() if not key.startswith("COV")} | ({INTO: into} if into else {})
        # As site.py reads it, and twice, as it does in some environments.
        code = f"import sys; line = {line!r}; exec(line); exec(line); print('measured_child' in sys.modules)"
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True, env=env, timeout=120)
        assert (done.stdout.strip(), done.stderr) == (str(bool(into)), "")


def test_pytest_hands_the_folder_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INTO, raising=False)
    monkeypatch.setenv(measured.GIVEN, "/a")
    measured.pytest_configure()
    assert (os.environ.pop(INTO), measured.GIVEN in os.environ) == ("/a", False)
    measured.pytest_configure()
    assert INTO not in os.environ


def test_a_folder_is_emptied_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "install", lambda _: None)
    (tmp_path / "old.arcs").write_bytes(b"old")
    measured.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_same_folders_are_measured_in_both_ways() -> None:
    assert tuple(f"{folder}/" for folder in coverage_gate.MEASURED) == MEASURED


def test_templates_are_data() -> None:
    class Tracer:
        class CFileDisposition:
            trace = None

    judge = Measuring(Tracer, "")._judge  # type: ignore[arg-type]
    assert [judge(f"{FOLDERS[0]}{name}", None).trace for name in ("a.py", "author/templates/a.py")] == [True, False]  # type: ignore[attr-defined,arg-type]
    assert judge("/elsewhere/mpp/a.py", None).trace is False  # type: ignore[attr-defined,arg-type]
