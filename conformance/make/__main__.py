"""The command ``python -m conformance.make [FOLDER]``: all vectors, written anew."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from conformance.make import (
    accepted,
    archive,
    capabilities,
    contents,
    layers,
    manifests,
    names,
    roots,
    runs,
    runs_host,
    runs_inside,
    seals,
    statements,
    trusts,
    wasm,
)
from conformance.make import documents_answers, documents_approval, documents_bundle, documents_context, documents_grants, documents_identity, documents_policy
from conformance.make import documents_policy_arguments, documents_policy_bad, documents_policy_layers, documents_policy_privacy
from conformance.make import documents_federation, documents_registry, documents_registry_proofs
from conformance.make import audit_damage, audit_logs, audit_proofs
from conformance.make import privacy_readings, privacy_rules
from conformance.make.audit import Audit, make_audit
from conformance.make.case import Case, trust_bytes, write
from conformance.make.documents import Document, write_contexts, write_document
from conformance.make.privacy import Message, make_messages
from conformance.make.trust import SHARED

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
TABLES = (archive, names, statements, seals, roots, trusts, contents, manifests, capabilities, wasm, layers, accepted, runs, runs_inside, runs_host)
DOCUMENT_TABLES = (
    documents_policy, documents_policy_arguments, documents_policy_layers, documents_policy_bad, documents_policy_privacy, documents_bundle, documents_approval,
    documents_answers, documents_identity, documents_grants, documents_context, documents_registry, documents_registry_proofs,
    documents_federation,
)  # fmt: skip
PRIVACY_TABLES = (*privacy_readings.TABLES, *privacy_rules.TABLES)
AUDIT_TABLES = (*audit_logs.TABLES, *audit_damage.TABLES, *audit_proofs.TABLES)
CONTEXTS = {
    **documents_policy_bad.SHARED, **documents_bundle.SHARED, **documents_approval.SHARED, **documents_answers.SHARED, **documents_identity.SHARED, **documents_grants.SHARED,
    **documents_context.SHARED, **documents_registry.SHARED, **documents_registry_proofs.SHARED, **documents_federation.SHARED,
}  # fmt: skip


def all_cases() -> Iterator[Case]:
    """Every case of every table."""
    for table in TABLES:
        yield from table.cases()


def all_documents() -> Iterator[Document]:
    """Every document of every table."""
    for table in DOCUMENT_TABLES:
        yield from table.documents()


def all_audits() -> Iterator[Audit]:
    """Every audit log, proof and checkpoint of every table."""
    for table in AUDIT_TABLES:
        yield from table()


def all_messages() -> Iterator[Message]:
    """Every message for the privacy filter, of every table."""
    for table in PRIVACY_TABLES:
        yield from table()


def make(vectors: Path) -> int:
    """Write all vectors below ``vectors`` and return their number; what stood there is removed."""
    if vectors.exists():
        shutil.rmtree(vectors)
    (vectors / "trust").mkdir(parents=True)
    for name, document in SHARED.items():
        (vectors / "trust" / f"{name}.json").write_bytes(trust_bytes(document))
    write_contexts(CONTEXTS, vectors)
    count = 0
    for count, case in enumerate(all_cases(), 1):  # noqa: B007 - the last number is the count
        write(case, vectors)
    documents = [*all_documents()]
    for one in documents:
        write_document(one, vectors)
    return count + len(documents) + make_audit(all_audits(), vectors) + make_messages(all_messages(), vectors)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else VECTORS
    print(f"{make(target)} vectors in {target}")
