"""A host in one screen: verify a file, ask the policy, ask a person where the policy wants one, run.

    python minimal.py FILE.mpp '{"tool": "greet", "arguments": {"name": "Ada"}}'
"""

from __future__ import annotations

import sys

from mpp import Denied, Gatekeeper, Granted, MppError, PermissionPolicy, RequiresConfirmation, SandboxConfig, WasmSandbox
from mpp import approve, extract_approved_dirs, extract_approved_env_vars

POLICY = PermissionPolicy().trust_package("com.example.internal-tool").auto_approve_low(True)


def main(path: str, request: bytes) -> int:
    found = Gatekeeper.verify_file(path)
    match POLICY.evaluate(found.manifest):
        case Granted(token=token):
            pass
        case RequiresConfirmation(capabilities=capabilities, security_level=level, verdict=verdict):
            print(f"{found.manifest.package_id} {found.manifest.version}: level {level}, risk {verdict.risk.score} of 100")
            print("\n".join([*capabilities, *(f"  ({one.points}) {one.words}" for one in verdict.risk.reasons)]))
            if input(f"Run {request.decode()!r} once? y/n: ").strip() != "y":
                return 24
            token = approve(POLICY, found.manifest, request, by="the person at this terminal")
        case Denied(reason=reason):
            print(reason)
            return 23
    with WasmSandbox() as sandbox:
        config = SandboxConfig(
            stdin_data=request, capability_token=token, env_vars=extract_approved_env_vars(token), dir_mappings=extract_approved_dirs(token),
            allowed_network_domains=found.manifest.capabilities.network,
        )  # fmt: skip
        print(sandbox.execute(found.wasm_binary, config).response())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        sys.exit(main(sys.argv[1], sys.argv[2].encode()))
    except MppError as fault:
        sys.exit(f"{fault.code}: {fault.message}. {fault.hint}")
