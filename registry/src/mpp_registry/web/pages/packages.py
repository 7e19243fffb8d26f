"""The page of a package, of one version, and the documents of a version."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.model.words import capability_words, growth, layer_words
from mpp_registry.store.ports import Rows
from mpp_registry.web import logrows, reading
from mpp_registry.web.answers import ALWAYS_ASK, Answer, Asked
from mpp_registry.web.documents import manifest_in, materials_in, origin_in
from mpp_registry.web.errors import not_found
from mpp_registry.web.graph import graph_of
from mpp_registry.web.headers import JSON, PLAIN
from mpp_registry.web.limits import PAGE_ROWS, README_BYTES_MAX, VERSIONS_SHOWN
from mpp_registry.web.markdown import readme_markup
from mpp_registry.web.reading import OwnerLine, PackageLine, VersionLine, VersionParts
from mpp_registry.web.sentences import sentence
from mpp_registry.web.site import Site
from mpp_registry.web.toolforms import tool_view
from mpp_registry.web.verdict import Evidence, verdict

DOCUMENTS = ("manifest.json", "readme.md", "sbom.json", "provenance.json")


@value
class Found:
    """All that the page of one version is made of, from one snapshot."""

    package: PackageLine
    line: VersionLine
    lines: Sequence[VersionLine]
    parts: VersionParts
    previous: VersionLine | None
    previous_manifest: bytes
    evidence: Evidence
    owners: Sequence[OwnerLine]
    downloads: Sequence[int]
    advisories: Sequence[logrows.LeafLine]


def package(site: Site, asked: Asked) -> Answer:
    return _version_page(site, asked, "")


def version(site: Site, asked: Asked) -> Answer:
    return _version_page(site, asked, asked.places["version"])


def _version_page(site: Site, asked: Asked, wanted: str) -> Answer:
    today = site.now() // reading.SECONDS_OF_A_DAY
    with site.services.database.read() as rows:
        found = find(rows, asked.places["package_id"], wanted, today)
    if found is None:
        return not_found(site, asked, "No public package of that name, or no such version of it, is in this registry.")
    manifest, previous = manifest_in(found.parts.manifest), manifest_in(found.previous_manifest) if found.previous else None
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
        tools=[tool_view(tool, number, found.package.package_id, found.line.version) for number, tool in enumerate(manifest.tool_definitions)]
        if manifest
        else [],
        readme=readme_markup(found.parts.readme) if found.parts.readme else None,
        readme_is_cut=len(found.parts.readme) > README_BYTES_MAX,
        lines=found.lines[:VERSIONS_SHOWN],
        count=len(found.lines),
        owners=found.owners,
        graph=graph_of(found.downloads, today),
        materials=materials_in(found.parts.sbom) if found.parts.sbom else None,
        origin=origin_in(found.parts.provenance) if found.parts.provenance else None,
        advisories=[sentence(one) for one in found.advisories],
    )


def find(rows: Rows, package_id: str, wanted: str, today: int) -> Found | None:
    package = reading.package(rows, package_id)
    lines = reading.versions(rows, package_id) if package else []
    line = _line(package, lines, wanted) if package else None
    if package is None or line is None:
        return None
    previous = reading.before(lines, line.version)
    return Found(
        package=package,
        line=line,
        lines=lines,
        parts=reading.parts(rows, package_id, line.version),
        previous=previous,
        previous_manifest=reading.manifest_of(rows, package_id, previous.version) if previous else b"",
        evidence=Evidence(
            version=line,
            publisher=reading.publisher(rows, line.publisher_id),
            namespace=reading.namespace_above(rows, package_id),
            head=logrows.head(rows),
            witnesses=logrows.cosigned_above(rows, line.log_index),
        ),
        owners=reading.owners(rows, package_id),
        downloads=reading.downloads(rows, package_id, today),
        advisories=logrows.advisories_about(rows, package_id),
    )


def _line(package: PackageLine, lines: Sequence[VersionLine], wanted: str) -> VersionLine | None:
    """The one that is asked for; otherwise the newest stable one, and where there is none, the highest."""
    asked = wanted or package.latest
    found = next((one for one in lines if one.version == asked), None)
    return found or (lines[0] if lines and not wanted else None)


def _capabilities(manifest: Manifest | None) -> tuple[str, ...]:
    return (*capability_words(manifest.capabilities), *layer_words(manifest.runtime)) if manifest else ()


def versions(site: Site, asked: Asked) -> Answer:
    package_id = asked.places["package_id"]
    with site.services.database.read() as rows:
        package = reading.package(rows, package_id)
        lines = reading.versions(rows, package_id) if package else []
    if package is None:
        return not_found(site, asked)
    after = asked.query.get("after", "")
    begin = next((number + 1 for number, one in enumerate(lines) if one.version == after), 0)
    shown = lines[begin : begin + PAGE_ROWS]
    more = shown[-1].version if begin + PAGE_ROWS < len(lines) else ""
    return site.page("versions.html", package=package, lines=shown, count=len(lines), more=more, is_first=begin == 0)


def document(site: Site, asked: Asked) -> Answer:
    """A document as it lies in the package, for programs and for a look at the whole.

    Attack: a README that a browser takes for a page of the registry. Its type is plain text or JSON, nothing may be guessed, and it is saved.
    """
    name, package_id = asked.places["document"], asked.places["package_id"]
    with site.services.database.read() as rows:
        is_there = name in DOCUMENTS and reading.package(rows, package_id) is not None
        parts = reading.parts(rows, package_id, asked.places["version"]) if is_there else None
    data = dict(zip(DOCUMENTS, (parts.manifest, parts.readme, parts.sbom, parts.provenance), strict=True)).get(name, b"") if parts else b""
    if not data:
        return not_found(site, asked)
    return Answer(body=data, kind=PLAIN if name == "readme.md" else JSON, cache=ALWAYS_ASK, more=(("content-disposition", f'attachment; filename="{name}"'),))
