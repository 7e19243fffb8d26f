"""To read packages over the OCI protocol."""

from __future__ import annotations

from hashlib import sha256

from mpp.model.jsontext import Json
from mpp_registry.api.answering import Answer, Blob, document, FRESH, IMMUTABLE, OCTETS
from mpp_registry.api.asking import Ask, not_found
from mpp_registry.api.packages import file_answer, seen
from mpp_registry.catalog import reading
from mpp_registry.catalog.types import VersionRow, Viewer
from mpp_registry.oci import rows as kept
from mpp_registry.oci.manifests import digest_of, EMPTY, EMPTY_SHA256, MANIFEST, manifest_of, tag_of, version_of
from mpp_registry.store.ports import Rows

DIGEST = "docker-content-digest"


def base(_ask: Ask) -> Answer:
    return document({}, headers=(("docker-distribution-api-version", "registry/2.0"),))


def manifest(ask: Ask) -> Answer:
    reference = ask.path["reference"]
    with ask.services.database.read() as rows:
        seen(rows, ask)
        digest = digest_of(reference)
        version, data = _by_digest(rows, ask.package_id, digest) if digest else _by_tag(rows, ask.package_id, reference)
        row = reading.version(rows, ask.package_id, version) if version else None
    if row is None or row.status in {"quarantined", "revoked"}:
        raise not_found("there is no such manifest")
    name = f"sha256:{sha256(data).hexdigest()}"
    return Answer(data=data, media=MANIFEST, cache=IMMUTABLE if digest else FRESH, headers=((DIGEST, name),), etag=name)


def _by_tag(rows: Rows, package_id: str, tag: str) -> tuple[str, bytes]:
    if tag == "latest":
        package = reading.package(rows, package_id, _ANYBODY)
        version = "" if package is None else package.latest
    else:
        version = version_of(tag)
    row = reading.version(rows, package_id, version) if version else None
    return ("", b"") if row is None else (version, kept.pushed_manifest(rows, package_id, version) or manifest_of(row))


def _by_digest(rows: Rows, package_id: str, digest: str) -> tuple[str, bytes]:
    """One that was pushed, or that we made ourselves: those are not kept, they are made again."""
    pushed = kept.manifest_by_digest(rows, package_id, digest)
    if pushed is not None:
        return pushed
    cursor = ""
    while True:
        page = reading.versions(rows, package_id, cursor)
        for row in page.items:
            data = manifest_of(row)
            if sha256(data).hexdigest() == digest:
                return row.version, data
        cursor = page.next
        if not cursor:
            return "", b""


_ANYBODY = Viewer(is_admin=True)
"""Whether a package may be seen was asked before."""


def blob(ask: Ask) -> Answer:
    digest = digest_of(ask.path["digest"])
    with ask.services.database.read() as rows:
        seen(rows, ask)
        version = kept.version_with_file(rows, ask.package_id, digest)
        row = reading.version(rows, ask.package_id, version) if version else None
    if digest == EMPTY_SHA256:
        return Answer(data=EMPTY, media=OCTETS, cache=IMMUTABLE, headers=((DIGEST, f"sha256:{EMPTY_SHA256}"),))
    if row is None:
        raise not_found("there is no such blob")
    return _file(ask, row)


def _file(ask: Ask, row: VersionRow) -> Answer:
    found = file_answer(ask, row)
    headers = ((DIGEST, f"sha256:{row.file_hash}"),)
    plain: Blob | None = found.blob
    return Answer(media=OCTETS, cache=IMMUTABLE, blob=plain, headers=headers)


def tags(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        seen(rows, ask)
        found = sorted(tag_of(version) for version in kept.live_versions(rows, ask.package_id))
    after = [tag for tag in found if tag > ask.query["last"]]
    page = after[: ask.count("n")]
    names: list[Json] = [*page]
    link = f'</v2/{ask.package_id}/tags/list?n={ask.count("n")}&last={page[-1]}>; rel="next"' if page and len(page) < len(after) else ""
    return document({"name": ask.package_id, "tags": names}, headers=(("link", link),) if link else ())


def referrers(_ask: Ask) -> Answer:
    """Nothing refers to a package here; its proofs are in its bundle."""
    return Answer(data=b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', media=INDEX)


INDEX = "application/vnd.oci.image.index.v1+json"
