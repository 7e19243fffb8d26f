"""The question before a tool runs: exactly what it may use, as the person will be held to it."""

from __future__ import annotations

import json
import re

from mpp.cli.first_use import confirm
from mpp.cli.screen import note, safe
from mpp.errors import Refused
from mpp.model.capabilities import NetworkRule
from mpp.model.manifest import Manifest
from mpp.model.rights import Rights
from mpp.stages.gatekeeper import TrustState

NOT_NEEDED, FLAG, TERMINAL = "not needed", "flag", "terminal"
"""How somebody said yes, as it is recorded."""

LINES_SEEN = 12
"""Lines of a question from which on its end sums them up. Reason: half of a small terminal."""

_PLAIN_PATH = re.compile(r"[\w./@%+:~-]+")


def asked_for(rights: Rights) -> list[str]:
    """Each right as one line: the exact host, path, variable, secret."""
    lines = [f"reach {_rule(rule)}" for rule in rights.network]
    for folder in rights.folders:
        place = "" if folder.guest == folder.host else f", which is {_place(folder.host)} here"
        lines.append(f"{'read and change' if folder.write else 'read'} {_place(folder.guest)}{place}")
    lines += [f"use the device {_place(device.guest)} ({device.mode}), which is {_place(device.host)} here" for device in rights.devices]
    lines += [f"see the variable {name}, from the secrets of this host" for name in rights.env]
    lines += [f"have the secret {secret.name} sent to {secret.host} as {secret.header}; the tool does not see it" for secret in rights.secrets]
    if rights.kv_max_bytes:
        lines.append(f"store up to {rights.kv_max_bytes} bytes of its own, kept between calls")
    return lines


def _place(path: str) -> str:
    """A path that cannot go on as a sentence of ours, or fill the screen with spaces until it seems to."""
    return path if _PLAIN_PATH.fullmatch(path) else json.dumps(path, ensure_ascii=False).replace("  ", "\\x20\\x20")


def _in_all(rights: Rights) -> str:
    """What a long list asks for, in the last line before the answer. Attack: a hundred harmless lines that push the one that counts off the screen."""
    changed = sum(folder.write for folder in rights.folders)
    counted = {
        "network rules": len(rights.network), "paths to read": len(rights.folders) - changed, "PATHS TO CHANGE": changed, "devices": len(rights.devices),
        "variables": len(rights.env), "secrets": len(rights.secrets),
    }  # fmt: skip
    return "In all: " + ", ".join(f"{count} {what}" for what, count in counted.items() if count)


def _rule(rule: NetworkRule) -> str:
    where = " and ".join(f"{scheme}://{'*.' if rule.wildcard else ''}{rule.host}" for scheme in rule.schemes)
    ports = ", ".join(map(str, rule.ports))
    what = f"{', '.join(rule.methods)} " if rule.methods else ""
    below = f" below {', '.join(rule.paths)}" if rule.paths else ""
    return f"{what}{where} port {ports}{below}"


def obtain(manifest: Manifest, rights: Rights, trust: TrustState, *, yes: bool, development: bool) -> str:
    """How consent was given, or a refusal. What asks for nothing needs none.

    Attack: ``--yes`` in the hands of an agent that can call commands. It is recorded as a flag, and fleets refuse it.
    """
    lines = asked_for(rights)
    if not lines:
        return NOT_NEEDED
    if yes:
        if not trust.first_use and not development:
            raise Refused("consent.fleet", "this host does not take --yes: it knows its publishers, and policy decides", hint="ask its administrator")
        for line in lines:
            note(f"granted by --yes: {line}")
        return FLAG
    head = [
        f"{manifest.package_id} {manifest.version} wants to:",
        *(f"  {line}" for line in lines),
        *([_in_all(rights)] if len(lines) > LINES_SEEN else []),
        "Type yes to let it run with this once: ",
    ]
    if confirm("\n".join(safe(line) for line in head)):
        return TERMINAL
    raise Refused(
        "consent.missing",
        "nobody agreed to what the package asks for",
        where="; ".join(lines)[:300],
        hint="answer yes in a terminal, or add --yes if you are that person",
    )
