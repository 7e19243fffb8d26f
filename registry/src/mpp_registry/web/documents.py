"""Documents that publishers wrote, as a page shows them. What cannot be read is said to be unreadable, and never breaks a page."""

from __future__ import annotations

import json
from functools import lru_cache

from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, read_manifest
from mpp.model.value import value
from mpp_registry.web.limits import DOCUMENT_CHARS_MAX, MANIFESTS_KEPT, PARTS_SHOWN_MAX


@lru_cache(MANIFESTS_KEPT)
def manifest_in(data: bytes) -> Manifest | None:
    """The manifest, or None where this registry does not read it any more."""
    reading = read_manifest(data)
    return None if reading.faults else reading.manifest


def json_in(data: bytes) -> Json:
    """Any JSON, None where it is none."""
    try:
        found: Json = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found


def pretty(data: bytes, most: int = DOCUMENT_CHARS_MAX) -> str:
    """Indented if it is JSON, as it stands if not; cut at ``most`` characters."""
    try:
        text = json.dumps(json.loads(data), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = data[: 4 * most].decode("utf-8", "replace")
    return text if len(text) <= most else text[:most] + "\n… (the rest is in the file)"


def item(found: Json, *steps: str) -> Json:
    """What lies below keys of objects; None where the way ends."""
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def words(found: Json, *steps: str) -> str:
    at = item(found, *steps)
    return at if isinstance(at, str) else ""


def rows_of(found: Json, *steps: str) -> list[Json]:
    at = item(found, *steps)
    return at if isinstance(at, list) else []


@value
class Part:
    kind: str
    name: str
    version: str
    sha256: str
    license: str


@value
class Materials:
    """A bill of materials in CycloneDX."""

    form: str
    made_with: tuple[str, ...]
    parts: tuple[Part, ...]
    count: int


def materials_in(data: bytes) -> Materials | None:
    found = json_in(data)
    if not isinstance(found, dict):
        return None
    listed = rows_of(found, "components")
    tools = rows_of(found, "metadata", "tools", "components")
    # Libraries first: the files of the package itself are seen anyway.
    parts = sorted(map(_part, listed), key=lambda one: (one.kind == "file", one.name))
    return Materials(
        form=f"{words(found, 'bomFormat')} {words(found, 'specVersion')}".strip() or "of an unknown form",
        made_with=tuple(f"{words(one, 'name')} {words(one, 'version')}".strip() for one in tools[:PARTS_SHOWN_MAX]),
        parts=tuple(parts[:PARTS_SHOWN_MAX]),
        count=len(listed),
    )


def _part(found: Json) -> Part:
    hashes = [words(one, "content") for one in rows_of(found, "hashes") if words(one, "alg") == "SHA-256"]
    licences = [words(one, "license", "name") or words(one, "license", "id") for one in rows_of(found, "licenses")]
    return Part(
        kind=words(found, "type"),
        name=words(found, "name"),
        version=words(found, "version"),
        sha256=hashes[0] if hashes else "",
        license=", ".join(filter(None, licences)),
    )


@value
class Origin:
    """How a package was made, by its own word."""

    kind: str
    builder: str
    language: str
    is_reproducible: bool
    tools: tuple[str, ...]
    sources: int


def origin_in(data: bytes) -> Origin | None:
    found = json_in(data)
    if not isinstance(found, dict):
        return None
    build, run = item(found, "predicate", "buildDefinition"), item(found, "predicate", "runDetails", "builder")
    tools = item(run, "version")
    return Origin(
        kind=words(build, "buildType"),
        builder=words(run, "id"),
        language=words(build, "externalParameters", "language"),
        is_reproducible=item(build, "externalParameters", "reproducible") is True,
        tools=tuple(f"{name} {version}" for name, version in sorted(tools.items())[:PARTS_SHOWN_MAX]) if isinstance(tools, dict) else (),
        sources=len(rows_of(build, "resolvedDependencies")),
    )
