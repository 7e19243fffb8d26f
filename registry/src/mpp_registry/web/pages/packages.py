"""The page of a package, of one version, and the documents of a version."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.model.words import capability_words, growth, layer_words
from mpp.protocol.registry.documents import AdvisoryDoc
from mpp_registry.advisories.advising import list_advisories
from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.types import OwnerRow, PackageRow, VersionFiles, VersionRow
from mpp_registry.store.ports import Rows
from mpp_registry.web import logrows, reading
from mpp_registry.web.answers import Answer, Asked
from mpp_registry.web.documents import manifest_in, materials_in, origin_in
from mpp_registry.web.errors import not_found
from mpp_registry.web.graph import graph_of
from mpp_registry.web.headers import JSON, PLAIN
from mpp_registry.web.limits import ADVISORIES_SHOWN, PAGE_ROWS, README_BYTES_MAX
from mpp_registry.web.markdown import readme_markup
from mpp_registry.web.site import Site
from mpp.pages.texts import SECONDS_OF_A_DAY
from mpp_registry.web.toolforms import tool_views
from mpp_registry.web.verdict import Evidence, verdict

DOCUMENTS = ("manifest.json", "readme.md", "sbom.json", "provenance.json")


@value
class Found:
    """All that the page of one version is made of, from one snapshot."""

    package: PackageRow
    line: VersionRow
    lines: Sequence[VersionRow]
    count: int
    files: VersionFiles
    previous: str
    previous_manifest: bytes
    evidence: Evidence
    owners: Sequence[OwnerRow]
    downloads: Sequence[int]
    advisories: Sequence[AdvisoryDoc]


def package(site: Site, asked: Asked) -> Answer:
    return _version_page(site, asked, "")


def version(site: Site, asked: Asked) -> Answer:
    return _version_page(site, asked, asked.places["version"])


def _version_page(site: Site, asked: Asked, wanted: str) -> Answer:
    today = site.now() // SECONDS_OF_A_DAY
    with site.services.database.read() as rows:
        found = find(rows, asked.places["package_id"], wanted, today)
        manifest = manifest_in(found.files.manifest) if found else None
        layer = manifest.runtime.layer if manifest else None
        layer_is_here = layer is not None and any(one.package_id == layer.id for one in catalog.with_content(rows, layer.sha256))
    if found is None:
        return not_found(site, "No public package of that name, or no such version of it, is in this registry.")
    previous = manifest_in(found.previous_manifest) if found.previous else None
    return site.page(
        "package.html",
        package=found.package,
        line=found.line,
        is_latest=not wanted,
        verdict=verdict(found.evidence),
        manifest=manifest,
        capabilities=_capabilities(manifest),
        previous=found.previous,
        grown=growth(previous, manifest) if previous is not None and manifest is not None else None,
        tools=tool_views(found.files.manifest),
        readme=readme_markup(found.files.readme) if found.files.readme else None,
        readme_is_cut=len(found.files.readme) > README_BYTES_MAX,
        lines=found.lines,
        count=found.count,
        owners=found.owners,
        graph=graph_of(found.downloads, today),
        materials=materials_in(found.files.sbom) if found.files.sbom else None,
        origin=origin_in(found.files.provenance) if found.files.provenance else None,
        advisories=found.advisories,
        layer=layer,
        layer_is_here=layer_is_here,
    )


def find(rows: Rows, package_id: str, wanted: str, today: int) -> Found | None:
    package = catalog.package(rows, package_id)
    line = reading.shown_version(rows, package, wanted) if package else None
    if package is None or line is None:
        return None
    previous = reading.earlier(rows, package_id, line.version)
    return Found(
        package=package,
        line=line,
        lines=reading.newest_versions(rows, package_id),
        count=reading.count_versions(rows, package_id),
        files=catalog.files(rows, package_id, line.version) or VersionFiles(manifest=b""),
        previous=previous,
        previous_manifest=reading.manifest_of(rows, package_id, previous) if previous else b"",
        evidence=Evidence(
            version=line,
            publisher=catalog.publisher(rows, line.publisher_id),
            namespace=reading.namespace_above(rows, package_id),
            head=logrows.head(rows),
            witnesses=logrows.cosigned_above(rows, line.log_index),
        ),
        owners=catalog.owners(rows, package_id),
        downloads=reading.downloads(rows, package_id, today),
        advisories=list_advisories(rows, package_id=package_id, limit=ADVISORIES_SHOWN),
    )


def _capabilities(manifest: Manifest | None) -> tuple[str, ...]:
    return (*capability_words(manifest.capabilities), *layer_words(manifest.runtime)) if manifest else ()


def versions(site: Site, asked: Asked) -> Answer:
    package_id, cursor = asked.places["package_id"], asked.query.get("cursor", "")
    with site.services.database.read() as rows:
        package = catalog.package(rows, package_id)
        page = catalog.versions(rows, package_id, cursor, PAGE_ROWS)
        count = reading.count_versions(rows, package_id)
    if package is None:
        return not_found(site)
    return site.page("versions.html", package=package, lines=page.items, count=count, next=page.next, is_first=not cursor)


def document(site: Site, asked: Asked) -> Answer:
    """A document as it lies in the package, for programs and for a look at the whole.

    Attack: a README that a browser takes for a page of the registry. Its type is plain text or JSON, nothing may be guessed, and it is saved.
    """
    name, package_id = asked.places["document"], asked.places["package_id"]
    with site.services.database.read() as rows:
        is_there = name in DOCUMENTS and catalog.package(rows, package_id) is not None
        files = catalog.files(rows, package_id, asked.places["version"]) if is_there else None
    data = dict(zip(DOCUMENTS, (files.manifest, files.readme, files.sbom, files.provenance), strict=True)).get(name, b"") if files else b""
    if not data:
        return not_found(site)
    return Answer(body=data, kind=PLAIN if name == "readme.md" else JSON, more=(("content-disposition", f'attachment; filename="{name}"'),))
