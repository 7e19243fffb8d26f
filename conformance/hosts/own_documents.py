"""Our own judges of documents behind the command line of HOST-CLI.md sections 7 and 8. ``python -m conformance.hosts.own_documents KIND FILE --with CONTEXT --json``.

It judges nothing itself: each kind is read, handed to the product, and what the product says is written down.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable

from conformance.hosts import own_approval, own_federation, own_identity, own_policy, own_privacy, own_registry
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.limits import MIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read

FILE_BYTES_MAX = 64 * MIB
"""Bytes of a document. Reason: the product has its own limit for each kind, and must be let judge what is over it."""

USAGE_EXIT = 2

Judge = Callable[[bytes, Fields, str], Json]
"""Takes the document, what it is judged with, and the folder of that; gives the result."""

JUDGES: dict[str, Judge] = {
    "policy": own_policy.policy,
    "policy-bundle": own_policy.bundle,
    "binding": own_approval.binding,
    "question": own_approval.question,
    "answer": own_approval.answer,
    "approval-proof": own_approval.proof,
    "receipt": own_approval.receipt,
    "agent-proof": own_identity.proof,
    "delegation": own_identity.proof,
    "agent-statement": own_identity.statement,
    "grant-chain": own_identity.chain,
    "context-token": own_identity.token,
    "registry-log": own_registry.log,
    "registry-checkpoint": own_registry.checkpoint,
    "registry-bundle": own_registry.bundle,
    "registry-absence": own_registry.absence,
    "registry-request": own_registry.request,
    "peer-list": own_federation.peers,
    "introduction": own_federation.introduction,
    "fleet-trust": own_federation.trust,
}

MESSAGES: dict[str, Judge] = {"privacy": own_privacy.message}
"""What is no document: section 8."""


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="own_documents", description="Judge one document (conformance/HOST-CLI.md sections 7 and 8).")
    parser.add_argument("kind", choices=(*JUDGES, *MESSAGES))
    parser.add_argument("file")
    parser.add_argument("--with", dest="context", required=True)
    parser.add_argument("--json", action="store_true", required=True)
    return parser.parse_args(given)


def run(given: list[str] | None = None) -> int:
    """Judge and print. A context that is not what the contract says ends it with another exit code: that is no verdict."""
    options = _arguments(given)
    faults = Faults("usage")
    context = Fields(read(read_bounded(options.context, FILE_BYTES_MAX), family="usage", where="context"), "context", faults)
    data = read_bounded(options.file, FILE_BYTES_MAX)
    found: dict[str, Json]
    try:
        found = {"ok": True, "error": None, "result": (JUDGES | MESSAGES)[options.kind](data, context, os.path.dirname(options.context))}
        context.end()
    except Refused as fault:
        found = {"ok": False, "error": {"code": fault.code, "message": fault.message, "hint": fault.hint}, "result": None}
    if faults.found:
        sys.stderr.write(f"{faults.found[0].where}: {faults.found[0].message}\n")
        return USAGE_EXIT
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(run())
