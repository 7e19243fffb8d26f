"""Digests that stand for what somebody agreed to: the capabilities and the tool definitions of a package. Spec: spec/4-approval.md section 7."""

from __future__ import annotations

import hashlib

from mpp.model.jsontext import Json, canonical
from mpp.model.manifest import Manifest
from mpp.model.scope import Scope
from mpp.stages.policy import scope_json


def capabilities_digest(scope: Scope) -> str:
    """Names all that a package declares to need."""
    return hashlib.sha256(canonical(scope_json(scope))).hexdigest()


def definitions_digest(manifest: Manifest) -> str:
    """Names all tool definitions: names, titles, descriptions, schemas, levels. Their order does not count."""
    # Schemas are texts here: they may hold decimals, which the canonical form has not.
    rows: list[Json] = [
        [tool.name, tool.title, tool.description, tool.parameters.decode("utf-8"), (tool.returns or b"").decode("utf-8"), tool.security_level]
        for tool in sorted(manifest.tool_definitions, key=lambda tool: tool.name)
    ]
    return hashlib.sha256(canonical(rows)).hexdigest()
