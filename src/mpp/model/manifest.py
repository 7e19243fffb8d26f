"""The manifest: what a package is, how it runs, what it asks for, which tools it has.

Spec: spec/manifest.md. ``read_manifest`` lists every fault with its place; the host, ``mpp build`` and a
registry use the same reader, so a manifest is sound everywhere or nowhere.
"""

from __future__ import annotations

import re

from mpp.errors import Fault, Refused
from mpp.limits import FAULTS_MAX
from mpp.model.capabilities import NO_CAPABILITIES, Capabilities, Hardware, NetworkRule, Secret, read_capabilities
from mpp.model.fields import Faults, Fields
from mpp.model.hiddentext import hidden_texts
from mpp.model.jsontext import Json, read, shown
from mpp.model.limits import (
    DESCRIPTION_MAX,
    KEYWORDS_MAX,
    LINE_MAX,
    MANIFEST_BYTES_MAX,
    MEMORY_MB_MAX,
    NAME_MAX,
    OPTIONAL_KEYS_MAX,
    PACKAGE_ID_MAX,
    PATTERNS_MAX,
    POINTER_MAX,
    TIMEOUT_MS_MAX,
    TOOL_DESCRIPTION_MAX,
    TOOLS_MAX,
    URL_MAX,
    VERSION_MAX,
)
from mpp.model.names import (
    MPP_VERSION,
    MPP_VERSION_FORM,
    PACKAGE_ID,
    PACKAGE_ID_FORM,
    PACKAGE_NAME,
    PACKAGE_NAME_FORM,
    SHA256_HEX,
    SHA256_HEX_FORM,
    SHORT_KEY_ID,
    SHORT_KEY_ID_FORM,
    TOOL_NAME,
    TOOL_NAME_FORM,
    VERSION,
    VERSION_FORM,
)
from mpp.model.paths import NAME_BYTES_MAX, path_fault
from mpp.model.regexcheck import regex_fault
from mpp.model.toolschema import read_schema
from mpp.model.value import value
from mpp.model.versioned import VersionedFaults

__all__ = (
    "Capabilities",
    "CustomPattern",
    "Hardware",
    "LayerRef",
    "Manifest",
    "ManifestReading",
    "NetworkRule",
    "PrivacyFilters",
    "PublisherInfo",
    "Runtime",
    "Secret",
    "ToolDefinition",
    "parse_manifest",
    "read_manifest",
)

FORMAT = (1, 0)
"""The major and minor ``mpp_version`` that this reader knows."""

WASM_TYPES = ("wasm32-wasip1", "wasi-component")
INTERPRETED_TYPES = ("python", "javascript")
LAYER_TYPE = "layer"
ALIASES = {"wasm32-wasi": "wasm32-wasip1"}
RUNTIME_TYPES = (*WASM_TYPES, *INTERPRETED_TYPES, LAYER_TYPE, *ALIASES)
SECURITY_LEVELS = ("low", "medium", "high", "critical")

_URL = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[1-9][0-9]{0,4})?(?:[/?#][!#-;=?-Z\[\]_a-z~]*)?")
_URL_FORM = "an address such as https://example.com"
_LINE = re.compile(r"[^\s](?:[^\t\n\xa0\u3000]*[^\s])?")
_LINE_FORM = "one line without spaces around it or unusual ones in it"
_KEYWORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WORD = re.compile(r"[a-z][a-z0-9_-]*")
_POINTER = re.compile(r"(?:/[A-Za-z0-9_$.-]+)+")


@value
class PublisherInfo:
    """What the publisher says of itself; the signature decides who it is."""

    name: str
    url: str
    verified_key_id: str
    """The release key that must have signed, ``pub_...``; empty when the manifest names none."""


@value
class LayerRef:
    """The interpreter package that an interpreted tool runs on, by content hash."""

    id: str
    version: str
    sha256: str


@value
class Runtime:
    type: str
    """Without aliases: ``wasm32-wasi`` reads as ``wasm32-wasip1``."""
    written_type: str
    entrypoint: str
    memory_limit_mb: int
    timeout_ms: int
    deterministic: bool
    layer: LayerRef | None


@value
class ToolDefinition:
    name: str
    description: str
    title: str
    parameters: bytes
    """The schema as compact JSON with sorted keys; it holds 2020-12 keywords only."""
    returns: bytes | None
    security_level: str


@value
class CustomPattern:
    id: str
    regex: str
    description: str


@value
class PrivacyFilters:
    """Patterns that the publisher adds. ``enabled`` false counts only if the host's policy agrees."""

    enabled: bool
    patterns: tuple[str, ...]
    custom_patterns: tuple[CustomPattern, ...]


@value
class Manifest:
    mpp_version: str
    package_id: str
    version: str
    name: str
    description: str
    publisher: PublisherInfo
    license: str
    homepage: str
    repository: str
    keywords: tuple[str, ...]
    runtime: Runtime
    capabilities: Capabilities
    tool_definitions: tuple[ToolDefinition, ...]
    privacy_filters: PrivacyFilters
    trust_level: str
    """What the publisher claims; empty when absent. Shown, never believed."""


@value
class ManifestReading:
    """What was read, and its faults: those of the manifest first, then those of its capabilities."""

    faults: tuple[Fault, ...]
    manifest: Manifest | None
    """None when it has faults of its own. Beside faults of the capabilities it stands, because check 6 judges
    the one and check 7 the other; its ``capabilities`` then mean nothing."""


def parse_manifest(data: bytes) -> Manifest:
    """The manifest, or one refusal with all faults."""
    reading = read_manifest(data)
    if reading.faults or reading.manifest is None:
        raise Refused.of(reading.faults)
    return reading.manifest


def read_manifest(data: bytes) -> ManifestReading:
    """Judge ``manifest.json``. Never raises for what it holds."""
    # Spec: spec/manifest.md M-1.
    if len(data) > MANIFEST_BYTES_MAX:
        fault = Fault("manifest.length", "/", f"the manifest has more than {MANIFEST_BYTES_MAX} bytes", "move long texts into README.md")
        return ManifestReading(faults=(fault,), manifest=None)
    try:
        found = read(data, family="manifest", where="manifest.json")
    except Refused as refused:
        return ManifestReading(faults=refused.faults, manifest=None)
    newer, optional = _look_ahead(found)
    faults = VersionedFaults(family="manifest", newer=newer, optional=optional)
    manifest, capability_faults = _read(found, faults)
    all_faults = (*faults.found, *capability_faults)[:FAULTS_MAX]
    return ManifestReading(faults=all_faults, manifest=None if faults.found else manifest)


def _look_ahead(found: Json) -> tuple[bool, frozenset[str]]:
    """Whether a later minor version wrote this, and which of its keys may be passed over. Spec: spec/manifest.md M-3, M-4."""
    if not isinstance(found, dict):
        return False, frozenset()
    written, listed = found.get("mpp_version"), found.get("optional_keys")
    match = MPP_VERSION.fullmatch(written) if isinstance(written, str) else None
    newer = match is not None and int(match[1]) == FORMAT[0] and int(match[2]) > FORMAT[1]
    # The list is cut here, before its length is judged: each mark is work saved from the count of faults.
    marks = listed[:OPTIONAL_KEYS_MAX] if isinstance(listed, list) else []
    return newer, frozenset(item for item in marks if isinstance(item, str))


def _read(found: Json, faults: VersionedFaults) -> tuple[Manifest, tuple[Fault, ...]]:
    fields = Fields(found, "", faults)
    mpp_version = _read_version(fields)
    if isinstance(found, dict):
        for place, character in hidden_texts(found, FAULTS_MAX):
            faults.add(
                "hidden_text", shown(place, 200) or "/", f"holds the hidden character {character}", "remove it; people and models must read the same text"
            )
    runtime = _read_runtime(fields.object("runtime"))
    capabilities, capability_faults = _read_capabilities(fields, faults)
    manifest = Manifest(
        mpp_version=mpp_version,
        package_id=fields.text("package_id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        version=fields.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        name=_read_name(fields),
        description=fields.text("description", most=DESCRIPTION_MAX),
        publisher=_read_publisher(fields.object("publisher"), faults),
        license=fields.text("license", most=LINE_MAX, default="", pattern=_LINE, form=_LINE_FORM),
        homepage=_read_url(fields, "homepage"),
        repository=_read_url(fields, "repository"),
        keywords=fields.texts("keywords", most=KEYWORDS_MAX, each_most=NAME_MAX, pattern=_KEYWORD, form="a keyword such as time-zone"),
        runtime=runtime,
        capabilities=capabilities,
        tool_definitions=_read_tools(fields, runtime.type, faults),
        privacy_filters=_read_privacy(fields.object("privacy_filters", required=False), faults),
        trust_level=_read_trust(fields.object("trust", required=False)),
    )
    # Read by _look_ahead; and a key for editors, which means nothing to a host.
    fields.texts("optional_keys", most=OPTIONAL_KEYS_MAX, each_most=POINTER_MAX, pattern=_POINTER, form="a pointer such as /runtime/new_key")
    fields.text("$schema", most=URL_MAX, default="")
    fields.end()
    return manifest, (*capability_faults, *_layer_capability_faults(runtime, capabilities))


def _read_version(fields: Fields) -> str:
    written = fields.text("mpp_version", most=VERSION_MAX, pattern=MPP_VERSION, form=MPP_VERSION_FORM)
    match = MPP_VERSION.fullmatch(written)
    if match is not None and int(match[1]) != FORMAT[0]:
        fields.faults.add(
            "mpp_version", "/mpp_version", f"this host reads version {FORMAT[0]} of the format, not {match[1]}", "update this host, or build for version 1"
        )
    return written


def _read_name(fields: Fields) -> str:
    """It begins the usual file name, so it is a sound one on every system. Spec: spec/manifest.md M-12."""
    name = fields.text("name", most=NAME_MAX, pattern=PACKAGE_NAME, form=PACKAGE_NAME_FORM)
    fault = path_fault(name) if PACKAGE_NAME.fullmatch(name) else None
    if fault is not None:
        fields.faults.add("form", "/name", fault.message, "take another name")
    return name


def _read_url(fields: Fields, key: str) -> str:
    return fields.text(key, most=URL_MAX, default="", pattern=_URL, form=_URL_FORM)


def _read_publisher(fields: Fields | None, faults: Faults) -> PublisherInfo:
    fields = fields or Fields({"name": "-"}, "", faults)
    out = PublisherInfo(
        name=fields.text("name", most=LINE_MAX, pattern=_LINE, form=_LINE_FORM),
        url=_read_url(fields, "url"),
        verified_key_id=fields.text("verified_key_id", most=NAME_MAX, default="", pattern=SHORT_KEY_ID, form=SHORT_KEY_ID_FORM),
    )
    fields.end()
    return out


def _read_runtime(fields: Fields | None) -> Runtime:
    """Spec: spec/manifest.md M-20 to M-26."""
    fields = fields or Fields({"type": WASM_TYPES[0], "entrypoint": "-", "memory_limit_mb": 1, "timeout_ms": 1}, "", Faults("manifest"))
    written = fields.one_of("type", RUNTIME_TYPES)
    entrypoint = fields.text("entrypoint", most=NAME_BYTES_MAX)
    fault = path_fault(entrypoint) if entrypoint else None
    if fault is not None:
        fields.faults.add("form", fields.path("entrypoint"), f"{shown(entrypoint)!r}: {fault.message}", "name a file of the package such as bin/main.wasm")
    elif entrypoint == "manifest.json" or entrypoint.lower().startswith("_mpp/"):
        fields.faults.add("form", fields.path("entrypoint"), f"{entrypoint} is not code", "name a file of the package such as bin/main.wasm")
    out = Runtime(
        type=ALIASES.get(written, written),
        written_type=written,
        entrypoint=entrypoint,
        memory_limit_mb=fields.number("memory_limit_mb", least=1, most=MEMORY_MB_MAX),
        timeout_ms=fields.number("timeout_ms", least=1, most=TIMEOUT_MS_MAX),
        deterministic=fields.flag("deterministic", default=False),
        layer=_read_layer(fields, written),
    )
    fields.end()
    return out


def _read_layer(fields: Fields, runtime_type: str) -> LayerRef | None:
    block = fields.object("layer", required=False)
    needed = runtime_type in INTERPRETED_TYPES
    if needed and block is None:
        fields.faults.add(
            "layer", fields.path("layer"), f"a {runtime_type} tool names the layer with its interpreter", 'add "layer": {"id", "version", "sha256"}'
        )
    if block is None:
        return None
    if not needed and runtime_type in RUNTIME_TYPES:
        fields.faults.add("layer", block.where, f"a package of type {runtime_type} brings its own code and runs on no layer", "remove it")
    out = LayerRef(
        id=block.text("id", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        version=block.text("version", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM),
        sha256=block.text("sha256", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
    )
    block.end()
    return out


def _read_capabilities(fields: Fields, faults: VersionedFaults) -> tuple[Capabilities, tuple[Fault, ...]]:
    found = fields.raw("capabilities")
    if not fields.has("capabilities"):
        return NO_CAPABILITIES, ()
    return read_capabilities(found, "/capabilities", newer=faults.newer, optional=faults.optional)


def _layer_capability_faults(runtime: Runtime, capabilities: Capabilities) -> tuple[Fault, ...]:
    """Attack: a layer that asks for itself would bring rights into every tool that stands on it. Spec: spec/manifest.md M-26."""
    if runtime.type != LAYER_TYPE or capabilities == NO_CAPABILITIES:
        return ()
    return (Fault("capability.layer", "/capabilities", "a layer has no capabilities of its own", "the tool that uses the layer declares them"),)


def _read_tools(fields: Fields, runtime_type: str, faults: Faults) -> tuple[ToolDefinition, ...]:
    """Spec: spec/manifest.md M-30 to M-33."""
    if runtime_type == LAYER_TYPE:
        if fields.items("tool_definitions", most=TOOLS_MAX):
            faults.add("layer", "/tool_definitions", "a layer has no tools of its own", "remove them")
        return ()
    tools = fields.each("tool_definitions", lambda item, where: _read_tool(item, where, faults), most=TOOLS_MAX, required=True, least=1)
    lowered = [tool.name.lower() for tool in tools]
    for i, name in enumerate(lowered):
        # Attack: two tools whose names differ only by case are confused by people and by clients.
        if name and name in lowered[:i]:
            faults.add(
                "duplicate", f"/tool_definitions/{i}/name", f"another tool has the name {shown(tools[i].name)!r}, perhaps in other case", "rename one of them"
            )
    return tools


def _read_tool(found: Json, where: str, faults: Faults) -> ToolDefinition:
    fields = Fields(found, where, faults)
    parameters, returns = fields.raw("parameters"), fields.raw("returns", required=False)
    out = ToolDefinition(
        name=fields.text("name", most=NAME_MAX, pattern=TOOL_NAME, form=TOOL_NAME_FORM),
        description=fields.text("description", most=TOOL_DESCRIPTION_MAX),
        title=fields.text("title", most=LINE_MAX, default="", pattern=_LINE, form=_LINE_FORM),
        parameters=read_schema(parameters, fields.path("parameters"), faults, needs_object=True) if fields.has("parameters") else b"",
        returns=read_schema(returns, fields.path("returns"), faults, needs_object=False) if fields.has("returns") else None,
        security_level=fields.one_of("security_level", SECURITY_LEVELS),
    )
    fields.end()
    return out


def _read_privacy(fields: Fields | None, faults: Faults) -> PrivacyFilters:
    """Spec: spec/manifest.md M-80 to M-83."""
    fields = fields or Fields({}, "", faults)
    custom = fields.each("custom_patterns", lambda item, where: _read_pattern(item, where, faults), most=PATTERNS_MAX)
    ids = [pattern.id for pattern in custom]
    patterns = fields.texts("patterns", most=PATTERNS_MAX, each_most=NAME_MAX, pattern=_WORD, form="a pattern id such as credit_card")
    for i, name in enumerate(ids):
        if name in ids[:i] or name in patterns:
            faults.add("duplicate", f"/privacy_filters/custom_patterns/{i}/id", f"{shown(name)!r} names two patterns", "rename one of them")
    out = PrivacyFilters(enabled=fields.flag("enabled", default=True), patterns=patterns, custom_patterns=custom)
    fields.end()
    return out


def _read_pattern(found: Json, where: str, faults: Faults) -> CustomPattern:
    fields = Fields(found, where, faults)
    regex = fields.raw("regex")
    wrong = regex_fault(regex, may_match_nothing=False) if isinstance(regex, str) else "must be a string" if fields.has("regex") else ""
    if wrong:
        faults.add("regex", fields.path("regex"), f"the regular expression {wrong}", "stay within the portable subset: no lookaround, back-reference or flag")
    out = CustomPattern(
        id=fields.text("id", most=NAME_MAX, pattern=_WORD, form="a pattern id such as customer_id"),
        regex=regex if isinstance(regex, str) else "",
        description=fields.text("description", most=DESCRIPTION_MAX, default=""),
    )
    fields.end()
    return out


def _read_trust(fields: Fields | None) -> str:
    if fields is None:
        return ""
    level = fields.text("level", most=NAME_MAX, pattern=_WORD, form="a word such as experimental")
    fields.end()
    return level
