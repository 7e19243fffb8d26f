"""Endpoints that publish, and change what was published. The rules are those of mpp_registry.publishing and its neighbours."""

from __future__ import annotations

from typing import cast

from mpp.model.jsontext import Json
from mpp.protocol.registry import bodies
from mpp.protocol.registry.bundle import write_bundle
from mpp.protocol.registry.documents import PublishedDoc, StagedDoc, TokenDoc
from mpp.protocol.registry.events import Owner, Role, Status
from mpp_registry import oidc
from mpp_registry.api.answering import Answer, Blob, document, NEVER, PACKAGE
from mpp_registry.api.asking import Ask, not_found
from mpp_registry.api.packages import one_version, seen, version_doc
from mpp_registry.catalog import reading
from mpp_registry.publishing import change_owners, publish, Published, set_status
from mpp_registry.publishing.actor import demand_key
from mpp_registry.staging import approve_by_hand, approve_staged, refuse_staged
from mpp_registry.staging.approving import APPROVE, Staged, staged_list


def post_package(ask: Ask) -> Answer:
    return published(ask, publish(ask.services, ask.body, ask.need_actor(), ask.query["visibility"]))


def published(ask: Ask, found: Published) -> Answer:
    """With its proofs, so that a publisher can keep them beside the file at once."""
    if found.state == "staged":
        return document(PublishedDoc(version=None, staged_id=found.staged_id, notes=found.notes).to_json(), status=202, cache=NEVER)
    with ask.services.database.read() as rows:
        row = reading.version(rows, found.package_id, found.version)
        bundle = write_bundle(ask.services.ledger.bundle(rows, found.package_id, found.version))
    if row is None:
        raise not_found("there is no such version")
    where = f"/v1/packages/{found.package_id}/versions/{found.version}"
    answer = PublishedDoc(version=version_doc(row), bundle=bundle, notes=found.notes)
    return document(answer.to_json(), status=201 if found.is_new else 200, cache=NEVER, headers=(("location", where),))


def put_status(ask: Ask) -> Answer:
    body = bodies.read_status(ask.body)
    set_status(ask.services, ask.package_id, ask.version, cast("Status", body.status), body.reason, None if ask.is_admin else ask.need_actor())
    with ask.services.database.read() as rows:
        seen(rows, ask)
        return document(version_doc(one_version(rows, ask)).to_json(), cache=NEVER)


def put_owners(ask: Ask) -> Answer:
    body = bodies.read_owners(ask.body)
    wanted = [Owner(publisher_id=one.publisher_id, role=cast("Role", one.role)) for one in body.owners]
    found = change_owners(ask.services, ask.package_id, wanted, None if ask.is_admin else ask.need_actor())
    owners: list[Json] = [{"publisher_id": one.publisher_id, "role": one.role} for one in found.owners]
    answer: Json = {"is_done": found.is_done, "waiting_for": list(found.waiting_for), "owners": owners}
    return document(answer, status=200 if found.is_done else 202, cache=NEVER)


def staged(ask: Ask) -> Answer:
    """Of the asker's own publisher. A token of a build sees nothing: it has no second person's business."""
    actor = ask.need_actor()
    demand_key(actor, APPROVE, "release")
    with ask.services.database.read() as rows:
        found: list[Json] = [_staged_doc(one).to_json() for one in staged_list(rows, actor.publisher_id)]
    return document({"staged": found}, cache=NEVER)


def staged_file(ask: Ask) -> Answer:
    """What a second person looks at before the yes. Attack: a stranger who learns what will come out; one answer for what is not there and what is not theirs."""
    actor = ask.need_actor()
    demand_key(actor, APPROVE, "release")
    with ask.services.database.read() as rows:
        found = next((one for one in staged_list(rows, actor.publisher_id) if one.staged_id == ask.path["staged_id"]), None)
    if found is None:
        raise not_found("nothing of this id waits for you")
    blob = Blob(sha256=found.file_hash, size=found.size, name=f"{found.package_id}-{found.version}.mpp")
    return Answer(media=PACKAGE, cache=NEVER, blob=blob)


def _staged_doc(one: Staged) -> StagedDoc:
    return StagedDoc(
        staged_id=one.staged_id, package_id=one.package_id, version=one.version, content_hash=one.content_hash, file_hash=one.file_hash, size=one.size,
        visibility=one.visibility, uploaded_by=one.uploaded_by, signers=one.signers, approved_by=one.approved_by, at=one.at,
    )  # fmt: skip


def approve(ask: Ask) -> Answer:
    staged_id = ask.path["staged_id"]
    if ask.is_admin:
        return published(ask, approve_by_hand(ask.services, staged_id))
    found = approve_staged(ask.services, staged_id, ask.need_actor())
    if found.published is None:
        return document(
            PublishedDoc(version=None, staged_id=staged_id, notes=(f"{found.missing} more approvals are needed.",)).to_json(), status=202, cache=NEVER
        )
    return published(ask, found.published)


def refuse(ask: Ask) -> Answer:
    refuse_staged(ask.services, ask.path["staged_id"], bodies.read_reason(ask.body).reason, None if ask.is_admin else ask.need_actor())
    return Answer(status=204, cache=NEVER)


def exchange(ask: Ask) -> Answer:
    body = bodies.read_exchange(ask.body)
    found = oidc.exchange(ask.services, body.token, body.package_id)
    return document(TokenDoc(token=found.token, expires_at=found.expires_at, publisher_id=found.publisher_id).to_json(), cache=NEVER)


def rules(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        found = oidc.rules_of(rows, ask.need_actor().publisher_id)
    return document({"rules": [_rule(one) for one in found]}, cache=NEVER)


def post_rule(ask: Ask) -> Answer:
    found = oidc.add_rule(ask.services, oidc.read_rule(ask.body, where="the request"), ask.need_actor())
    return document(_rule(found), status=201, cache=NEVER)


def delete_rule(ask: Ask) -> Answer:
    if not oidc.remove_rule(ask.services, ask.path["rule_id"], ask.need_actor()):
        raise not_found("there is no such rule")
    return Answer(status=204, cache=NEVER)


def _rule(rule: oidc.OidcRule) -> Json:
    claims: dict[str, Json] = {**rule.claims}
    return {"rule_id": rule.rule_id, "issuer": rule.issuer, "claims": claims, "packages": list(rule.packages), "at": rule.at}
