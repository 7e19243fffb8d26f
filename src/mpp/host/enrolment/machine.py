"""What an administrator puts into ``/etc/mpp`` to make a machine one of a fleet: the signer's root documents, and the settings.

Attack: a user, or an agent as that user, who enrols the machine for a fleet of their own. So nothing of it is believed from anywhere else, and
what is there already for another signer is never replaced. Spec: policy-bundle B-42.
"""

from __future__ import annotations

import os

from mpp.crypto.roots import RootChain
from mpp.errors import HostFailed, Refused
from mpp.files import PUBLIC, write_atomic
from mpp.host.fleet import CONFIG_FILE, enrolled_root, fleet_settings, FleetSettings, System
from mpp.model.jsontext import shown

ROOT_FILE = "policy-root.json"


def config_text(before: FleetSettings, policy_name: str, mode: str) -> str:
    """The settings, with what an administrator had fixed before."""
    lines = [f'mode = "{mode}"', f'policy_root = "{ROOT_FILE}"']
    rows = (
        ("policy_name", policy_name or before.policy_name),
        ("policy_url", before.policy_url),
        ("home", before.home),
        ("approval_strength", before.approval_strength),
    )
    return "\n".join([*lines, *(f"{key} = {_quoted(text)}" for key, text in rows if text)]) + "\n"


def _quoted(text: str) -> str:
    # A basic string of TOML: the escapes are those of JSON for what our settings hold.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def machine_files(fleet: RootChain, policy_name: str, system: System, *, mode: str = "fleet") -> dict[str, bytes]:
    """The files by their names. Refused where the machine belongs to another signer."""
    before = fleet_settings(system)
    known = enrolled_root(before, system)
    if known is not None and known.publisher_id != fleet.publisher_id:
        message = f"this machine is enrolled for the policies of {known.publisher_id[:16]}, and the code is for {fleet.publisher_id[:16]}"
        raise Refused("policy.publisher", message, where=system.folder, hint="an administrator takes it out of the other fleet first")
    if known is not None and not fleet.begins_with(known):
        code = "policy.roots_behind" if known.begins_with(fleet) else "policy.roots_fork"
        raise Refused(code, "the root documents do not go on from those of this machine", where=system.folder, hint="ask the administrator of the fleet")
    if before.policy_name and policy_name and before.policy_name != policy_name:
        message = f"this machine takes the policy {shown(before.policy_name)!r}, and the code is for {shown(policy_name)!r}"
        raise Refused("policy.name", message, where=system.folder, hint="an administrator changes /etc/mpp/config.toml first")
    return {ROOT_FILE: fleet.data + b"\n", CONFIG_FILE: config_text(before, policy_name, mode).encode("utf-8")}


def check_writable(system: System) -> None:
    """Before a code is spent: may this user make the machine one of a fleet?"""
    if os.geteuid() != system.owner:
        message = "only the owner of the machine's settings makes it one of a fleet"
        raise Refused("policy.enrolment", message, where=system.folder, hint="run it with sudo; or without --machine, and put the files there yourself")
    try:
        os.makedirs(system.folder, 0o755, exist_ok=True)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot make the folder: {fault.strerror}", where=system.folder, hint="check who may write there") from None


def install_machine(files: dict[str, bytes], system: System) -> None:
    """The root documents first: settings that name a file which is not there deny everything."""
    for name in (ROOT_FILE, CONFIG_FILE):
        write_atomic(system.path(name), files[name], PUBLIC)
        os.chmod(system.path(name), PUBLIC)
