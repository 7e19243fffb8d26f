"""The draft of a manifest: tools as a server lists them, capabilities as it was seen to use them. Whatever had to be changed or left open is told."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Sequence

from mpp.author.migrating.evidence import is_wide, Observed
from mpp.author.migrating.schemas import acceptable, EMPTY
from mpp.errors import Fault
from mpp.model.capabilities import is_never_env, read_capabilities
from mpp.model.hiddentext import hidden_at, hidden_texts
from mpp.model.jsontext import Json, shown
from mpp.model.limits import DESCRIPTION_MAX, ENV_VARS_MAX, LINE_MAX, NAME_MAX, NETWORK_RULES_MAX, PATHS_MAX, TOOL_DESCRIPTION_MAX, TOOLS_MAX
from mpp.model.manifest import read_manifest
from mpp.model.names import TOOL_NAME
from mpp.model.value import value

WORKSPACE = "${workspace}"
SECURE_PORT = 443

_STRANGE = re.compile(r"[^A-Za-z0-9_.-]+")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH")


@value
class Identity:
    """What a package is called. ``name`` is also that of its folder."""

    name: str
    package_id: str
    publisher: str


@value
class Row:
    """One capability that the draft asks for, or one that it cannot, with the evidence."""

    what: str
    evidence: str
    drafted: bool


@value
class Draft:
    manifest: bytes
    tools: tuple[str, ...]
    """Names in the package."""
    renamed: tuple[tuple[str, str], ...]
    """Old and new name, where they differ."""
    changes: tuple[str, ...]
    """What a tool's definition had to give up."""
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    """What the reader of `mpp build` still says of the draft."""


def make_draft(identity: Identity, tools: Sequence[dict[str, Json]], server: str, seen: Observed, workspace: str) -> Draft:
    """Pure: what a server says and what was seen of it become a manifest."""
    changes: list[str] = []
    if len(tools) > TOOLS_MAX:
        changes.append(f"the server has {len(tools)} tools and a package at most {TOOLS_MAX}: the others were left out")
    definitions, renamed, taken = [], [], set[str]()
    for tool in tools[:TOOLS_MAX]:
        old = tool.get("name")
        name = _tool_name(old if isinstance(old, str) else "", taken)
        if name != old:
            renamed.append((str(old), name))
        definitions.append(_definition(tool, name, changes))
    capabilities, rows = draft_capabilities(seen, workspace)
    document = _document(identity, server, definitions, capabilities)
    data = json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8") + b"\n"
    names = tuple(str(one["name"]) for one in definitions)
    return Draft(
        manifest=data, tools=names, renamed=tuple(renamed), changes=tuple(changes), rows=rows, faults=read_manifest(data).faults
    )  # fmt: skip


def _document(identity: Identity, server: str, definitions: list[dict[str, Json]], capabilities: dict[str, Json]) -> dict[str, Json]:
    return {
        "mpp_version": "1.0.0",
        "package_id": identity.package_id,
        "version": "0.1.0",
        "name": identity.name,
        "description": _plain(f"The tools of the MCP server {server}, as a package")[:DESCRIPTION_MAX],
        "publisher": {"name": identity.publisher},
        "runtime": {"type": "wasm32-wasip1", "entrypoint": "bin/main.wasm", "memory_limit_mb": 64, "timeout_ms": 30_000},
        "capabilities": capabilities,
        "tool_definitions": [*definitions],
        "privacy_filters": {"enabled": True, "patterns": []},
    }


def _tool_name(old: str, taken: set[str]) -> str:
    """A name that a manifest may have, and no other tool has in any case of its letters."""
    name = old if TOOL_NAME.fullmatch(old) else _STRANGE.sub("_", old)[:NAME_MAX].strip("_") or "tool"
    base, count = name, 2
    while name.lower() in taken:
        name = f"{base[: NAME_MAX - 4]}_{count}"
        count += 1
    taken.add(name.lower())
    return name


def _definition(tool: dict[str, Json], name: str, changes: list[str]) -> dict[str, Json]:
    out: dict[str, Json] = {"name": name, "description": _description(tool, name, changes)}
    title = tool.get("title")
    if isinstance(title, str) and (line := " ".join(_plain(title).split()))[:LINE_MAX]:
        out["title"] = line[:LINE_MAX].strip()
    for theirs, ours in (("inputSchema", "parameters"), ("outputSchema", "returns")):
        found = tool.get(theirs)
        if found is None and ours == "returns":
            continue
        mended = acceptable(found if isinstance(found, dict) else dict(EMPTY), needs_object=ours == "parameters")
        schema, words = _clean_schema(mended.schema)
        out[ours] = schema
        changes += [f"{name}, {ours}: {change}" for change in (*mended.changes, *words)]
    out["security_level"] = level_of(tool)
    return out


def _description(tool: dict[str, Json], name: str, changes: list[str]) -> str:
    found = tool.get("description")
    text = _plain(found).strip() if isinstance(found, str) else ""
    if isinstance(found, str) and text != found.strip():
        # Attack: instructions to a model in characters that no reviewer sees. They do not come along.
        changes.append(f"{name}: its description held hidden characters; they are gone, and somebody should ask why they were there")
    if len(text) > TOOL_DESCRIPTION_MAX:
        changes.append(f"{name}: its description was cut to {TOOL_DESCRIPTION_MAX} characters")
    if not text:
        changes.append(f"{name}: it has no description; write one, models choose by it")
    return text[:TOOL_DESCRIPTION_MAX] or f"What {name} does (write this)"


def _plain(text: str) -> str:
    """Without what nobody sees."""
    while (found := hidden_at(text, is_name=False)) is not None:
        text = text[: found[0]] + text[found[0] + 1 :]
    return text


def _clean_schema(schema: Json) -> tuple[Json, tuple[str, ...]]:
    places = hidden_texts(schema, 1)
    if not places:
        return schema, ()
    return dict(EMPTY), (f"the whole schema was left out: it holds the hidden character {places[0][1]} at {shown(places[0][0], 200)}",)


def level_of(tool: dict[str, Json]) -> str:
    """A first guess by what the server says of its tool: read only is low, may destroy is high, anything else is medium."""
    hints = tool.get("annotations")
    known = hints if isinstance(hints, dict) else {}
    if known.get("readOnlyHint") is True:
        return "low"
    return "high" if known.get("destructiveHint") is True else "medium"


def draft_capabilities(seen: Observed, workspace: str) -> tuple[dict[str, Json], tuple[Row, ...]]:
    """What was seen, as far as a manifest may ask for it; and a row of evidence for each, also for what it may not."""
    rows: list[Row] = []
    network = _network(seen, rows)
    read = _paths(seen.reads, "read", workspace, seen.home, rows)
    write = _paths(seen.writes, "write", workspace, seen.home, rows)
    env = _variables(seen, rows)
    return {"network": network, "filesystem": {"read": read, "write": write}, "env_vars": env}, tuple(rows)


def _network(seen: Observed, rows: list[Row]) -> list[Json]:
    out: list[Json] = []
    others = [port for port in seen.ports if port != SECURE_PORT]
    for host in seen.hosts:
        rule: Json = host
        evidence = "its name was looked up"
        if others and seen.ports:
            evidence += f"; connections went to the ports {', '.join(map(str, seen.ports))}, to which of them is not known"
        elif not seen.ports:
            evidence += "; no connection was seen"
        fault = _fault({"network": [rule]}) if len(out) < NETWORK_RULES_MAX else f"more than {NETWORK_RULES_MAX} rules"
        rows.append(Row(what=f"network {host}", evidence=evidence + (f"; not drafted: {fault}" if fault else ""), drafted=not fault))
        if not fault:
            out.append(rule)
    rows += [
        Row(what=f"connection to {address}", evidence="seen; a manifest names hosts, not addresses: which host is it?", drafted=False)
        for address in seen.addresses
    ]
    return out


def _paths(found: Iterable[str], mode: str, workspace: str, home: str, rows: list[Row]) -> list[Json]:
    out: list[Json] = []
    for path in found:
        written = _in_workspace(path, workspace)
        fault = _fault({"filesystem": {mode: [written]}}) if len(out) < PATHS_MAX else f"more than {PATHS_MAX} paths"
        if is_wide(path, home):
            fault = "it holds far more than one tool's data; name the folder that is needed"
        evidence = "it was written, made, renamed or removed" if mode == "write" else "it was opened or listed"
        if written != path:
            evidence += f" (as {path}: the folder that the server was started in is {WORKSPACE} here)"
        rows.append(Row(what=f"{mode} {written}", evidence=evidence + (f"; not drafted: {fault}" if fault else ""), drafted=not fault))
        if not fault:
            out.append(written)
    return out


def _in_workspace(path: str, workspace: str) -> str:
    if workspace in {"", "/"}:
        return path
    if path == workspace:
        return WORKSPACE
    return WORKSPACE + path[len(workspace) :] if posixpath.commonpath((path, workspace)) == workspace else path


def _variables(seen: Observed, rows: list[Row]) -> list[Json]:
    out: list[Json] = []
    for name in seen.variables:
        fault = "it steers programs and is never granted" if is_never_env(name) else _fault({"env_vars": [name]})
        fault = fault or ("" if len(out) < ENV_VARS_MAX else f"more than {ENV_VARS_MAX} variables")
        evidence = "its name stands in the sources"
        if _SECRET.search(name) and not fault:
            evidence += "; it looks like a secret: better bind it to a host under `secrets`, so that the tool never sees it"
        rows.append(Row(what=f"variable {name}", evidence=evidence + (f"; not drafted: {fault}" if fault else ""), drafted=not fault))
        if not fault:
            out.append(name)
    return out


def _fault(block: dict[str, Json]) -> str:
    """Why a manifest may not ask for it, by the reader that judges manifests; or nothing."""
    _, faults = read_capabilities(block, "/capabilities", newer=False, optional=frozenset())
    return faults[0].message if faults else ""
