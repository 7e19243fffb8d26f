"""The bill of materials that each build puts into the package: CycloneDX 1.6, reproducible. Spec: spec/1-archive.md section 6."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from mpp.author.languages.ports import Component
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest


def write_sbom(manifest: Manifest, files: Mapping[str, bytes], tools: Mapping[str, str], dependencies: Sequence[Component] = ()) -> bytes:
    """The package as a component, its files with hashes, the dependencies that they came from, and the tools that made it.

    It holds no serial number and no time: the same sources give the same bytes.
    """
    reference = f"pkg:generic/{manifest.package_id}@{manifest.version}"
    parts: list[Json] = [
        {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [{"alg": "SHA-256", "content": sha256(files[name]).hexdigest()}]}
        for name in sorted(files)
    ]
    made_with: list[Json] = [{"type": "application", "name": name, "version": tools[name]} for name in sorted(tools)]
    component: dict[str, Json] = {
        "type": "application",
        "bom-ref": reference,
        "name": manifest.package_id,
        "version": manifest.version,
        "description": manifest.description,
        "purl": reference,
    }
    if manifest.license:
        component["licenses"] = [{"license": {"name": manifest.license}}]
    document: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": component, "tools": {"components": made_with}},
        "components": [*parts, *(_dependency(one) for one in dependencies)],
        "dependencies": [{"ref": reference, "dependsOn": [*(f"file:{name}" for name in sorted(files)), *(one.purl for one in dependencies)]}],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _dependency(one: Component) -> Json:
    found: dict[str, Json] = {"type": one.kind, "bom-ref": one.purl, "name": one.name, "version": one.version, "purl": one.purl}
    if one.sha256:
        found["hashes"] = [{"alg": "SHA-256", "content": one.sha256}]
    if one.license:
        found["licenses"] = [{"license": {"name": one.license}}]
    return found
