"""The suite can fail: hosts that are wrong on purpose, each in its own way, and our own, which is right."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from conformance.suite.__main__ import SPREAD_MIN, main, run_all, sample
from conformance.suite.cases import load
from conformance.suite.hosts import Executable, InProcess, own_executable
from conformance.suite.judge import judge

REFUSED, ACCEPTED, UNTRUSTED, LARGE = (load(name)[0] for name in ("archive/comment", "accept/minimal", "signature/trust-unknown", "archive/file-256-mib"))

CALLED, FAILING, FORMED, TIMED, SAYING_NO = (
    load(f"run/{name}")[0] for name in ("answer-structured", "trap-divide", "line-written-anew", "time-loop", "no-error-result")
)

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


def host(tmp_path: Path, body: str, *, seconds: float = 120) -> Executable:
    script = tmp_path / "host.py"
    script.write_text(HEAD + body, encoding="utf-8")
    return Executable([sys.executable, "-I", str(script)], seconds=seconds)


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("case", [REFUSED, ACCEPTED, CALLED, FAILING], ids=lambda case: case.id)
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
        ("time.sleep(600)", "no answer in time"),
    ],
)
def test_each_fault_is_named(body: str, words: str, tmp_path: Path) -> None:
    found = judge(REFUSED, host(tmp_path, body, seconds=1.5 if "sleep" in body else 120))
    assert not found.passed
    assert any(words in fault for fault in found.wrong), found.wrong


RESULT = {"content": [{"type": "text", "text": "hi"}], "structuredContent": {"n": 1, "list": [True, None, "a"]}, "isError": False}


def answering(result: object = RESULT, **changes: object) -> str:
    """A host that answers a call with this."""
    return f"print(json.dumps(json.loads({json.dumps({'ok': True, 'error': None, 'result': result, **changes})!r}))); "


def test_the_shape_of_a_good_call_passes(tmp_path: Path) -> None:
    assert judge(CALLED, host(tmp_path, answering())).wrong == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (answering() + "sys.exit(30)", "exit should be 0, is 30"),
        (answering() + "sys.exit(1)", "is no verdict"),
        (answering() + "sys.exit(12)", "exit should be 0, is 12"),
        (answering(ok=1), "ok should be True, is 1"),
        (answering(error={"code": "tool.trap"}), "error should be None"),
        (answering(None), "result should be"),
        (answering({**RESULT, "isError": 0}), "result should be"),
        (answering({**RESULT, "isError": True}), "result should be"),
        (answering({**RESULT, "resultType": "complete"}), "result should be"),
        (answering({**RESULT, "content": []}), "result should be"),
        (answering({**RESULT, "content": [{"type": "text", "text": "Hi"}]}), "result should be"),
        (answering({**RESULT, "content": RESULT["content"] * 2}), "result should be"),
        (answering({**RESULT, "structuredContent": {"n": True, "list": [True, None, "a"]}}), "result should be"),
        (answering({**RESULT, "structuredContent": {"n": 1, "list": [1, None, "a"]}}), "result should be"),
        (answering({"content": RESULT["content"], "isError": False}), "result should be"),
        ("print('[]')", "not one JSON object"),
        (answering() + "pathlib.Path('kept').write_bytes(b'x')", "wrote files: kept"),
        (answering() + "pathlib.Path(os.environ['TMPDIR'], 'kept').write_bytes(b'x')", "wrote files: kept"),
        (answering() + "pathlib.Path(os.environ['HOME'], '.mpp').mkdir()", "wrote files: .mpp"),
        ("time.sleep(600)", "no answer in time"),
    ],
)
def test_each_fault_of_a_call_is_named(body: str, words: str, tmp_path: Path) -> None:
    found = judge(CALLED, host(tmp_path, body, seconds=1.5 if "sleep" in body else 120))
    assert any(words in fault for fault in found.wrong), found.wrong


def test_numbers_of_a_result_count_by_value(tmp_path: Path) -> None:
    assert judge(CALLED, host(tmp_path, answering({**RESULT, "structuredContent": {"list": [True, None, "a"], "n": 1.0}}))).wrong == ()


def test_a_call_finds_the_trust_document_and_may_write_beside_it(tmp_path: Path) -> None:
    look = "home = pathlib.Path(os.environ['MPP_HOME']); (home / 'cache').mkdir(); (home / 'cache' / 'a').write_bytes(b'x'); place = home / 'trust' / 'trust.json'; "
    look += "assert json.loads(place.read_text())['mpp_trust'] == 1; assert place.stat().st_mode & 0o777 == 0o600; assert os.listdir('.') == []; assert os.environ['HOME'] != str(home); "
    assert judge(CALLED, host(tmp_path, look + answering())).wrong == ()


def test_a_call_is_asked_as_the_vector_says(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    keep = f"pathlib.Path({str(seen)!r}).write_text(json.dumps(sys.argv[1:])); "
    judge(FORMED, host(tmp_path, keep))
    command, file, *words = json.loads(seen.read_text())
    assert (command, Path(file).name) == ("run", "input.mpp")
    assert words == ["--tool", "greet", "--args", FORMED.arguments, "--yes", "--json"]
    judge(TIMED, host(tmp_path, keep))
    assert json.loads(seen.read_text())[-3:] == ["--timeout", "200", "--json"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (answering(), "exit should be 30, is 0"),
        (answering(None, ok=False, error={"code": "tool.exit"}) + "sys.exit(30)", "error.code should be 'tool.trap', is 'tool.exit'"),
        (answering(ok=False, error={"code": "tool.trap"}) + "sys.exit(30)", "there should be no result"),
    ],
)
def test_a_tool_that_failed_gives_no_result(body: str, words: str, tmp_path: Path) -> None:
    assert any(words in fault for fault in judge(FAILING, host(tmp_path, body)).wrong)
    good = answering(None, ok=False, error={"code": "tool.trap"}) + "sys.exit(30)"
    assert judge(FAILING, host(tmp_path, good)).wrong == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"name":"Ada"', '"name":"Eve"'),
        ('"name":"Ada"', '"name": "Ada"'),
        ("0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789abcdef"),
        ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef\n"),
        ('"tools/call"', '"tools/list"'),
        ('"id":1', '"id":true'),
        ('"id":1,', ""),
        ('"user":"",', ""),
        ('"user":"",', '"user":"","more":1,'),
        ("{", "[{"),
    ],
)
def test_a_text_is_held_to_its_form(old: str, new: str, tmp_path: Path) -> None:
    sample_of = {"~[0-9a-f]{32}": "0123456789abcdef" * 2, "~[0-9a-f]{64}": "0" * 64, "~.*": ""}
    line = json.dumps(FORMED.expected("text"), separators=(",", ":"))
    for form, text in sample_of.items():
        line = line.replace(json.dumps(form), json.dumps(text))
    assert judge(FORMED, host(tmp_path, answering({"content": [{"type": "text", "text": line}], "isError": False}))).wrong == ()
    assert old in line
    wrong = judge(FORMED, host(tmp_path, answering({"content": [{"type": "text", "text": line.replace(old, new, 1)}], "isError": False}))).wrong
    assert any("the text should" in fault for fault in wrong), wrong


@pytest.mark.parametrize("result", [None, [], {"content": {}}, {"content": []}, {"content": [1]}, {"content": [{"text": 1}]}])
def test_a_result_without_a_text_fits_no_form(result: object, tmp_path: Path) -> None:
    assert not judge(FORMED, host(tmp_path, answering(result))).passed


def test_a_host_that_is_not_there_fails() -> None:
    found = judge(REFUSED, Executable(["/nowhere/host"]))
    assert not found.passed
    assert "cannot start" in found.said


@pytest.mark.parametrize("case", [REFUSED, ACCEPTED, UNTRUSTED, LARGE, CALLED, FAILING, FORMED, TIMED, SAYING_NO], ids=lambda case: case.id)
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


def test_the_command_says_which_call_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = host(tmp_path, SAYS["accepts everything"])
    assert main(["--host", shlex.join(bad.command), "--filter", "run/trap-divide"]) == 1
    assert "expected: refused with tool.trap, exit 30 (spec S-47)" in capsys.readouterr().out


def test_the_command_answers_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = host(tmp_path, SAYS["crashes"])
    assert main(["--host", shlex.join(bad.command), "--filter", "accept/minimal", "--json", "-j", "1"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["failed"], found["cases"][0]["id"]) == (0, 1, "accept/minimal")


def test_many_cases_are_spread_over_processes_and_come_back_in_order() -> None:
    cases = load("archive/*")[:SPREAD_MIN]
    found = run_all(cases, InProcess(), 2)
    assert [verdict.case.id for verdict in found] == [case.id for case in cases]
    assert all(verdict.passed for verdict in found)


def test_no_case_is_a_failure() -> None:
    assert main(["--in-process", "--filter", "nothing/*"]) == 1


def test_the_sample_is_spread_over_all_stages() -> None:
    chosen = sample(load())
    assert 20 <= len(chosen) <= 40
    assert {case.id.partition("/")[0] for case in chosen} == {"accept", "archive", "capabilities", "manifest", "run", "signature"}
