"""The vectors of audit logs against both stand-alone verifiers: the script, and the script of the page under Node."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from tests.verifier.running import LEVELS, MODES, NODE, SCRIPT, SCRIPT_MODES, Case, arguments, job, load, page, python, wrong

CASES = load()
ASKED = [(case, mode) for case in CASES for mode in (MODES if case.command == "log" else ("fast",))]
ASKED_OF_SCRIPT = [(case, mode) for case in CASES for mode in (SCRIPT_MODES if case.command == "log" else ("fast",))]
needs_node = pytest.mark.skipif(NODE is None, reason="the page is run by Node, and there is none here")
CLAUSE = re.compile(r"^\| (L-[0-9]+) \|", re.MULTILINE)

NO_VECTOR = {
    "L-2": "a hash: each vector would fail without it",
    "L-24": "how often a host seals",
    "L-30": "what a host does before it answers",
    "L-32": "what a host does when its disk fails",
    "L-33": "the same",
    "L-34": "what a host does after a crash",
    "L-41": "salts, which a log does not hold",
    "L-42": "the vault, which is no part of a log",
    "L-43": "a pseudonym looks like any text",
    "L-44": "a transcript, which is no part of a log",
    "L-51": "how a witness answers",
    **{f"L-8{number}": "what a host sends elsewhere" for number in range(9)},
}
"""Clauses that nobody can see in a file."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module; its own process for each vector would take minutes."""
    spec = importlib.util.spec_from_file_location("mpp_audit_verify", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, str], object]:
    """What the page says to all vectors."""
    found = page([job(case, mode) for case, mode in ASKED])
    return {(case.id, mode): one for (case, mode), one in zip(ASKED, found, strict=True)}


@pytest.mark.parametrize(("case", "mode"), ASKED_OF_SCRIPT, ids=[f"{case.id}-{mode}" for case, mode in ASKED_OF_SCRIPT])
def test_the_script_answers_as_it_must(case: Case, mode: str, script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    code = script.main(arguments(case, mode))
    found = json.loads(capsys.readouterr().out)
    if mode in case.modes():
        assert wrong(case, found) == []
        assert code == (1 if "code" in case.row else 0)
    else:
        assert found["ok"], "a quicker way finds it too: the vector should say so"


@needs_node
@pytest.mark.parametrize(("case", "mode"), ASKED, ids=[f"{case.id}-{mode}" for case, mode in ASKED])
def test_the_page_answers_as_it_must(case: Case, mode: str, answers: dict[tuple[str, str], object]) -> None:
    found = answers[case.id, mode]
    assert isinstance(found, dict)
    if mode in case.modes():
        assert wrong(case, found) == []
    else:
        assert found["ok"], "a quicker way finds it too: the vector should say so"


@needs_node
def test_the_page_needs_no_ed25519_of_the_browser() -> None:
    some = [case for case in CASES if case.row["verdict"] != "broken" or case.row["code"] == "audit.signature"][::3]
    found = page([job(case, case.mode) for case in some], webcrypto=False)
    assert [(case.id, wrong(case, one)) for case, one in zip(some, found, strict=True) if not isinstance(one, dict) or wrong(case, one)] == []


@pytest.mark.parametrize("case", CASES[3::24], ids=lambda case: case.id)
def test_the_script_runs_as_a_program(case: Case) -> None:
    done = python(*arguments(case, case.mode))
    assert done.stderr == ""
    assert done.returncode == (1 if "code" in case.row else 0)
    assert wrong(case, json.loads(done.stdout)) == []


def test_a_wrong_answer_is_seen() -> None:
    case = next(one for one in CASES if one.id == "audit/log/edit")
    answer = {"verdict": "broken", "covers": {"chained": 2, "signed": 0, "anchored": 0, "witnessed": 0}, "faults": []}
    fault = {"code": "audit.chain", "file": case.row["file"], "entry": 2}
    assert wrong(case, {**answer, "faults": [fault]}) == []
    for change in ({"code": "audit.seq"}, {"file": "checkpoint"}, {"entry": 3}):
        assert wrong(case, {**answer, "faults": [{**fault, **change}]}) != []
    assert wrong(case, {**answer, "faults": []}) != []
    assert wrong(case, {**answer, "covers": {}, "faults": [fault]}) != []


def test_there_are_vectors_of_each_verdict_and_code(root: Path) -> None:
    assert len(CASES) >= 200
    found = Counter(str(case.row["verdict"]) for case in CASES)
    assert min(found[level] for level in (*LEVELS, "broken", "host-signed")) >= 1, found
    codes = Counter(str(case.row.get("code")) for case in CASES)
    known = ("entry", "seq", "chain", "genesis", "log_id", "tile", "proof", "signature", "epoch", "seal", "root", "truncated", "fork", "note")
    assert min(codes[f"audit.{name}"] for name in known) >= 1, codes


def test_each_clause_that_a_file_can_break_has_a_vector(root: Path) -> None:
    known = set(CLAUSE.findall((root / "spec" / "7-audit.md").read_text(encoding="utf-8")))
    named = {clause for case in CASES for clause in case.list("clauses")}
    assert named <= known
    assert known - named == set(NO_VECTOR)


def test_each_broken_vector_says_which_verdict_sees_it() -> None:
    broken = [case for case in CASES if "code" in case.row]
    assert {case.row["verdict"] for case in broken} == {"broken"}
    assert {str(case.row.get("caught")) for case in broken} == {*LEVELS}
    assert {case.mode for case in broken} == {*MODES}
