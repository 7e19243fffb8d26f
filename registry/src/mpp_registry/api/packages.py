"""Endpoints that read packages: search, what is known of one, its versions, proofs and files."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.protocol.registry.bundle import write_absence, write_bundle
from mpp.protocol.registry.documents import OwnerDoc, PackageDoc, SearchPage, VersionDoc, VersionsPage
from mpp_registry.api.answering import Answer, Blob, document, IMMUTABLE, JSON, PACKAGE, SHORT
from mpp_registry.api.asking import Ask, not_found
from mpp_registry.catalog import reading
from mpp_registry.catalog.types import STOPPED, PackageRow, VersionFiles, VersionRow
from mpp_registry.store.ports import Rows


def search(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        page = ask.services.searches.search(rows, ask.query["q"], ask.query["cursor"], ask.count("limit"), ask.viewer)
    return document(SearchPage(packages=tuple(package_doc(one) for one in page.items), next=page.next).to_json())


def package(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        found = seen(rows, ask)
        owners = tuple(OwnerDoc(publisher_id=one.publisher_id, role=one.role, since=one.since) for one in reading.owners(rows, ask.package_id))
        namespace = proven_above(rows, found)
    return document(package_doc(found, owners, namespace).to_json())


def versions(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        seen(rows, ask)
        page = reading.versions(rows, ask.package_id, ask.query["cursor"], ask.count("limit"))
    return document(VersionsPage(versions=tuple(version_doc(one) for one in page.items), next=page.next).to_json())


def version(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        seen(rows, ask)
        return document(version_doc(one_version(rows, ask)).to_json())


def bundle(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        seen(rows, ask)
        return Answer(data=write_bundle(ask.services.ledger.bundle(rows, ask.package_id, ask.version)), cache=SHORT)


def absence(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        return Answer(data=write_absence(ask.services.ledger.absence(rows, ask.package_id)), cache=SHORT)


def download(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        seen(rows, ask)
        found = one_version(rows, ask)
    return file_answer(ask, found)


def file_answer(ask: Ask, found: VersionRow) -> Answer:
    """The file of a version, which is counted once it is sent whole."""
    if found.status in STOPPED:
        why = f": {found.reason}" if found.reason else ""
        hint = "take another version, as `mpp outdated` shows them"
        raise Refused("registry.gone", f"the version is {found.status}{why}", where=f"{found.package_id} {found.version}", hint=hint)
    counted, package_id = ask.counted, found.package_id
    blob = Blob(sha256=found.file_hash, size=found.size, name=f"{package_id}-{found.version}.mpp", counted=lambda: counted(package_id))
    return Answer(media=PACKAGE, cache=IMMUTABLE, blob=blob)


def manifest(ask: Ask) -> Answer:
    return Answer(data=_files(ask).manifest, media=JSON, cache=IMMUTABLE)


def sbom(ask: Ask) -> Answer:
    return _document(_files(ask).sbom, JSON)


def provenance(ask: Ask) -> Answer:
    return _document(_files(ask).provenance, JSON)


def readme(ask: Ask) -> Answer:
    # As text: what it holds is a stranger's, and no browser shall take it for a page.
    return _document(_files(ask).readme, "text/plain; charset=utf-8")


def _document(data: bytes, media: str) -> Answer:
    if not data:
        raise not_found("the package has no such document")
    return Answer(data=data, media=media, cache=IMMUTABLE)


def _files(ask: Ask) -> VersionFiles:
    with ask.services.database.read() as rows:
        seen(rows, ask)
        found = reading.files(rows, ask.package_id, ask.version)
    if found is None:
        raise not_found("there is no such version")
    return found


def seen(rows: Rows, ask: Ask) -> PackageRow:
    """The package, if whoever asks may see it. Attack: one that is private is told from one that is not there."""
    found = reading.package(rows, ask.package_id, ask.viewer)
    if found is None:
        raise not_found("there is no such package")
    return found


def one_version(rows: Rows, ask: Ask) -> VersionRow:
    found = reading.version(rows, ask.package_id, ask.version)
    if found is None:
        raise not_found("there is no such version")
    return found


def proven_above(rows: Rows, found: PackageRow) -> str:
    """The longest proven name space of its publisher that the package is in; empty: none."""
    held = (one.namespace for one in reading.namespaces_of(rows, found.publisher_id) if one.state == "proven")
    return max((one for one in held if found.package_id.startswith(one + ".")), key=len, default="")


def package_doc(row: PackageRow, owners: tuple[OwnerDoc, ...] = (), namespace: str = "") -> PackageDoc:
    return PackageDoc(
        package_id=row.package_id, publisher_id=row.publisher_id, publisher_name=row.publisher_name, title=row.title, summary=row.summary,
        keywords=tuple(dict.fromkeys(row.keywords.split())), visibility=row.visibility, latest=row.latest, status=row.status, created_at=row.created_at,
        updated_at=row.updated_at, downloads=row.downloads, owners=owners, namespace=namespace,
    )  # fmt: skip


def version_doc(row: VersionRow) -> VersionDoc:
    return VersionDoc(
        package_id=row.package_id, version=row.version, publisher_id=row.publisher_id, content_hash=row.content_hash, file_hash=row.file_hash, size=row.size,
        status=row.status, reason=row.reason, published_at=row.published_at, log_index=row.log_index,
    )  # fmt: skip
