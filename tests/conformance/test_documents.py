"""Vectors of documents: there are enough of each kind, none is right by accident, and our own adapter answers each as it must."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from base64 import b64decode
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest

from conformance.hosts.own_documents import JUDGES, USAGE_EXIT, run
from conformance.make.__main__ import CONTEXTS, all_documents
from conformance.suite.__main__ import main, sample
from conformance.suite.documents import (
    DocumentCase,
    OwnDocuments,
    judge_document,
    judge_documents,
    load_documents,
    own_adapter,
    read_document_case,
    wrong_answer,
)
from conformance.suite.hosts import Executable, Outcome

CASES = load_documents()
KINDS = {
    "policy": 80,
    "policy-bundle": 15,
    "binding": 5,
    "question": 10,
    "answer": 15,
    "approval-proof": 15,
    "receipt": 5,
    "agent-proof": 12,
    "agent-statement": 6,
    "delegation": 6,
    "grant-chain": 15,
    "context-token": 10,
    "registry-log": 60,
    "registry-checkpoint": 25,
    "registry-bundle": 50,
    "registry-absence": 12,
    "registry-request": 25,
    "peer-list": 40,
    "introduction": 15,
    "fleet-trust": 35,
}
"""The fewest vectors of each kind."""

CLAUSE = re.compile(r"^(?:\| \**|\*\*)([A-Z]-[0-9]+)\b", re.MULTILINE)
REFUSED, ACCEPTED = (load_documents(f"documents/{name}")[0] for name in ("approval-proof/replayed", "policy/limits-hosts"))


class Answering:
    """An adapter that says one thing, whatever it is asked."""

    def __init__(self, answer: object, *, exit_code: int = 0) -> None:
        self.answer, self.exit_code = answer, exit_code

    def run(self, arguments: list[str], work: Path, home: Path | None = None) -> Outcome:
        return Outcome(exit=self.exit_code, out=json.dumps(self.answer).encode())


def saying(result: object = None, **changes: object) -> Answering:
    return Answering({"ok": True, "error": None, "result": result, **changes})


def refusing(code: str, **changes: object) -> Answering:
    return Answering({"ok": False, "error": {"code": code}, "result": None, **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_enough_of_each_kind(kind: str) -> None:
    mine = [case for case in CASES if case.kind == kind]
    assert len(mine) >= KINDS[kind]
    assert any(case.accept for case in mine)
    assert any(not case.accept for case in mine)


def test_there_are_no_other_kinds() -> None:
    assert {case.kind for case in CASES} == KINDS.keys() == JUDGES.keys()
    assert [case.id for case in CASES if case.id.split("/")[1] != case.kind] == []


def test_no_id_stands_twice_and_each_context_is_used() -> None:
    assert [name for name, count in Counter(one.id for one in all_documents()).items() if count > 1] == []
    assert {case.context for case in CASES if case.context} == CONTEXTS.keys()
    assert [case.id for case in CASES if not case.context_file.is_file()] == []


def test_each_clause_is_one_of_the_specification(root: Path) -> None:
    known = {clause for path in (root / "spec").glob("*.md") for clause in CLAUSE.findall(path.read_text(encoding="utf-8"))}
    unknown = {clause: case.id for case in CASES for clause in case.clauses if clause not in known}
    assert unknown == {}


@pytest.fixture(scope="module")
def codes(root: Path) -> set[str]:
    """Every code of the specification, with what families share."""
    listed = (root / "spec" / "codes.toml").read_text(encoding="utf-8")
    known = set(re.findall(r'^\[codes\."([a-z]+\.[a-z0-9_]+)"', listed, re.MULTILINE))
    for name, families in re.findall(r"^\[shared\.([a-z0-9_]+)\]\nfamilies = \[([^\]]*)\]", listed, re.MULTILINE):
        known |= {f"{family}.{name}" for family in re.findall(r'"([a-z]+)"', families)}
    return known


def test_each_code_is_one_of_the_specification(codes: set[str]) -> None:
    assert {case.code for case in CASES if not case.accept} - codes == set()


@pytest.mark.parametrize("family", ["policy", "agent", "approval", "token"])
def test_each_code_that_a_document_can_have_has_a_vector(family: str, codes: set[str]) -> None:
    mine = {code for code in codes if code.startswith(f"{family}.")}
    assert mine - {case.code for case in CASES} <= UNREACHED, "a code without a vector"


UNREACHED = {
    "agent.scope",  # of a front over HTTP
    "policy.held",  # of servers that are no packages
    "agent.behalf",  # of the start options of a host
    "agent.name",
    "agent.proof",
    "agent.statement",
    "agent.token",
    "agent.unknown",
    "agent.confirmation",  # of ID tokens
    "agent.issuer",
    "agent.jwk",
    "approval.base64",  # of the list of approvers
    "approval.duplicate",
    "approval.exists",
    "approval.mode",
    "approval.denied",  # of calls
    "approval.required",
    "approval.too_many",
    "approval.unanswered",
    "approval.unsigned",  # of answers that the host itself vouches for
    "approval.unknown",  # of commands
    "approval.no_key",
    "approval.name",  # no JSON holds such a name
    "policy.absent",  # of files on a machine
    "policy.grace",
    "policy.kept",
    "policy.mode",
    "policy.seen",
    "policy.two",
    "policy.address",  # of commands
    "policy.enrolment",
    "policy.fingerprint",
    "policy.preset",
    "policy.roots",
    "policy.source",
    "policy.unconfirmed",
    "policy.denied",  # of calls
    "policy.event",
    "policy.fleet",
    "policy.not_stopped",
    "policy.package",
    "policy.rate",
    "policy.stopped",
    "policy.tool",
    "policy.unverified",
    "token.absent",  # of tokens in the memory of a host
    "token.beyond",
    "token.call",
    "token.choice",
    "token.forged",
    "token.tool",
    "token.warrant",
}


@pytest.mark.parametrize("kind", KINDS)
def test_our_adapter_passes(kind: str) -> None:
    found = judge_documents([case for case in CASES if case.kind == kind], OwnDocuments(), 1)
    assert {verdict.case.id: verdict.wrong for verdict in found if not verdict.passed} == {}


@pytest.mark.parametrize("case", sample(CASES, 8), ids=lambda case: case.id)
def test_our_executable_passes(case: DocumentCase) -> None:
    assert judge_document(case, own_adapter()).wrong == ()


def passed_by(adapter: Answering) -> list[DocumentCase]:
    outcome = adapter.run([], Path())
    return [case for case in CASES if not wrong_answer(case, outcome)]


def test_an_adapter_that_accepts_everything_passes_nothing() -> None:
    for adapter in (saying(), saying({}), saying([]), Answering({"ok": True})):
        assert [case.id for case in passed_by(adapter)] == []


@pytest.mark.parametrize("code", sorted({case.code for case in CASES if not case.accept}))
def test_an_adapter_that_refuses_everything_with_one_code_fails(code: str) -> None:
    passed = passed_by(refusing(code))
    assert {case.code for case in passed} == {code}
    for kind, count in Counter(case.kind for case in passed).items():
        assert count < sum(case.kind == kind for case in CASES) / 2


def test_no_answer_is_right_for_two_documents_that_are_accepted_by_chance() -> None:
    results = {kind: [json.dumps(case.result(), sort_keys=True) for case in CASES if case.kind == kind and case.accept] for kind in KINDS}
    for kind, found in results.items():
        commonest = Counter(found).most_common(1)[0][1]
        # Proofs and bundles that hold are mostly about one call, and one version.
        assert commonest <= max(2, len(found) * 3 // 4), kind


def test_rules_in_the_other_order_mean_the_same() -> None:
    turned = [case for case in CASES if case.id.endswith("-turned")]
    assert len(turned) >= 20
    for case in turned:
        plain = read_document_case(case.folder.with_name(case.folder.name.removesuffix("-turned")))
        assert plain.result() == case.result()
        documents = [json.loads((one.folder / one.document).read_bytes()) for one in (plain, case)]
        rules = [document.pop("rules") for document in documents]
        assert documents[0] == documents[1]
        assert rules[0] == rules[1][::-1]


def by_schema(case: DocumentCase) -> list[tuple[str, object]]:
    """What of a vector that is accepted must fit which schema."""
    context = json.loads(case.context_file.read_bytes())
    found: list[tuple[str, object]] = [(name, context[name]) for name in ("agents", "approvers") if name in context]
    if case.generate or not case.accept or case.kind not in {"policy", "policy-bundle", "answer"}:
        return found
    data = (case.folder / case.document).read_bytes()
    document = tomllib.loads(data.decode("utf-8")) if case.document.endswith(".toml") else json.loads(data)
    return [*found, (case.kind, json.loads(b64decode(document["payload"])) if case.kind == "answer" else document)]


def test_what_is_sound_fits_its_schema(root: Path) -> None:
    names = ("policy", "policy-bundle", "answer", "agents", "approvers")
    schemas = {name: jsonschema_rs.validator_for(json.loads((root / "spec" / "schema" / f"{name}.schema.json").read_bytes())) for name in names}
    rows = [(case.id, name, document) for case in CASES for name, document in by_schema(case)]
    assert {name for _, name, _ in rows} == set(names)
    assert [(id_, name) for id_, name, document in rows if not schemas[name].is_valid(document)] == []


RESULT = ACCEPTED.result()


def changed_scope(**changes: object) -> object:
    found = json.loads(json.dumps(RESULT))
    found["calls"][0]["scope"].update(changes)
    return found


def test_the_shape_of_a_good_answer_passes() -> None:
    assert judge_document(ACCEPTED, saying(RESULT)).wrong == ()
    assert judge_document(REFUSED, refusing("approval.spent")).wrong == ()
    assert judge_document(REFUSED, Answering({"ok": False, "error": {"code": "approval.spent", "message": "used", "hint": "again"}})).wrong == ()


def test_the_lists_of_a_scope_are_sets() -> None:
    scope = RESULT["calls"][0]["scope"]
    assert len(scope["read"]) > 1
    assert judge_document(ACCEPTED, saying(changed_scope(read=scope["read"][::-1], env=scope["env"][::-1]))).wrong == ()
    assert not judge_document(ACCEPTED, saying(changed_scope(read=scope["read"][:1]))).passed
    assert not judge_document(ACCEPTED, saying(changed_scope(read=[*scope["read"], scope["read"][0]]))).passed


@pytest.mark.parametrize(
    ("case", "adapter", "words"),
    [
        (ACCEPTED, saying(None), "result should be"),
        (ACCEPTED, saying({"calls": []}), "result should be"),
        (ACCEPTED, saying(changed_scope(more=1)), "result should be"),
        (ACCEPTED, saying(RESULT, error={"code": "policy.json"}), "error should be null"),
        (ACCEPTED, saying(RESULT, ok=1), "should be accepted, ok is 1"),
        (ACCEPTED, refusing("policy.json"), "should be accepted, ok is False, error.code is 'policy.json'"),
        (ACCEPTED, Answering([]), "not one JSON object"),
        (REFUSED, saying(RESULT), "should be refused with approval.spent, ok is True"),
        (REFUSED, refusing("approval.expired"), "error.code should be 'approval.spent', is 'approval.expired'"),
        (REFUSED, refusing("approval.spent", result={"jti": "0" * 32}), "there should be no result"),
        (REFUSED, refusing("approval.spent", error="approval.spent"), "error.code should be 'approval.spent', is None"),
        (REFUSED, Answering({"ok": False, "error": {"code": "approval.spent"}}, exit_code=24), "exit 24 is no verdict"),
    ],
)
def test_each_fault_is_named(case: DocumentCase, adapter: Answering, words: str) -> None:
    found = judge_document(case, adapter)
    assert any(words in fault for fault in found.wrong), found.wrong


def script(tmp_path: Path, body: str, *, seconds: float = 120) -> Executable:
    path = tmp_path / "adapter.py"
    path.write_text("import json, pathlib, sys, time\n" + body, encoding="utf-8")
    return Executable([sys.executable, "-I", str(path)], seconds=seconds)


GOOD = "print(json.dumps({'ok': False, 'error': {'code': 'approval.spent'}})); "


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (GOOD + "pathlib.Path('kept').write_bytes(b'x')", "wrote files: kept"),
        (GOOD + "sys.exit(1)", "exit 1 is no verdict"),
        ("raise RuntimeError('boom')", "exit 1 is no verdict"),
        ("print('judging...'); " + GOOD, "not one JSON object"),
        ("time.sleep(600)", "no answer in time"),
    ],
)
def test_an_executable_keeps_its_manners(body: str, words: str, tmp_path: Path) -> None:
    found = judge_document(REFUSED, script(tmp_path, body, seconds=1.5 if "sleep" in body else 120))
    assert any(words in fault for fault in found.wrong), found.wrong


def test_an_adapter_is_asked_as_the_contract_says(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    judge_document(REFUSED, script(tmp_path, f"pathlib.Path({str(seen)!r}).write_text(json.dumps(sys.argv[1:]))"))
    kind, file, option, context, last = json.loads(seen.read_text())
    assert (kind, Path(file).name, option, last) == ("approval-proof", "document.json", "--with", "--json")
    assert json.loads(Path(context).read_bytes())["spent"]


def test_the_command_takes_an_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = script(tmp_path, GOOD)
    assert main(["--documents", shlex.join(bad.command), "--filter", "documents/approval-proof/repl*"]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n1 of 1\n"
    assert main(["--documents", shlex.join(bad.command), "--filter", "documents/approval-proof/expired"]) == 1
    out = capsys.readouterr().out
    assert "FAILED documents/approval-proof/expired: It ended a second ago" in out
    assert "expected: refused with approval.expired (spec N-" in out
    assert out.endswith("0 passed, 1 failed\n0 of 1\n")


def test_documents_are_asked_of_an_adapter_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = shlex.join(script(tmp_path, GOOD).command)
    assert main(["--documents", command, "--filter", "archive/comment*"]) == 1
    assert main(["--host", command, "--filter", "documents/*"]) == 1
    assert capsys.readouterr().out == "0 passed, 0 failed\n0 of 0\n" * 2


def test_the_command_judges_packages_and_documents_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--in-process", "--filter", "[ad]*line-feed", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {case["id"].partition("/")[0] for case in found["cases"]} == {"archive", "documents"}
    assert (found["passed"], found["failed"]) == (len(found["cases"]), 0)


def test_the_command_asks_the_executable_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--filter", "documents/receipt/sound"]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n1 of 1\n"


def test_an_exception_that_escapes_our_adapter_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setitem(JUDGES, "receipt", broken)
    found = judge_document(load_documents("documents/receipt/sound")[0], OwnDocuments())
    assert any("no verdict" in fault for fault in found.wrong)
    assert "boom" in found.said


def test_a_context_that_is_none_is_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = load_documents("documents/receipt/sound")[0]
    context = tmp_path / "context.json"
    context.write_text(json.dumps({**json.loads(case.context_file.read_bytes()), "more": 1}), encoding="utf-8")
    assert run(["receipt", str(case.folder / case.document), "--with", str(context), "--json"]) == USAGE_EXIT
    assert capsys.readouterr().out == ""


def test_a_case_says_either_a_code_or_that_it_is_accepted(tmp_path: Path) -> None:
    text = (REFUSED.folder / "case.toml").read_text(encoding="utf-8")
    for spoilt in (text + "accept = true\n", text.replace('code = "approval.spent"\n', "")):
        (tmp_path / "case.toml").write_text(spoilt, encoding="utf-8")
        with pytest.raises(ValueError, match=re.escape(str(tmp_path))):
            read_document_case(tmp_path)
