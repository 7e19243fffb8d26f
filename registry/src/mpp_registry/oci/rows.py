"""What the OCI protocol keeps in the database."""

from __future__ import annotations

from typing import cast

from mpp.errors import Refused
from mpp_registry.oci.limits import UPLOADS_EACH_MAX
from mpp_registry.store.ports import Rows


def keep_manifest(rows: Rows, digest: str, package_id: str, version: str, at: int, data: bytes) -> None:
    """The first one of a version is given under its tag, for good; later ones under their digest."""
    last = rows.one("SELECT MAX(at) FROM oci_manifests WHERE package_id = ? AND version = ?", package_id, version)
    at = max(at, cast("int", last[0]) + 1) if last is not None and last[0] is not None else at
    sql = "INSERT INTO oci_manifests (digest, package_id, version, at, data) VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING"
    rows.run(sql, digest, package_id, version, at, data)


def pushed_manifest(rows: Rows, package_id: str, version: str) -> bytes | None:
    """The one that is given under the tag of the version; None: none was pushed."""
    found = rows.one("SELECT data FROM oci_manifests WHERE package_id = ? AND version = ? ORDER BY at, digest LIMIT 1", package_id, version)
    return None if found is None else bytes(cast("bytes", found[0]))


def count_manifests(rows: Rows, package_id: str, version: str) -> int:
    found = rows.one("SELECT COUNT(*) FROM oci_manifests WHERE package_id = ? AND version = ?", package_id, version)
    return 0 if found is None else cast("int", found[0])


def manifest_by_digest(rows: Rows, package_id: str, digest: str) -> tuple[str, bytes] | None:
    """Its version and its bytes."""
    found = rows.one("SELECT version, data FROM oci_manifests WHERE digest = ? AND package_id = ?", digest, package_id)
    return None if found is None else (cast("str", found[0]), bytes(cast("bytes", found[1])))


def keep_upload(rows: Rows, file_hash: str, publisher_id: str, size: int, now: int) -> None:
    """Attack: a publisher who sends files without end and publishes none."""
    count = rows.one("SELECT COUNT(*) FROM oci_uploads WHERE publisher_id = ? AND file_hash <> ?", publisher_id, file_hash)
    if count is not None and cast("int", count[0]) >= UPLOADS_EACH_MAX:
        raise Refused("registry.quota", f"{UPLOADS_EACH_MAX} files were sent and not published", where="blobs", hint="push their manifests, or wait an hour")
    rows.run(
        "INSERT INTO oci_uploads (file_hash, publisher_id, size, at) VALUES (?, ?, ?, ?) ON CONFLICT (file_hash, publisher_id) DO UPDATE SET at = excluded.at",
        file_hash, publisher_id, size, now,
    )  # fmt: skip


def has_upload(rows: Rows, file_hash: str, publisher_id: str) -> bool:
    return rows.one("SELECT 1 FROM oci_uploads WHERE file_hash = ? AND publisher_id = ?", file_hash, publisher_id) is not None


def forget_upload(rows: Rows, file_hash: str, publisher_id: str) -> None:
    rows.run("DELETE FROM oci_uploads WHERE file_hash = ? AND publisher_id = ?", file_hash, publisher_id)


def forget_uploads_before(rows: Rows, at: int) -> int:
    return rows.run("DELETE FROM oci_uploads WHERE at < ?", at)


def version_with_file(rows: Rows, package_id: str, file_hash: str) -> str:
    """The version of that package whose file it is; empty: none."""
    found = rows.one("SELECT version FROM versions WHERE file_hash = ? AND package_id = ?", file_hash, package_id)
    return "" if found is None else cast("str", found[0])


def live_versions(rows: Rows, package_id: str) -> list[str]:
    found = rows.all("SELECT version FROM versions WHERE package_id = ? AND status NOT IN ('quarantined', 'revoked') ORDER BY version", package_id)
    return [cast("str", version) for (version,) in found]
