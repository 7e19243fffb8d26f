from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.stages.approval import Receipt, read_receipt, receipt_event, write_receipt
from mpp.stages.approval.signed import PROOF_TYPE, RECEIPT_TYPE, seal
from mpp.testing.packages import NOW
from mpp.testing.questions import HOST, INVOCATION, OTHER_HOST

RECEIPT = Receipt(invocation=INVOCATION, jti="ab" * 16, binding="cd" * 32, outcome="ok", at=NOW, result_sha256="ef" * 32)


@pytest.mark.parametrize("one", [RECEIPT, replace(RECEIPT, outcome="tool.crashed", result_sha256="")])
def test_a_receipt_is_read_as_it_was_signed(one: Receipt) -> None:
    assert read_receipt(write_receipt(one, HOST), HOST.public_key) == one


def test_a_receipt_holds_digests_alone() -> None:
    assert json.loads(b64decode(json.loads(write_receipt(RECEIPT, HOST))["payload"])) == {
        "mpp_receipt": 1, "invocation": INVOCATION, "jti": "ab" * 16, "binding": "cd" * 32, "outcome": "ok", "at": NOW, "result_sha256": "ef" * 32,
    }  # fmt: skip


Spoil = Callable[[dict[str, Any]], object]
SPOILT: list[tuple[str, Spoil, str]] = [
    ("another version", lambda d: d.update(mpp_receipt=2), "approval.range"),
    ("a key more", lambda d: d.update(more=1), "approval.unknown_key"),
    ("an outcome that is a sentence", lambda d: d.update(outcome="All is well."), "approval.form"),
    ("half of a digest", lambda d: d.update(result_sha256="ef"), "approval.form"),
    ("no result", lambda d: d.pop("result_sha256"), "approval.missing"),
]


@pytest.mark.parametrize(("spoil", "code"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_a_spoilt_receipt_is_refused(spoil: Spoil, code: str) -> None:
    document = json.loads(b64decode(json.loads(write_receipt(RECEIPT, HOST))["payload"]))
    spoil(document)
    with pytest.raises(Refused) as caught:
        read_receipt(seal(RECEIPT_TYPE, document, HOST), HOST.public_key)
    assert caught.value.code == code


def test_another_hosts_receipt_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        read_receipt(write_receipt(RECEIPT, OTHER_HOST), HOST.public_key)
    assert caught.value.code == "approval.signature"


def test_another_document_is_no_receipt() -> None:
    with pytest.raises(Refused) as caught:
        read_receipt(seal(PROOF_TYPE, {"a": 1}, HOST), HOST.public_key)
    assert caught.value.code == "approval.envelope"


def test_its_event_names_it() -> None:
    data = write_receipt(RECEIPT, HOST)
    event = receipt_event(RECEIPT, data, "local")
    assert (event.kind, event.at, event.tenant, event.invocation) == ("receipt", NOW, "local", INVOCATION)
    assert set(event.body) == {"jti", "outcome", "sha256"}
