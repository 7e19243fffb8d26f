"""How installed packages and changes of them look on the screen and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.cli.options import quoted
from mpp.cli.screen import error_json, mark, note, safe, say, TICK
from mpp.errors import MppError
from mpp.host.sources.naming import public_name
from mpp.host.store import Installed, PackageStore
from mpp.model.jsontext import Json
from mpp.model.words import capability_words, layer_words

if TYPE_CHECKING:
    from mpp.cli.store.changes import Changed

_DONE = {
    "install": "Installed",
    "update": "Updated",
    "downgrade": "Went back with",
    "repair": "Repaired",
    "alias": "Renamed",
    "none": "Already installed:",
}


def show_changed(one: Changed) -> None:
    row, manifest = one.done.row, one.change.package.manifest
    before = f" (was {one.done.before})" if one.done.before and one.done.before != row.version else ""
    say(mark(TICK), f" {_DONE[one.done.change]} {row.package_id} {row.version}{before} as {row.alias}")
    if one.done.change not in {"install", "update", "downgrade"}:
        return
    if one.change.origin is not None:
        say(f"  registry   {one.change.origin.line()}")
    say(f"  publisher  {quoted(one.change.package.chain.newest.name)} ({one.change.package.publisher_id[:16]})")
    say(f"  tools      {', '.join(public_name(row.alias, tool.name) for tool in manifest.tool_definitions)}")
    for line in (*capability_words(manifest.capabilities), *layer_words(manifest.runtime)):
        say(f"  - {line}")
    for line in one.change.looks:
        note(f"look: {safe(line)}")


def changed_json(one: Changed) -> Json:
    lines: list[Json] = [*one.agreed.lines]
    looks: list[Json] = [*one.change.looks]
    return {
        **row_json(one.done.row),
        "change": one.done.change,
        "before": one.done.before,
        "agreed": lines,
        "amr": one.agreed.amr,
        "look": looks,
        "compiled": one.fresh,
        "proof": None if one.change.origin is None else one.change.origin.to_json(),
    }


def row_json(row: Installed) -> dict[str, Json]:
    return {
        "package_id": row.package_id,
        "version": row.version,
        "alias": row.alias,
        "active": row.active,
        "publisher_id": row.publisher_id,
        "content_hash": row.content_hash,
        "file_hash": row.file_hash,
        "size": row.size,
        "installed_at": row.installed_at,
        "mark": row.mark,
        "source": row.source,
        "registry_id": row.registry_id,
        "log_index": row.log_index if row.registry_id else None,
    }


def state_of(row: Installed, store: PackageStore) -> tuple[str, dict[str, Json]]:
    """``ok``, or the code of why it would not be served; with what the package says, or the whole error."""
    try:
        package = store.open(row)
    except MppError as fault:
        # What a package that does not hold says of itself is not passed on.
        return fault.code, {"error": error_json(fault), "publisher": None, "tools": None, "capabilities_in_words": None}
    publisher: Json = {"id": package.publisher_id, "name": package.chain.newest.name, "trusted": True, "because": package.trusted_because}
    tools: list[Json] = [
        {"name": tool.name, "served_as": public_name(row.alias, tool.name), "description": tool.description, "security_level": tool.security_level}
        for tool in package.manifest.tool_definitions
    ]
    words: list[Json] = [*capability_words(package.manifest.capabilities), *layer_words(package.manifest.runtime)]
    return "ok", {"error": None, "publisher": publisher, "tools": tools, "capabilities_in_words": words}
