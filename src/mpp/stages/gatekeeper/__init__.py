"""Stage 2, gatekeeper: an archive becomes a package that is what its publisher signed, or nothing.

Takes: bytes, a ``TrustState`` and the time; nothing else, so equal inputs give equal verdicts everywhere.
Gives: ``VerifiedPackage``.
Refuses: at the first of seven ordered checks that fails (``archive.*`` to ``wasm.*``); there is no override.
Limits: stages/gatekeeper/limits.py, wasm_limits.py, and those of the archive stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.gatekeeper.checks import CHECK_NAMES, GATEKEEPER_VERSION, attest, authenticate, verify
    from mpp.stages.gatekeeper.contents import WASM_MAGIC, Inside, Unsigned, judge_code, judge_unsigned, read_inside
    from mpp.stages.gatekeeper.lookalike import known_lookalikes, lookalikes, same_name, skeleton
    from mpp.stages.gatekeeper.signed import Seal, judge_seal, read_seal
    from mpp.stages.gatekeeper.statement import CREATED_MAX, PAYLOAD_TYPE, Statement, write_statement
    from mpp.stages.gatekeeper.trust import NO_TRUST, TrustedPublisher, TrustState, judge_first_use, judge_publisher, newest_chain, pin_mismatch
    from mpp.stages.gatekeeper.types import AttestationResult, CheckResult, VerifiedPackage
    from mpp.stages.gatekeeper.views import Verified, VerifiedCode, VerifiedManifest, package_of, verified
    from mpp.stages.gatekeeper.wasm import WasmShape, read_wasm
    from mpp.stages.gatekeeper.wasm_rules import RULES, imported_powers, undeclared_imports

__getattr__ = door(
    __name__,
    {
        "checks": "CHECK_NAMES GATEKEEPER_VERSION attest authenticate verify",
        "contents": "WASM_MAGIC Inside Unsigned judge_code judge_unsigned read_inside",
        "lookalike": "known_lookalikes lookalikes same_name skeleton",
        "signed": "Seal judge_seal read_seal",
        "statement": "CREATED_MAX PAYLOAD_TYPE Statement write_statement",
        "trust": "NO_TRUST TrustedPublisher TrustState judge_first_use judge_publisher newest_chain pin_mismatch",
        "types": "AttestationResult CheckResult VerifiedPackage",
        "views": "Verified VerifiedCode VerifiedManifest package_of verified",
        "wasm": "WasmShape read_wasm",
        "wasm_rules": "RULES imported_powers undeclared_imports",
    },
)

__all__ = [
    "CHECK_NAMES",
    "CREATED_MAX",
    "GATEKEEPER_VERSION",
    "NO_TRUST",
    "PAYLOAD_TYPE",
    "RULES",
    "WASM_MAGIC",
    "AttestationResult",
    "CheckResult",
    "Inside",
    "Seal",
    "Statement",
    "TrustState",
    "TrustedPublisher",
    "Unsigned",
    "Verified",
    "VerifiedCode",
    "VerifiedManifest",
    "VerifiedPackage",
    "WasmShape",
    "attest",
    "authenticate",
    "imported_powers",
    "judge_code",
    "judge_first_use",
    "judge_publisher",
    "judge_seal",
    "judge_unsigned",
    "known_lookalikes",
    "lookalikes",
    "newest_chain",
    "package_of",
    "pin_mismatch",
    "read_inside",
    "read_seal",
    "read_wasm",
    "same_name",
    "skeleton",
    "undeclared_imports",
    "verified",
    "verify",
    "write_statement",
]
