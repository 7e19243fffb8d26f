"""MPP, the Model Package Protocol: signed, sandboxed, recorded tools for AI agents.

Everything public is named here and imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Archive": "mpp.stages.archive",
    "AttestationResult": "mpp.stages.gatekeeper",
    "HostFailed": "mpp.errors",
    "Manifest": "mpp.model.manifest",
    "MppError": "mpp.errors",
    "Refused": "mpp.errors",
    "RemoteFailed": "mpp.errors",
    "ToolFailed": "mpp.errors",
    "TrustState": "mpp.stages.gatekeeper",
    "VerifiedPackage": "mpp.stages.gatekeeper",
    "attest": "mpp.stages.gatekeeper",
    "read_archive": "mpp.stages.archive",
    "verify": "mpp.stages.gatekeeper",
}

__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> object:
    if name in _HOMES:
        found: object = getattr(import_module(_HOMES[name]), name)
        return found
    raise AttributeError(f"module 'mpp' has no attribute {name!r}")
