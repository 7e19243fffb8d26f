"""A second person looks, and says yes or no. The rules are judged anew at that moment, by the roots and rows of that moment."""

from __future__ import annotations

from mpp.crypto.roots import RoleName
from mpp.errors import Refused
from mpp.model.value import value
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import chain_of, demand_current
from mpp_registry.publishing.judging import Judged, judge
from mpp_registry.publishing.limits import CLEANED_MAX, STAGED_SECONDS
from mpp_registry.publishing.published import Published
from mpp_registry.publishing.publishing import publish_approved
from mpp_registry.publishing.uploads import abandon
from mpp_registry.publishing.words import judged_reason
from mpp_registry.services import Services
from mpp_registry.store.ports import Row, Rows

APPROVE: RoleName = "publish-approve"
LISTED_MAX = 200
"""Staged versions that one list names. Reason: an administrator reads it from the oldest on."""

_COLUMNS = "SELECT staged_id, package_id, version, publisher_id, content_hash, file_hash, size, visibility, uploaded_by, signers, state, reason, at FROM staged"


@value
class Staged:
    staged_id: str
    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    size: int
    visibility: str
    uploaded_by: str
    signers: tuple[str, ...]
    state: str
    reason: str
    at: int
    approved_by: tuple[str, ...] = ()
    """Keys that said yes so far."""


@value
class Approval:
    is_published: bool
    missing: int
    """How many keys have to say yes still."""
    published: Published | None = None


def approve_staged(services: Services, staged_id: str, actor: Actor) -> Approval:
    """One yes. With the last one that is needed, the version is published in the same transaction."""
    demand_key(actor, APPROVE)
    found, judged = _looked_at(services, staged_id)
    _judge_second(found, actor)
    now = services.clock.now()
    with services.database.write() as rows:
        demand_current(rows, actor)
        _still_waits(rows, staged_id)
        root = chain_of(rows, found.publisher_id).newest
        rows.run("INSERT INTO staged_approvals (staged_id, key_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", staged_id, actor.key_id, now)
        role = root.role(APPROVE)
        # Attack: a yes of a key that has lost its role since counts no more.
        given = {str(row[0]) for row in rows.all("SELECT key_id FROM staged_approvals WHERE staged_id = ?", staged_id)} & set(role.keys)
        missing = role.threshold - len(given)
        if missing > 0:
            return Approval(is_published=False, missing=missing)
        return Approval(is_published=True, missing=0, published=_publish(services, rows, found, judged))


def approve_by_hand(services: Services, staged_id: str) -> Published:
    """An administrator's yes, where the registry stages what publishers without a second person publish."""
    found, judged = _looked_at(services, staged_id)
    with services.database.write() as rows:
        _still_waits(rows, staged_id)
        # Attack: an administrator's account that stands in for the second person whom the publisher itself named.
        if chain_of(rows, found.publisher_id).newest.role(APPROVE).keys:
            raise Refused("registry.forbidden", "this publisher has keys of its own to approve with", where=staged_id, hint="one of them approves it")
        return _publish(services, rows, found, judged)


def refuse_staged(services: Services, staged_id: str, reason: str, actor: Actor | None) -> None:
    """No. ``actor`` None: an administrator. The publisher's own keys of any role may take back what they uploaded."""
    judged_reason(reason, required=True)
    if actor is not None:
        demand_key(actor, APPROVE, "release")
    with services.database.write() as rows:
        if actor is not None:
            demand_current(rows, actor)
        found = _still_waits(rows, staged_id)
        if actor is not None and actor.publisher_id != found.publisher_id:
            raise Refused("registry.forbidden", "it is another publisher's", where=staged_id, hint="ask that publisher")
        _end(services, rows, found, "refused", reason)


def expire_staged(services: Services) -> int:
    """What nobody looked at in time. A job."""
    now = services.clock.now()
    with services.database.write() as rows:
        old = rows.all(f"{_COLUMNS} WHERE state = 'waiting' AND at <= ? ORDER BY at LIMIT ?", now - STAGED_SECONDS, CLEANED_MAX)
        for row in old:
            _end(services, rows, _made(row), "expired", "nobody approved it in time")
    return len(old)


def staged_list(rows: Rows, publisher_id: str = "") -> tuple[Staged, ...]:
    """What waits, the oldest first; of one publisher, or of all."""
    if publisher_id:
        found = rows.all(f"{_COLUMNS} WHERE state = 'waiting' AND publisher_id = ? ORDER BY at, staged_id LIMIT ?", publisher_id, LISTED_MAX)
    else:
        found = rows.all(f"{_COLUMNS} WHERE state = 'waiting' ORDER BY at, staged_id LIMIT ?", LISTED_MAX)
    return tuple(_made(row, _given(rows, str(row[0]))) for row in found)


def _given(rows: Rows, staged_id: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in rows.all("SELECT key_id FROM staged_approvals WHERE staged_id = ? ORDER BY at, key_id", staged_id))


def _looked_at(services: Services, staged_id: str) -> tuple[Staged, Judged]:
    """The row, and its file judged anew: roots and checks may be others than on the day of the upload."""
    with services.database.read() as rows:
        found = _waiting(rows, staged_id)
        stored = chain_of(rows, found.publisher_id)
    data = b"".join(services.blobs.read(found.file_hash))
    judged = judge(data, stored, services.clock.now())
    if judged.package.file_hash != found.file_hash or judged.package.content_hash != found.content_hash:
        raise Refused("registry.changed", "the file that waits is not the one that was uploaded", where=staged_id, hint="refuse it, and upload it again")
    return found, judged


def _judge_second(found: Staged, actor: Actor) -> None:
    if actor.publisher_id != found.publisher_id:
        raise Refused("registry.forbidden", "it is another publisher's", where=found.staged_id, hint="ask that publisher")
    # Attack: one person with two hats. Whoever uploaded it, or signed it, is not the second one.
    if actor.key_id == found.uploaded_by or actor.key_id in found.signers:
        raise Refused(
            "registry.forbidden", "this key uploaded or signed the version", where=found.staged_id, hint="a second person approves it with a key of his own"
        )


def _publish(services: Services, rows: Rows, found: Staged, judged: Judged) -> Published:
    stored = chain_of(rows, found.publisher_id)
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", found.publisher_id)
    if stored.data != judged.stored.data or row is None or row[0] != "active":
        raise Refused("registry.changed", "the publisher changed meanwhile", where=found.staged_id, hint="approve it again")
    rows.run("UPDATE staged SET state = 'published' WHERE staged_id = ?", found.staged_id)
    abandon(services, rows, found.file_hash)
    uploader = Actor(publisher_id=found.publisher_id, key_id=found.uploaded_by, how="signed", roles=("release",))
    return publish_approved(services, rows, judged, uploader, found.visibility)


def _end(services: Services, rows: Rows, found: Staged, state: str, reason: str) -> None:
    rows.run("UPDATE staged SET state = ?, reason = ? WHERE staged_id = ?", state, reason, found.staged_id)
    abandon(services, rows, found.file_hash)


def _still_waits(rows: Rows, staged_id: str) -> Staged:
    return _waiting(rows, staged_id)


def _waiting(rows: Rows, staged_id: str) -> Staged:
    row = rows.one(f"{_COLUMNS} WHERE staged_id = ?", staged_id)
    if row is None:
        raise Refused("registry.absent", "nothing of this id waits", where=staged_id, hint="see `mpp registry admin queues`")
    found = _made(row)
    if found.state != "waiting":
        raise Refused("registry.staged", f"it is {found.state} already", where=staged_id, hint="see the versions of the package")
    return found


def _made(row: Row, approved_by: tuple[str, ...] = ()) -> Staged:
    staged_id, package_id, version, publisher_id, content_hash, file_hash, size, visibility, uploaded_by, signers, state, reason, at = row
    return Staged(
        staged_id=str(staged_id), package_id=str(package_id), version=str(version), publisher_id=str(publisher_id), content_hash=str(content_hash),
        file_hash=str(file_hash), size=int(size or 0), visibility=str(visibility), uploaded_by=str(uploaded_by), signers=tuple(str(signers).split(" ")),
        state=str(state), reason=str(reason), at=int(at or 0), approved_by=approved_by,
    )  # fmt: skip
