"""Versions that a second person has to approve: who needs it, and the row of what waits. Approving itself is in mpp_registry.staging."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.protocol.registry.events import Change, VersionStaged
from mpp_registry.publishing.actor import Actor
from mpp_registry.publishing.chains import chain_of
from mpp_registry.publishing.judging import Judged
from mpp_registry.publishing.limits import STAGED_EACH_MAX
from mpp_registry.publishing.published import Published
from mpp_registry.publishing.uploads import settle
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

ID_BYTES = 16


def needs_approval(services: Services, rows: Rows, judged: Judged) -> bool:
    """The registry says so for all, or the publisher for itself: its newest root document has the role."""
    return services.settings.staging or bool(chain_of(rows, judged.package.publisher_id).newest.role("publish-approve").keys)


def put_staged(services: Services, rows: Rows, judged: Judged, actor: Actor, visibility: str, created: tuple[Change, ...], notes: tuple[str, ...]) -> Published:
    """``created``: the leaf of a package that this version is the first of."""
    now, package = services.clock.now(), judged.package
    count = rows.one("SELECT COUNT(*) FROM staged WHERE publisher_id = ? AND state = 'waiting'", package.publisher_id)
    if count is not None and int(count[0] or 0) >= STAGED_EACH_MAX:
        raise Refused(
            "registry.quota", f"at most {STAGED_EACH_MAX} versions of one publisher wait at a time", where=package.package_id, hint="approve or refuse some"
        )
    settle(rows, package.file_hash)
    staged_id = services.random.bytes(ID_BYTES).hex()
    rows.run(
        "INSERT INTO staged (staged_id, package_id, version, publisher_id, content_hash, file_hash, size, visibility, uploaded_by, signers, state, reason, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', '', ?)",
        staged_id, package.package_id, package.version, package.publisher_id, package.content_hash, package.file_hash, judged.size, visibility,
        actor.key_id, " ".join(package.statement.signers), now,
    )  # fmt: skip
    change = VersionStaged(package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash)
    services.ledger.append(rows, (*created, change), now)
    return Published(
        package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash,
        file_hash=package.file_hash, size=judged.size, state="staged", is_new=True, staged_id=staged_id, notes=notes,
    )  # fmt: skip
