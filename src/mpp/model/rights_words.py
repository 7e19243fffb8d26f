"""Rights on one machine, in lines for the person who is held to them: the exact host, path, variable, secret."""

from __future__ import annotations

from mpp.model.capabilities import NetworkRule
from mpp.model.rights import Folder, Rights
from mpp.model.words import plain_path


def asked_for(rights: Rights) -> list[str]:
    """Each right as one line.

    Attack: a hundred harmless lines before the one that counts. What changes things and what carries things away comes first, so that
    a text with room for a few lines shows it.
    """
    lines = [_folder(folder) for folder in rights.folders if folder.write]
    lines += [f"use the device {plain_path(device.guest)} ({device.mode}), which is {plain_path(device.host)} here" for device in rights.devices]
    lines += [f"have the secret {secret.name} sent to {secret.host} as {secret.header}; the tool does not see it" for secret in rights.secrets]
    lines += [f"reach the internal address {host}, which only this host's policy allows" for host in rights.private_hosts]
    lines += [f"reach {_rule(rule)}" for rule in rights.network]
    lines += [f"see the variable {name}, from the secrets of this host" for name in rights.env]
    lines += [_folder(folder) for folder in rights.folders if not folder.write]
    if rights.kv_max_bytes:
        lines.append(f"store up to {rights.kv_max_bytes} bytes of its own, kept between calls")
    return lines


def _folder(folder: Folder) -> str:
    place = "" if folder.guest == folder.host else f", which is {plain_path(folder.host)} here"
    return f"{'read and change' if folder.write else 'read'} {plain_path(folder.guest)}{place}"


def _rule(rule: NetworkRule) -> str:
    where = " and ".join(f"{scheme}://{'*.' if rule.wildcard else ''}{rule.host}" for scheme in rule.schemes)
    ports = ", ".join(map(str, rule.ports))
    what = f"{', '.join(rule.methods)} " if rule.methods else ""
    below = f" below {', '.join(rule.paths)}" if rule.paths else ""
    return f"{what}{where} port {ports}{below}"
