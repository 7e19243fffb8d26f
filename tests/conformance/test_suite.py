"""The suite can fail: hosts that are wrong on purpose, each in its own way, and our own, which is right."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from conformance.suite.__main__ import main, sample
from conformance.suite.cases import load
from conformance.suite.hosts import Executable, InProcess, own_executable
from conformance.suite.judge import judge

REFUSED, ACCEPTED, UNTRUSTED, LARGE = (load(name)[0] for name in ("archive/comment", "accept/minimal", "signature/trust-unknown", "archive/file-256-mib"))

HEAD = "import json, os, pathlib, sys, time\n"
SAYS = {
    "accepts everything": "print(json.dumps({'ok': True, 'error': None}))",
    "refuses everything": "print(json.dumps({'ok': False, 'error': {'code': 'archive.not_zip', 'check': 1, 'stage': 'archive'}})); sys.exit(11)",
    "crashes": "raise RuntimeError('boom')",
    "dies": "os.kill(os.getpid(), 9)",
    "says nothing": "sys.exit(11)",
    "says a list": "print('[]'); sys.exit(11)",
    "talks too much": "print('judging...'); print(json.dumps({'ok': False})); sys.exit(11)",
    "exits with 1": "print(json.dumps({'ok': False, 'error': {'code': 'archive.comment', 'check': 1, 'stage': 'archive'}})); sys.exit(1)",
}
GOOD = "print(json.dumps({'ok': False, 'error': {'code': 'archive.comment', 'check': 1, 'stage': 'archive'}})); "


def host(tmp_path: Path, body: str, *, seconds: float = 10) -> Executable:
    script = tmp_path / "host.py"
    script.write_text(HEAD + body, encoding="utf-8")
    return Executable([sys.executable, "-I", str(script)], seconds=seconds)


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("case", [REFUSED, ACCEPTED], ids=lambda case: case.id)
def test_a_bad_host_fails(name: str, case, tmp_path: Path) -> None:
    assert not judge(case, host(tmp_path, SAYS[name])).passed


def test_the_shape_of_a_good_answer_passes(tmp_path: Path) -> None:
    assert judge(REFUSED, host(tmp_path, GOOD + "sys.exit(11)")).wrong == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (GOOD + "sys.exit(12)", "exit should be 11, is 12"),
        (GOOD.replace("archive.comment", "archive.trailer") + "sys.exit(11)", "error.code should be 'archive.comment', is 'archive.trailer'"),
        (GOOD.replace("'check': 1", "'check': 2") + "sys.exit(11)", "error.check should be 1, is 2"),
        (GOOD.replace("'check': 1", "'check': '1'") + "sys.exit(11)", "error.check should be 1, is '1'"),
        (GOOD.replace("'stage': 'archive'", "'stage': 'gatekeeper'") + "sys.exit(11)", "error.stage should be 'archive'"),
        (GOOD.replace("'ok': False", "'ok': 0") + "sys.exit(11)", "ok should be False, is 0"),
        (GOOD + "pathlib.Path(os.environ['MPP_HOME'], 'kept.mpp').write_bytes(b'x'); sys.exit(11)", "wrote files: kept.mpp"),
        (GOOD + "pathlib.Path('kept.mpp').write_bytes(b'x'); sys.exit(11)", "wrote files: kept.mpp"),
        (GOOD + "pathlib.Path(os.environ['TMPDIR'], 'a').mkdir(); sys.exit(11)", "wrote files: a"),
        (GOOD + "os.kill(os.getpid(), 11)", "is no verdict"),
        ("time.sleep(30)", "no answer in time"),
    ],
)
def test_each_fault_is_named(body: str, words: str, tmp_path: Path) -> None:
    found = judge(REFUSED, host(tmp_path, body, seconds=1.5))
    assert not found.passed
    assert any(words in fault for fault in found.wrong), found.wrong


def test_a_host_that_is_not_there_fails() -> None:
    found = judge(REFUSED, Executable(["/nowhere/host"]))
    assert not found.passed
    assert "cannot start" in found.said


@pytest.mark.parametrize("case", [REFUSED, ACCEPTED, UNTRUSTED, LARGE], ids=lambda case: case.id)
def test_our_executable_passes(case) -> None:
    assert judge(case, own_executable()).wrong == ()


@pytest.mark.parametrize("case", sample(load(), 200), ids=lambda case: case.id)
def test_our_host_passes_a_sample(case) -> None:
    assert judge(case, InProcess()).wrong == ()


def test_an_exception_that_escapes_our_host_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: list[str]) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr("mpp.cli.app.run", broken)
    found = judge(REFUSED, InProcess())
    assert any("no verdict" in fault for fault in found.wrong)
    assert "boom" in found.said


def test_the_command_ends_with_two_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--in-process", "--filter", "archive/comment*"]) == 0
    assert capsys.readouterr().out == "3 passed, 0 failed\n3 of 3\n"


def test_the_command_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = host(tmp_path, SAYS["accepts everything"])
    assert main(["--host", shlex.join(bad.command), "--filter", "archive/comment*"]) == 1
    out = capsys.readouterr().out
    assert "FAILED archive/comment: An archive comment" in out
    assert "expected: refused at check 1 with archive.comment, exit 11 (spec A-13)" in out
    assert out.endswith("0 passed, 3 failed\n0 of 3\n")


def test_the_command_answers_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = host(tmp_path, SAYS["crashes"])
    assert main(["--host", shlex.join(bad.command), "--filter", "accept/minimal", "--json", "-j", "1"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["failed"], found["cases"][0]["id"]) == (0, 1, "accept/minimal")


def test_no_case_is_a_failure() -> None:
    assert main(["--in-process", "--filter", "nothing/*"]) == 1


def test_the_sample_is_spread_over_all_stages() -> None:
    chosen = sample(load())
    assert 20 <= len(chosen) <= 40
    assert {case.id.partition("/")[0] for case in chosen} == {"accept", "archive", "capabilities", "manifest", "signature"}
