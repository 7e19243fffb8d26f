"""What an agent reads of a packaged tool: made of signed bytes alone. Spec: mcp-front, section on definitions."""

from __future__ import annotations

import json

from mpp.host.toolcall import META
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import level_of
from mpp.stages.privacy import widened


def definition_of(package: VerifiedPackage, tool: ToolDefinition, icons: tuple[dict[str, Json], ...] = ()) -> dict[str, Json]:
    """All but the name under which it is offered."""
    manifest = package.manifest
    found: dict[str, Json] = {
        "description": tool.description,
        "inputSchema": json.loads(tool.parameters),
        "annotations": annotations_of(manifest, tool),
        "_meta": labels_of(package, tool),
    }
    if tool.title:
        found["title"] = tool.title
    if icons:
        found["icons"] = list(icons)
    if tool.returns is not None:
        # What the filter puts in the place of a value must fit, too. Spec: 6-privacy, section on schemas.
        found["outputSchema"] = widened(json.loads(tool.returns))
    return found


def annotations_of(manifest: Manifest, tool: ToolDefinition) -> dict[str, Json]:
    """Hints that follow from what the sandbox lets the tool do, not from what its author says."""
    asked = manifest.capabilities
    writes = bool(asked.write or asked.kv_max_bytes or asked.network or any("w" in one.mode for one in asked.hardware))
    found: dict[str, Json] = {
        "readOnlyHint": not writes,
        "destructiveHint": writes,
        "idempotentHint": not writes or manifest.runtime.deterministic,
        "openWorldHint": bool(asked.network),
    }
    return {"title": tool.title, **found} if tool.title else found


def labels_of(package: VerifiedPackage, tool: ToolDefinition) -> dict[str, Json]:
    """Whose tool it is."""
    return {
        META + "package": package.package_id, META + "version": package.version, META + "contentHash": package.content_hash,
        META + "publisher": package.publisher_id, META + "level": level_of(package.manifest, tool), META + "verified": True,
    }  # fmt: skip
