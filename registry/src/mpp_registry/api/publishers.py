"""Endpoints about publishers and the name spaces that they have proven."""

from __future__ import annotations

from typing import cast

from mpp.protocol.registry import bodies
from mpp.protocol.registry.documents import EntryDoc, NamespaceDoc, NAMESPACES_MAX, PublisherDoc, RecoveryDoc
from mpp.protocol.registry.events import ProofMethod, PublisherStatus as Status
from mpp_registry import publishers
from mpp_registry.api.answering import Answer, document, NEVER
from mpp_registry.api.asking import Ask, not_found
from mpp_registry.catalog import reading
from mpp_registry.catalog.types import NamespaceRow
from mpp_registry.namespaces import claim_namespace
from mpp_registry.publishers.entering import grant_entry
from mpp_registry.store.ports import Rows

_NAMESPACE = "SELECT namespace, publisher_id, method, state, proven_at, checked_at, failures FROM namespaces WHERE namespace = ?"


def site_entry(ask: Ask) -> Answer:
    """A word for the web site, to whoever signed with a key of a publisher."""
    found = grant_entry(ask.services, ask.need_actor(), bodies.read_site(ask.body).site)
    return document(EntryDoc(code=found.code, expires_at=found.expires_at).to_json(), status=201, cache=NEVER)


def publisher(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        return document(publisher_doc(rows, ask.path["publisher_id"]).to_json())


def post_publisher(ask: Ask) -> Answer:
    found = publishers.register(ask.services, ask.body, ask.need_actor())
    return _changed(ask, found, 201 if found.is_new else 200)


def put_root(ask: Ask) -> Answer:
    return _changed(ask, publishers.rotate_root(ask.services, ask.path["publisher_id"], ask.body, ask.need_actor()), 200)


def _changed(ask: Ask, found: publishers.Registered, status: int) -> Answer:
    with ask.services.database.read() as rows:
        answer = publisher_doc(rows, found.publisher_id, found.notes)
    where = f"/v1/publishers/{found.publisher_id}"
    return document(answer.to_json(), status=status, cache=NEVER, headers=(("location", where),))


def recovery(ask: Ask) -> Answer:
    body, publisher_id = bodies.read_recovery(ask.body), ask.path["publisher_id"]
    if body.action == "ask":
        publishers.ask_recovery(ask.services, publisher_id, body.reason, ask.need_actor())
    else:
        publishers.veto_recovery(ask.services, publisher_id, ask.need_actor())
    with ask.services.database.read() as rows:
        return document(publisher_doc(rows, publisher_id).to_json(), status=202, cache=NEVER)


def put_status(ask: Ask) -> Answer:
    if not ask.is_admin:
        # For others the address is not even there.
        raise not_found("there is no such address")
    body = bodies.read_publisher_status(ask.body)
    publishers.set_publisher_status(ask.services, ask.path["publisher_id"], cast("Status", body.status), body.reason)
    with ask.services.database.read() as rows:
        return document(publisher_doc(rows, ask.path["publisher_id"]).to_json(), cache=NEVER)


def namespace(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        found = rows.one(_NAMESPACE, ask.path["namespace"])
    if found is None:
        raise not_found("nobody has proven this name space")
    name, publisher_id, method, state, proven_at, checked_at, failures = cast("tuple[str, str, str, str, int, int, int]", found)
    row = NamespaceRow(
        namespace=name, publisher_id=publisher_id, method=method, state=state, proven_at=proven_at, checked_at=checked_at, failures=failures,
    )  # fmt: skip
    return document(namespace_doc(row).to_json())


def post_namespace(ask: Ask) -> Answer:
    body = bodies.read_namespace(ask.body)
    found = claim_namespace(ask.services, body.namespace, cast("ProofMethod", body.method), ask.need_actor())
    answer = NamespaceDoc(
        namespace=found.namespace, publisher_id=found.publisher_id, method=found.method, state=found.state, proven_at=found.proven_at,
        record_name=found.record_name, record_value=found.record_value, notes=(*((found.why,) if found.why else ()), *found.notes),
    )  # fmt: skip
    return document(answer.to_json(), status=200 if found.state == "proven" else 202, cache=NEVER)


def publisher_doc(rows: Rows, publisher_id: str, notes: tuple[str, ...] = ()) -> PublisherDoc:
    row = reading.publisher(rows, publisher_id)
    if row is None:
        raise not_found("there is no such publisher")
    # What is only wished for, and not looked at by anybody, is not public.
    shown = [one for one in publishers.recoveries(rows, publisher_id) if one.state in {"asked", "vetoed", "done"}]
    newest = shown[0] if shown else None
    return PublisherDoc(
        publisher_id=row.publisher_id, name=row.name, root_version=row.root_version, status=row.status, registered_at=row.registered_at, roots=row.roots,
        namespaces=tuple(namespace_doc(one) for one in reading.namespaces_of(rows, publisher_id)[:NAMESPACES_MAX]),
        recovery=None if newest is None else RecoveryDoc(successor=newest.successor, state=newest.state, due=newest.due, reason=newest.reason), notes=notes,
    )  # fmt: skip


def namespace_doc(row: NamespaceRow) -> NamespaceDoc:
    return NamespaceDoc(
        namespace=row.namespace, publisher_id=row.publisher_id, method=row.method, state=row.state, proven_at=row.proven_at, checked_at=row.checked_at,
    )  # fmt: skip
