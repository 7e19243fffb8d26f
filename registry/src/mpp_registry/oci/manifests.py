"""Manifests: the one that we make of a version, and what we want of one that is pushed. Pure."""

from __future__ import annotations

import re
from hashlib import sha256

from mpp.errors import Refused
from mpp.model.jsontext import canonical, Json, read
from mpp.model.names import VERSION
from mpp.model.value import value
from mpp_registry.catalog.types import VersionRow

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PACKAGE = "application/vnd.mpp.package.v1"
EMPTY_MEDIA = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
EMPTY_SHA256 = sha256(EMPTY).hexdigest()
"""Of the configuration that an artifact without one has."""

TITLE = "org.opencontainers.image.title"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


@value
class Pushed:
    """What a pushed manifest says. The file decides about all else."""

    file_hash: str
    size: int


def tag_of(version: str) -> str:
    """A tag holds no plus; no version holds an underscore."""
    return version.replace("+", "_")


def version_of(tag: str) -> str:
    """Empty: no version has this tag."""
    found = tag.replace("_", "+")
    return found if VERSION.fullmatch(found) else ""


def digest_of(text: str) -> str:
    """The hex of a digest; empty: it is none of ours."""
    found = _DIGEST.fullmatch(text)
    return found[1] if found else ""


def manifest_of(row: VersionRow) -> bytes:
    """The same bytes for the same version, on each replica."""
    layer: dict[str, Json] = {
        "mediaType": PACKAGE, "digest": f"sha256:{row.file_hash}", "size": row.size, "annotations": {TITLE: f"{row.package_id}-{row.version}.mpp"},
    }  # fmt: skip
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": PACKAGE,
            "config": {"mediaType": EMPTY_MEDIA, "digest": f"sha256:{EMPTY_SHA256}", "size": len(EMPTY)},
            "layers": [layer],
            "annotations": {"org.opencontainers.image.version": row.version, "org.opencontainers.image.title": row.package_id},
        }
    )


def read_manifest(data: bytes) -> Pushed:
    """One layer, which is the package. Whatever else stands in it stays as it was written and means nothing to us."""
    found = read(data, family="registry", where="manifest")
    layers = found.get("layers") if isinstance(found, dict) else None
    if isinstance(found, dict) and found.get("schemaVersion") == 2 and isinstance(layers, list) and len(layers) == 1:
        layer = layers[0]
        if isinstance(layer, dict) and layer.get("mediaType") == PACKAGE:
            digest, size = layer.get("digest"), layer.get("size")
            if isinstance(digest, str) and digest_of(digest) and isinstance(size, int) and not isinstance(size, bool):
                return Pushed(file_hash=digest_of(digest), size=size)
    raise Refused("registry.manifest", f"the manifest has not one layer, of type {PACKAGE}", where="manifest", hint="push the .mpp file as the only layer")
