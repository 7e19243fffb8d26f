"""Receipts: the host's signed word on what became of an approved call. Spec: spec/attestation.md section 4."""

from __future__ import annotations

import re

from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import read_canonical
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.ports import Signer
from mpp.stages.approval.limits import TIME_MAX
from mpp.stages.approval.forms import ID, ID_FORM
from mpp.stages.approval.signed import judge_signature, open_envelope, RECEIPT_TYPE, seal
from mpp.stages.approval.types import Receipt

OUTCOME_CHARS_MAX = 64
"""Characters of the outcome in a receipt. Reason: it is ``ok`` or a code."""

WHERE = "receipt"
_OUTCOME = re.compile(r"[a-z][a-z0-9_.]*")
_OUTCOME_FORM = "ok, or the code of what went wrong"


def write_receipt(receipt: Receipt, host: Signer) -> bytes:
    """The signed receipt. It holds digests, never what went in or came out."""
    return seal(
        RECEIPT_TYPE,
        {
            "mpp_receipt": 1,
            "invocation": receipt.invocation,
            "jti": receipt.jti,
            "binding": receipt.binding,
            "outcome": receipt.outcome,
            "at": receipt.at,
            "result_sha256": receipt.result_sha256,
        },
        host,
    )


def read_receipt(data: bytes, host_public: bytes) -> Receipt:
    """A receipt that the host with this key signed."""
    envelope = open_envelope(data, RECEIPT_TYPE, where=WHERE)
    judge_signature(envelope, host_public, where=WHERE)
    faults = Faults("approval")
    fields = Fields(read_canonical(envelope.payload, family="approval", where=WHERE), WHERE, faults)
    fields.number("mpp_receipt", least=1, most=1)
    found = Receipt(
        invocation=fields.text("invocation", most=32, pattern=ID, form=ID_FORM),
        jti=fields.text("jti", most=32, pattern=ID, form=ID_FORM),
        binding=fields.text("binding", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        outcome=fields.text("outcome", most=OUTCOME_CHARS_MAX, pattern=_OUTCOME, form=_OUTCOME_FORM),
        at=fields.number("at", least=0, most=TIME_MAX),
        result_sha256="" if fields.raw("result_sha256") == "" else fields.text("result_sha256", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
    )
    fields.end()
    faults.stop()
    return found
