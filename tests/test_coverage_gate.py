"""The coverage gates can fail: below the gate, for a stale exception, for an empty report."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tools import coverage_gate as gates

FULL, NEAR, HALF = gates.File(100.0, ()), gates.File(95.0, ("7", "8->9")), gates.File(50.0, tuple("123456789abcdef"))
PURE, OTHER, REGISTRY = "src/mpp/model/fields.py", "src/mpp/host/home.py", "registry/src/mpp_registry/log/ledger.py"

JUDGED = [
    ({PURE: FULL, OTHER: FULL}, []),
    ({PURE: FULL, OTHER: NEAR}, []),
    ({PURE: NEAR}, [f"{PURE}: 95.0 % covered, 100 % needed; not reached: 7, 8->9"]),
    ({OTHER: HALF}, [f"{OTHER}: 50.0 % covered, 90 % needed; not reached: 1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c ..."]),
    ({"src/mpp/errors.py": NEAR}, ["src/mpp/errors.py: 95.0 % covered, 100 % needed; not reached: 7, 8->9"]),
    ({"src/mpp/errors.pyx": NEAR}, []),
]


@pytest.fixture
def no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "EXCEPTIONS", {})


@pytest.mark.usefixtures("no_exceptions")
@pytest.mark.parametrize(("files", "found"), JUDGED)
def test_files_are_judged_by_their_gate(files: dict[str, gates.File], found: list[str]) -> None:
    assert list(gates.faults({**files, REGISTRY: FULL})) == found


@pytest.mark.usefixtures("no_exceptions")
def test_a_report_without_one_of_the_distributions_is_none() -> None:
    assert list(gates.faults({})) == ["the report holds no file of src/mpp", "the report holds no file of registry/src/mpp_registry"]
    assert list(gates.faults({OTHER: FULL})) == ["the report holds no file of registry/src/mpp_registry"]


def test_an_exception_lowers_the_gate_of_one_file_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "EXCEPTIONS", {OTHER: (40.0, "a reason"), "src/mpp/gone.py": (1.0, "a reason")})
    assert list(gates.faults({OTHER: HALF, REGISTRY: FULL})) == ["src/mpp/gone.py: an exception for a file that is not there"]


@pytest.mark.usefixtures("no_exceptions")
def test_a_report_is_read(tmp_path: Path) -> None:
    row = {"summary": {"percent_covered": 95.0}, "missing_lines": [7], "missing_branches": [[7, 8], [8, 9]]}
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps({"files": {PURE: row, REGISTRY: row}}))
    assert gates.read_report(path) == {PURE: NEAR, REGISTRY: NEAR}
    assert gates.main([str(path)]) == 1
    row["summary"] = {"percent_covered": 100.0}
    path.write_text(json.dumps({"files": {PURE: row, REGISTRY: row}}))
    assert gates.main([str(path)]) == 0


def test_every_exception_has_a_reason() -> None:
    assert all(reason for _, reason in gates.EXCEPTIONS.values())


def files_of(part: gates.Part) -> set[Path]:
    left_out = tuple(path.removeprefix("--ignore=") for path in part.paths if path.startswith("--ignore="))
    found = (
        path
        for word in part.paths
        if not word.startswith("--")
        for path in ((gates.ROOT / word).rglob("test_*.py") if word[-3:] != ".py" else [gates.ROOT / word])
    )
    return {path for path in found if not str(path.relative_to(gates.ROOT)).startswith(left_out or "-")}


def test_each_file_of_tests_is_in_one_part() -> None:
    counted = Counter(path for part in gates.PARTS.values() for path in files_of(part))
    wanted = {path for path in (gates.ROOT / "tests").rglob("test_*.py") if path.relative_to(gates.ROOT).parts[1] != "attack"}
    assert len(wanted) > 500
    assert set(counted) == wanted
    assert [path for path, times in counted.items() if times > 1] == []


def test_a_change_is_checked_with_every_part() -> None:
    text = (gates.ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.search(r"^PARTS := (.+)$", text, re.MULTILINE)
    assert named is not None
    assert named[1].split() == list(gates.PARTS)
    check = text[text.index("\ncheck:") :]
    assert all(word in check for word in ("lint", "attack", "$(PARTS:%=part-%)", "conformance", "docs", "--judge"))


def test_a_part_that_did_not_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gates, "REPORT", tmp_path / "coverage.json")
    for name, part in gates.PARTS.items():
        if part.is_measured and name != "units":
            (tmp_path / f"part-{name}").mkdir()
            (tmp_path / f"part-{name}" / ".coverage").touch()
    assert gates.main(["--judge"]) == 1
    assert capsys.readouterr().err == "error: part-units did not run\n"
