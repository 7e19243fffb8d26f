"""Advisories: what is wrong with which versions, and what to do. The log holds the digest, so the words cannot be changed behind anybody's back."""

from __future__ import annotations

from hashlib import sha256
from typing import cast

from mpp.errors import Refused
from mpp.model.jsontext import Json, canonical, read
from mpp.protocol.registry.bodies import AdvisoryBody
from mpp.protocol.registry.documents import AdvisoriesPage, AdvisoryDoc
from mpp.protocol.registry.events import ADMIN, AdvisoryPublished, Severity
from mpp.protocol.registry.limits import ADVISORY_VERSIONS_MAX
from mpp_registry.advisories.limits import ADVISORIES_EACH_MAX
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import demand_current
from mpp_registry.publishing.owning import owners_of
from mpp_registry.services import Services
from mpp_registry.store.ports import Row, Rows


def publish_advisory(services: Services, body: AdvisoryBody, actor: Actor | None) -> AdvisoryDoc:
    """By an owner or maintainer of the package, or (``actor`` None) by an administrator."""
    if actor is not None:
        demand_key(actor)
    if len(body.versions) > ADVISORY_VERSIONS_MAX:
        raise Refused("registry.length", f"an advisory names at most {ADVISORY_VERSIONS_MAX} versions", where="versions", hint="write several")
    now = services.clock.now()
    by = ADMIN if actor is None else actor.publisher_id
    document = canonical({**cast("dict[str, Json]", body.to_json()), "mpp_advisory": 1, "by": by, "published_at": now})
    digest = sha256(document).hexdigest()
    with services.database.write() as rows:
        _judge(rows, body, actor)
        change = AdvisoryPublished(
            advisory_id=body.advisory_id, package_id=body.package_id, versions=body.versions, severity=cast("Severity", body.severity), sha256=digest
        )
        services.ledger.append(rows, (change,), now)
        rows.run(
            "INSERT INTO advisories (advisory_id, package_id, publisher_id, severity, document, published_at) VALUES (?, ?, ?, ?, ?, ?)",
            body.advisory_id, body.package_id, by, body.severity, document, now,
        )  # fmt: skip
    return _made((document, now))


def _judge(rows: Rows, body: AdvisoryBody, actor: Actor | None) -> None:
    owners = {one.publisher_id for one in owners_of(rows, body.package_id)}
    if not owners:
        raise Refused("registry.absent", "there is no such package", where=body.package_id, hint="name it by its whole id")
    if actor is not None:
        demand_current(rows, actor)
    # Attack: a rival who warns of a package.
    if actor is not None and actor.publisher_id not in owners:
        raise Refused("registry.owned", "the package belongs to other publishers", where=body.package_id, hint="report it instead, on the page of the package")
    if rows.one("SELECT 1 FROM advisories WHERE advisory_id = ?", body.advisory_id) is not None:
        raise Refused("registry.exists", "there is an advisory of this id", where=body.advisory_id, hint="take another id; advisories are never changed")
    count = rows.one("SELECT COUNT(*) FROM advisories WHERE package_id = ?", body.package_id)
    if count is not None and int(count[0] or 0) >= ADVISORIES_EACH_MAX:
        raise Refused(
            "registry.quota", f"a package has at most {ADVISORIES_EACH_MAX} advisories", where=body.package_id, hint="ask the operator of the registry"
        )


def list_advisories(rows: Rows, *, package_id: str = "", before: tuple[int, str] | None = None, limit: int = 50) -> tuple[AdvisoryDoc, ...]:
    """The newest first. ``before``: time and id of the last one of the page before. Those about private packages are not listed."""
    at, last = before if before is not None else (2**53, "")
    sql = (
        "SELECT a.document, a.published_at FROM advisories a JOIN packages p ON p.package_id = a.package_id"
        " WHERE (a.published_at < ? OR (a.published_at = ? AND a.advisory_id > ?))"
    )
    if package_id:
        found = rows.all(f"{sql} AND a.package_id = ? ORDER BY a.published_at DESC, a.advisory_id LIMIT ?", at, at, last, package_id, limit)
    else:
        # Not "= 'public'": that would be an index over nearly all packages, and it would be read whole.
        found = rows.all(f"{sql} AND p.visibility <> 'private' ORDER BY a.published_at DESC, a.advisory_id LIMIT ?", at, at, last, limit)
    return tuple(_made(row) for row in found)


def advisories_page(rows: Rows, cursor: str, limit: int) -> AdvisoriesPage:
    """``cursor``: as the page before gave it."""
    found = list_advisories(rows, before=_read_cursor(cursor), limit=limit + 1)
    page = found[:limit]
    return AdvisoriesPage(advisories=page, next=f"{page[-1].published_at}.{page[-1].advisory_id}" if len(found) > limit else "")


def _read_cursor(cursor: str) -> tuple[int, str] | None:
    if not cursor:
        return None
    at, _, last = cursor.partition(".")
    if not at.isascii() or not at.isdecimal() or len(at) > 16:
        raise Refused("registry.cursor", "this is no mark of a page", where="cursor", hint="take the one that the page before gave")
    return int(at), last


def _made(row: Row) -> AdvisoryDoc:
    document = bytes(cast("bytes", row[0]))
    found = cast("dict[str, Json]", read(document, family="registry", where="advisory"))
    return AdvisoryDoc(
        advisory_id=str(found["advisory_id"]), package_id=str(found["package_id"]), versions=tuple(str(one) for one in cast("list[Json]", found["versions"])),
        severity=str(found["severity"]), title=str(found["title"]), text=str(found["text"]), sha256=sha256(document).hexdigest(),
        published_at=int(row[1] or 0),
    )  # fmt: skip
