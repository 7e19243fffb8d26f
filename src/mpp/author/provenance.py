"""Where a package comes from: sources by digest, compiler by version, the exact way it was built. Spec: spec/1-archive.md section 6.

It says nothing that differs between two builds of the same sources: no time, host, user or path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

from mpp.model.jsontext import Json
from mpp.model.value import value


@value
class Recipe:
    """How the code of a package was made."""

    language: str
    """``c`` and so on, or ``prebuilt`` for ``--wasm``."""
    reproducible: bool
    parameters: tuple[str, ...]
    """The compiler's arguments, with paths relative to the project."""
    tools: Mapping[str, str]
    sources: Mapping[str, bytes]


def write_provenance(recipe: Recipe) -> bytes:
    document: Json = {
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:mpp:build:1",
                "externalParameters": {"language": recipe.language, "reproducible": recipe.reproducible, "arguments": [*recipe.parameters]},
                "resolvedDependencies": [{"name": name, "digest": {"sha256": sha256(recipe.sources[name]).hexdigest()}} for name in sorted(recipe.sources)],
            },
            "runDetails": {"builder": {"id": "urn:mpp:builder:local", "version": dict(sorted(recipe.tools.items()))}},
        },
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
