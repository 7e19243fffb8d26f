"""The rows of packages and versions, as publishing writes them."""

from __future__ import annotations

from mpp.errors import HostFailed, Refused
from mpp.model.names import VersionKey, version_key
from mpp.protocol.registry.state import PackageState
from mpp.stages.gatekeeper import VerifiedPackage
from mpp_registry.catalog.types import PackageRow, VersionFiles, VersionRow
from mpp_registry.catalog.writing import follow_state, put_package, put_version
from mpp_registry.publishing.judging import Judged
from mpp_registry.publishing.limits import PACKAGE_VERSIONS_MAX
from mpp_registry.publishing.published import Published
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


def known_version(rows: Rows, package: VerifiedPackage, notes: tuple[str, ...]) -> Published | None:
    """These very bytes, published or waiting. Raises Refused ``registry.exists`` where the version is taken by others.

    Attack: other bytes under a version that hosts have already, or a version that was taken back and comes again.
    """
    row = rows.one(
        "SELECT content_hash, file_hash, size, status, publisher_id FROM versions WHERE package_id = ? AND version = ?", package.package_id, package.version
    )
    if row is not None:
        content, file, size, status, publisher = row
        if content != package.content_hash or file != package.file_hash or status in {"revoked", "quarantined"} or publisher != package.publisher_id:
            raise _taken(package, "it is " + str(status) if status != "active" else "versions are never replaced")
        return _same(package, int(size or 0), "published", "", notes)
    waiting = rows.one(
        "SELECT file_hash, size, staged_id FROM staged WHERE package_id = ? AND version = ? AND state = 'waiting'", package.package_id, package.version
    )
    if waiting is not None:
        if waiting[0] != package.file_hash:
            raise _taken(package, "another file for it waits for approval")
        return _same(package, int(waiting[1] or 0), "staged", str(waiting[2]), notes)
    _judge_kin(rows, package)
    return None


def _judge_kin(rows: Rows, package: VerifiedPackage) -> None:
    """Attack: 1.0.0+a beside 1.0.0+b, of which one host takes this and another that; content that was revoked, under another number."""
    found = rows.all("SELECT version, content_hash FROM versions WHERE package_id = ? LIMIT ?", package.package_id, PACKAGE_VERSIONS_MAX)
    if len(found) >= PACKAGE_VERSIONS_MAX:
        raise Refused("registry.quota", f"a package has at most {PACKAGE_VERSIONS_MAX} versions", where=package.package_id, hint="go on under another id")
    key = version_key(package.version)
    for version, content in found:
        if version_key(str(version)) == key:
            raise _taken(package, str(version) + " is there, which differs by its build alone")
        if content == package.content_hash:
            raise _taken(package, "the same content is there as " + str(version))


def lower_than(rows: Rows, package_id: str, version: str) -> str:
    """The newest version of the same major number, where ``version`` lies below it: a fix of an older line, or a slip."""
    key = version_key(version)
    if key is None:
        return ""
    best: tuple[VersionKey, str] | None = None
    for (other,) in rows.all("SELECT version FROM versions WHERE package_id = ? AND status <> 'revoked' LIMIT ?", package_id, PACKAGE_VERSIONS_MAX):
        found = version_key(str(other))
        if found is not None and found[0] == key[0] and (best is None or found > best[0]):
            best = found, str(other)
    return best[1] if best is not None and key < best[0] else ""


def put_empty_package(rows: Rows, package_id: str, publisher_id: str, visibility: str, now: int) -> None:
    """A package without a version yet: nothing of what was uploaded is shown before a version is published."""
    put_package(
        rows,
        PackageRow(
            package_id=package_id, publisher_id=publisher_id, title="", summary="", keywords="", visibility=visibility, latest="", status="active",
            created_at=now, updated_at=now,
        ),
    )  # fmt: skip


def put_judged(services: Services, rows: Rows, judged: Judged, log_index: int, now: int) -> None:
    """The version, and what it makes of its package. After the leaf was appended."""
    package, manifest = judged.package, judged.package.manifest
    put_version(
        rows,
        VersionRow(
            package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash,
            file_hash=package.file_hash, size=judged.size, status="active", reason="", published_at=now, log_index=log_index,
        ),
        VersionFiles(manifest=judged.manifest, readme=judged.readme, sbom=judged.sbom, provenance=judged.provenance),
    )  # fmt: skip
    state = state_of(services, rows, package.package_id)
    row = rows.one("SELECT visibility, title, created_at FROM packages WHERE package_id = ?", package.package_id)
    # Attack on oneself: a fix of an old line must not put its old words over those of the newest version.
    if row is not None and (state.latest in {package.version, ""} or not row[1]):
        put_package(
            rows,
            PackageRow(
                package_id=package.package_id, publisher_id=state.publisher_id, title=manifest.name, summary=manifest.description,
                keywords=" ".join(manifest.keywords), visibility=str(row[0]), latest=state.latest, status=state.status, created_at=int(row[2] or 0),
                updated_at=now,
            ),
            " ".join(tool.name for tool in manifest.tool_definitions),
        )  # fmt: skip
    follow_state(rows, state, now)


def state_of(services: Services, rows: Rows, package_id: str) -> PackageState:
    """What the log makes of a package that has leaves."""
    state = services.ledger.package_state(rows, package_id)
    if state is None:
        raise HostFailed("registry.data", "the log says nothing of a package that has rows", where=package_id, hint="restore the database from a copy")
    return state


def _same(package: VerifiedPackage, size: int, state: str, staged_id: str, notes: tuple[str, ...]) -> Published:
    return Published(
        package_id=package.package_id, version=package.version, publisher_id=package.publisher_id, content_hash=package.content_hash,
        file_hash=package.file_hash, size=size, state="staged" if state == "staged" else "published", is_new=False, staged_id=staged_id, notes=notes,
    )  # fmt: skip


def _taken(package: VerifiedPackage, why: str) -> Refused:
    return Refused("registry.exists", f"version {package.version} is taken: {why}", where=package.package_id, hint="raise the version and publish again")
