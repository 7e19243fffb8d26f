"""The examples of spec/attestation.md and spec/4-approval.md are what the library makes, and the schemas fit them and nothing with a key more."""

from __future__ import annotations

import copy
import json
from base64 import b64decode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mpp.model.jsontext import canonical
from mpp.stages.approval import Receipt, make_question, mint_proof, settle, sign_answer, write_approvers, write_receipt
from mpp.stages.approval import limits
from mpp.stages.approval.types import Approver
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import HOST, INVOCATION, approver, approver_key, approvers, asked, given, need

ROOT = Path(__file__).resolve().parents[3]
ATTESTATION = (ROOT / "spec" / "attestation.md").read_text(encoding="utf-8")
APPROVAL = (ROOT / "spec" / "4-approval.md").read_text(encoding="utf-8")

QUESTION = make_question(asked(), need("high"), given(), TestRandom())
ANSWER = sign_answer(QUESTION, approver_key("ada"), yes=True, approver="ada", amr="passphrase", now=NOW + 10)
KNOWN = approvers(approver("ada"))
PROOF = mint_proof(QUESTION, settle(QUESTION, (ANSWER,), KNOWN, NOW + 60), KNOWN, INVOCATION, HOST, NOW + 60)
RESULT = sha256(b'"Hello, Ada"').hexdigest()
RECEIPT = write_receipt(Receipt(invocation=INVOCATION, jti=QUESTION.jti, binding=QUESTION.binding, outcome="ok", at=NOW + 61, result_sha256=RESULT), HOST)
ELSEWHERE = Approver(
    id="carol@example.com", name="Carol", roles=("second", "admin"), issuer="https://id.example", subject="42", packages=("com.example.*", "*"), until=NOW
)
FULL = approvers(approver("ada", "approver", packages=("com.example.hello",), amr="tty"), ELSEWHERE)


def payload(envelope: bytes) -> bytes:
    return b64decode(json.loads(envelope)["payload"])


def signature(envelope: bytes) -> str:
    return str(json.loads(envelope)["signatures"][0]["sig"])


def number(count: int) -> str:
    return f"{count:,} bytes"


EXACT = [
    ("the action", canonical(QUESTION.action.shown()).decode()),
    ("its size", number(len(canonical(QUESTION.action.shown())))),
    ("its binding", QUESTION.binding),
    ("the answer", payload(ANSWER.envelope).decode()),
    ("its size", f"These are {len(payload(ANSWER.envelope))} bytes"),
    ("its hash", ANSWER.sha256),
    ("its signature", signature(ANSWER.envelope)),
    ("its envelope", f"{len(ANSWER.envelope)} bytes and the SHA-256 `{sha256(ANSWER.envelope).hexdigest()}`"),
    ("the proof", f"{number(len(payload(PROOF)))} and the SHA-256 `{sha256(payload(PROOF)).hexdigest()}`"),
    ("its signature", signature(PROOF)),
    ("the receipt", payload(RECEIPT).decode()),
    ("its signature", signature(RECEIPT)),
]


@pytest.mark.parametrize("text", [text for _, text in EXACT], ids=[f"{i} {name}" for i, (name, _) in enumerate(EXACT)])
def test_an_example_is_exact(text: str) -> None:
    assert text in ATTESTATION


def test_the_proof_is_shown_as_it_is() -> None:
    shown = ATTESTATION.split("reading:\n\n```json\n")[1].split("```")[0]
    whole = json.loads(payload(PROOF))
    found = json.loads(shown.replace('{"agent": {"name": "claude", "proof": "launched"}, …}', json.dumps(whole["action"])))
    assert found == whole


def test_the_list_of_approvers_is_exact() -> None:
    assert write_approvers(KNOWN).decode() in APPROVAL


def test_the_numbers_are_those_of_the_limits() -> None:
    for count, words in (
        (limits.TEXT_BYTES_MAX, "4,096 bytes"),
        (limits.DETAILS_BYTES_MAX, "65,536 bytes"),
        (limits.LINE_COLUMNS_MAX, "76 columns"),
        (limits.QUESTION_SECONDS_MAX // 3600, "24 hours"),
        (limits.ANSWER_SECONDS_MAX // 60, "15 minutes"),
        (limits.SKEW_SECONDS_MAX, "5 seconds"),
        (limits.PENDING_AGENT_MAX, "20 questions of one agent"),
        (limits.PENDING_MAX, "200 of one tenant"),
        (limits.ARGUMENTS_SHOWN_MAX, "20 arguments"),
        (limits.USES_SHOWN_MAX, "12 rights"),
        (limits.REASONS_SHOWN_MAX, "6 reasons and 6 news"),
        (limits.STANDING_CALLS, "100 calls"),
        (limits.STANDING_SECONDS // 86_400, "30 days"),
        (limits.STANDING_MAX, "1,000 of one tenant"),
    ):
        assert words.startswith(f"{count:,}")
        assert words in APPROVAL, words
    assert f"{limits.PROOF_SECONDS_MAX} seconds after `iat`" in ATTESTATION


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((ROOT / "spec" / "schema" / f"{name}.schema.json").read_text(encoding="utf-8")))


DOCUMENTS = [
    ("answer", payload(ANSWER.envelope)),
    ("approvers", write_approvers(KNOWN)),
    ("approvers", write_approvers(FULL)),
    ("approvers", write_approvers(approvers())),
]


@pytest.mark.parametrize(("name", "data"), DOCUMENTS)
def test_a_real_document_fits_its_schema(name: str, data: bytes) -> None:
    validator(name).validate(json.loads(data))


Spoil = Callable[[dict[str, Any]], object]
WRONG: list[tuple[str, bytes, Spoil]] = [
    ("answer", payload(ANSWER.envelope), lambda d: d.update(more=1)),
    ("answer", payload(ANSWER.envelope), lambda d: d.pop("jti")),
    ("answer", payload(ANSWER.envelope), lambda d: d.update(answer="maybe")),
    ("answer", payload(ANSWER.envelope), lambda d: d.update(amr="flag")),
    ("answer", payload(ANSWER.envelope), lambda d: d.update(approver="user:ada")),
    ("answer", payload(ANSWER.envelope), lambda d: d.update(at=-1)),
    ("answer", payload(ANSWER.envelope), lambda d: d.update(binding="AB" * 32)),
    ("approvers", write_approvers(FULL), lambda d: d.update(more=1)),
    ("approvers", write_approvers(FULL), lambda d: d.update(mpp_approvers=2)),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].update(more=1)),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].update(roles=[])),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].update(roles=["god"])),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].pop("key")),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].update(oidc={"issuer": "https://id.example", "subject": "1"})),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][1]["oidc"].update(more=1)),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].update(packages=[])),
    ("approvers", write_approvers(FULL), lambda d: d["approvers"][0].update(packages=["com.*.x"])),
]


@pytest.mark.parametrize(("name", "data", "spoil"), WRONG, ids=[f"{name} {i}" for i, (name, *_) in enumerate(WRONG)])
def test_a_wrong_document_does_not(name: str, data: bytes, spoil: Spoil) -> None:
    document = copy.deepcopy(json.loads(data))
    spoil(document)
    assert not validator(name).is_valid(document)
