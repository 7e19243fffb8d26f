"""MPP, the Model Package Protocol: signed, sandboxed, recorded tools for AI agents.

Everything public is named here and imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpp.crypto.context_token import verify_context as verify_context
    from mpp.errors import HostFailed as HostFailed, MppError as MppError, Refused as Refused, RemoteFailed as RemoteFailed, ToolFailed as ToolFailed
    from mpp.host.host import Host as Host
    from mpp.host.integration import (
        Gatekeeper as Gatekeeper,
        PrivacyFilterEngine as PrivacyFilterEngine,
        SandboxConfig as SandboxConfig,
        WasmSandbox as WasmSandbox,
        approve as approve,
        extract_approved_dirs as extract_approved_dirs,
        extract_approved_env_vars as extract_approved_env_vars,
    )
    from mpp.model.manifest import Manifest as Manifest
    from mpp.protocol.mcp.ports import Caller as Caller, Outcome as Outcome
    from mpp.stages.approval import ApprovalChannel as ApprovalChannel
    from mpp.stages.archive import Archive as Archive, read_archive as read_archive
    from mpp.stages.gatekeeper import (
        AttestationResult as AttestationResult,
        TrustState as TrustState,
        VerifiedCode as VerifiedCode,
        VerifiedManifest as VerifiedManifest,
        VerifiedPackage as VerifiedPackage,
        attest as attest,
        verify as verify,
    )
    from mpp.stages.policy import (
        CapabilityToken as CapabilityToken,
        Denied as Denied,
        Granted as Granted,
        PermissionPolicy as PermissionPolicy,
        RequiresConfirmation as RequiresConfirmation,
    )

__version__ = "0.1.0"

_HOMES = {
    "ApprovalChannel": "mpp.stages.approval",
    "Archive": "mpp.stages.archive",
    "AttestationResult": "mpp.stages.gatekeeper",
    "Caller": "mpp.protocol.mcp.ports",
    "CapabilityToken": "mpp.stages.policy",
    "Denied": "mpp.stages.policy",
    "Gatekeeper": "mpp.host.integration",
    "Granted": "mpp.stages.policy",
    "Host": "mpp.host.host",
    "HostFailed": "mpp.errors",
    "Manifest": "mpp.model.manifest",
    "MppError": "mpp.errors",
    "Outcome": "mpp.protocol.mcp.ports",
    "PermissionPolicy": "mpp.stages.policy",
    "Refused": "mpp.errors",
    "PrivacyFilterEngine": "mpp.host.integration",
    "RemoteFailed": "mpp.errors",
    "RequiresConfirmation": "mpp.stages.policy",
    "SandboxConfig": "mpp.host.integration",
    "ToolFailed": "mpp.errors",
    "TrustState": "mpp.stages.gatekeeper",
    "VerifiedCode": "mpp.stages.gatekeeper",
    "VerifiedManifest": "mpp.stages.gatekeeper",
    "VerifiedPackage": "mpp.stages.gatekeeper",
    "WasmSandbox": "mpp.host.integration",
    "approve": "mpp.host.integration",
    "attest": "mpp.stages.gatekeeper",
    "extract_approved_dirs": "mpp.host.integration",
    "extract_approved_env_vars": "mpp.host.integration",
    "read_archive": "mpp.stages.archive",
    "verify": "mpp.stages.gatekeeper",
    "verify_context": "mpp.crypto.context_token",
}

__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 - the table above is the list


def __getattr__(name: str) -> object:
    if name in _HOMES:
        found: object = getattr(import_module(_HOMES[name]), name)
        return found
    raise AttributeError(f"module 'mpp' has no attribute {name!r}")
