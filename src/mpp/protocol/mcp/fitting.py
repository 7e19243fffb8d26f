"""Results as the version of a client knows them. Spec: mcp-front J-27."""

from __future__ import annotations

from collections.abc import Mapping

from mpp.model.jsontext import Json
from mpp.protocol.mcp.versions import MODERN, SERVER_KEY, V2025_03, V2025_06

_SINCE = {"audio": V2025_03, "resource_link": V2025_06}
"""Kinds of content that came later than the first version, and when."""


def fitting(result: Mapping[str, Json], version: str, info: Mapping[str, Json]) -> dict[str, Json]:
    """A finished result. An old client gets no content that it would take for an error."""
    found = dict(result)
    if version == MODERN:
        meta = found.get("_meta")
        found["_meta"] = {SERVER_KEY: dict(info), **(meta if isinstance(meta, dict) else {})}
        found["resultType"] = "complete"
        return found
    found.pop("resultType", None)
    if "structuredContent" in found and (version < V2025_06 or not isinstance(found["structuredContent"], dict)):
        del found["structuredContent"]
    content = found.get("content")
    if version < V2025_06 and isinstance(content, list):
        found["content"] = [_older(part, version) for part in content]
    return found


def _older(part: Json, version: str) -> Json:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str) or version >= _SINCE.get(kind, version):
        return part
    words = part.get("uri") if kind == "resource_link" else part.get("mimeType")
    return {"type": "text", "text": f"[{kind}: {words}]"}
