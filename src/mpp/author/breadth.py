"""Warnings about asking for more than a tool is likely to need. They never stop a build: approval belongs to the host."""

from __future__ import annotations

from mpp.model.manifest import Manifest
from mpp.stages.gatekeeper import WasmShape, imported_powers, undeclared_imports

BROAD_MEMORY_MB = 512
"""MiB above which a memory limit is called broad. Reason: a host's operator sees it and wonders."""

BROAD_TIMEOUT_MS = 120_000
"""Milliseconds above which a time limit is called broad. Reason: an agent waits for the answer."""

BROAD_KV_BYTES = 256 * 1024 * 1024
"""Bytes above which stored state is called broad. Reason: it is kept for every user of the host."""

_WIDE_FOLDERS = ("/bin", "/boot", "/etc", "/home", "/lib", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/var", "/Users", "${workspace}")  # noqa: S108 - a name, not a use


def breadth_warnings(manifest: Manifest, wasm: WasmShape | None) -> tuple[str, ...]:
    """One sentence for each thing a careful reviewer would question."""
    return (*_network(manifest), *_folders(manifest), *_amounts(manifest), *_levels(manifest), *(_code(manifest, wasm) if wasm is not None else ()))


def _network(manifest: Manifest) -> list[str]:
    out: list[str] = []
    for rule in manifest.capabilities.network:
        name = f"*.{rule.host}" if rule.wildcard else rule.host
        if rule.wildcard:
            out.append(f"network: {name} allows every sub-domain; name the hosts that are needed")
        if "http" in rule.schemes:
            out.append(f"network: {name} may be called without TLS; answers can be changed on the way")
    return out


def _folders(manifest: Manifest) -> list[str]:
    found = manifest.capabilities
    return [
        f"filesystem: {verb} {path} covers far more than one tool's data; name the folder that is needed"
        for verb, paths in (("reading", found.read), ("writing", found.write))
        for path in paths
        if path.rstrip("/") in _WIDE_FOLDERS
    ]


def _amounts(manifest: Manifest) -> list[str]:
    runtime = manifest.runtime
    wide = (
        (runtime.memory_limit_mb > BROAD_MEMORY_MB, f"runtime: {runtime.memory_limit_mb} MB of memory is much for a tool"),
        (runtime.timeout_ms > BROAD_TIMEOUT_MS, f"runtime: {runtime.timeout_ms} ms is a long time for an agent to wait"),
        (manifest.capabilities.kv_max_bytes > BROAD_KV_BYTES, f"storage: {manifest.capabilities.kv_max_bytes} bytes of state is much for a tool"),
        (not manifest.privacy_filters.enabled, "privacy_filters: 'enabled' is false; hosts filter all the same unless their own policy agrees"),
    )
    return [text for is_wide, text in wide if is_wide]


def _levels(manifest: Manifest) -> list[str]:
    found = manifest.capabilities
    if not (found.write or found.secrets or found.hardware):
        return []
    return [
        f"tool {tool.name}: level 'low' while the package may write files, use secrets or devices; call it 'medium' or higher"
        for tool in manifest.tool_definitions
        if tool.security_level == "low"
    ]


def _code(manifest: Manifest, wasm: WasmShape) -> list[str]:
    """What is declared and cannot be used: the code imports nothing that could."""
    found = manifest.capabilities
    powers = {power.group for power in imported_powers(wasm)}
    out: list[str] = []
    if (found.read or found.write) and "filesystem" not in powers:
        out.append("filesystem: declared, but the code imports no file function; leave it out")
    if found.env_vars and "env_vars" not in powers:
        out.append("env_vars: declared, but the code does not import the environment; leave it out")
    if (found.network or found.secrets or found.kv_max_bytes) and "host_calls" not in powers and wasm.form == "core" and "filesystem" not in powers:
        out.append("network, secrets or storage: declared, but the code imports no host call; leave it out")
    return out


def undeclared_powers(manifest: Manifest, wasm: WasmShape) -> tuple[str, ...]:
    """What the code could ask for and the manifest does not declare: it will find nothing there."""
    found = manifest.capabilities
    declared = {
        "filesystem": bool(found.read or found.write),
        "env_vars": bool(found.env_vars),
        "network": bool(found.network),
        "host_calls": bool(found.network or found.secrets or found.kv_max_bytes),
    }
    groups = [group for group, is_declared in declared.items() if is_declared]
    return tuple(f"{power.group}: the code imports {', '.join(power.imports)}, the manifest declares none" for power in undeclared_imports(wasm, groups))
