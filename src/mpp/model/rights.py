"""Rights: what is opened for one package. They say nothing of a single call and can only be narrowed.

Made from verified declarations and what somebody approved. The digest is stable and covers the tenant: it keys the worker
that holds the rights and the state that was stored under them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.jsontext import Json, canonical
from mpp.model.value import value

DIGESTS_MAX = 512
"""Rights whose digest is remembered. Reason: a host has hundreds in use, and each call asks several times."""


@value
class Folder:
    """One path that the guest sees. A file is granted as itself, a folder with all below it."""

    guest: str
    """Where the guest finds it: absolute, in its shortest form."""
    host: str
    """Where it is on this machine, links resolved when the right was given."""
    write: bool


@value
class Device:
    """One character device, by the path that was declared."""

    guest: str
    host: str
    mode: str
    """``r``, ``w`` or ``rw``."""


@value
class Rights:
    tenant: str
    publisher_id: str
    package_id: str
    content_hash: str
    folders: tuple[Folder, ...] = ()
    devices: tuple[Device, ...] = ()
    network: tuple[NetworkRule, ...] = ()
    private_hosts: tuple[str, ...] = ()
    """``host:port`` that may resolve to an address that is not public. Only the policy of the host names one."""
    env: tuple[str, ...] = ()
    """Names of the variables; their values come with each call."""
    secrets: tuple[Secret, ...] = ()
    kv_max_bytes: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical form, in hex."""
        known = _DIGESTS.get(id(self))
        return known[1] if known is not None and known[0] is self else _digest(self)


_DIGESTS: dict[int, tuple[Rights, str]] = {}
"""By the identity of the rights, which are kept with it: to compare all that they name costs more than to look here."""


def _digest(rights: Rights) -> str:
    if len(_DIGESTS) >= DIGESTS_MAX:
        _DIGESTS.clear()
    found = hashlib.sha256(canonical(_plain(rights))).hexdigest()
    _DIGESTS[id(rights)] = (rights, found)
    return found


def _plain(rights: Rights) -> Json:
    folders: list[Json] = [[one.guest, one.host, one.write] for one in rights.folders]
    devices: list[Json] = [[one.guest, one.host, one.mode] for one in rights.devices]
    network: list[Json] = [[rule.host, rule.wildcard, [*rule.schemes], [*rule.ports], [*rule.methods], [*rule.paths]] for rule in rights.network]
    secrets: list[Json] = [[one.name, one.host, one.header, one.format] for one in rights.secrets]
    whole: Mapping[str, Json] = {
        "tenant": rights.tenant,
        "publisher_id": rights.publisher_id,
        "package_id": rights.package_id,
        "content_hash": rights.content_hash,
        "folders": folders,
        "devices": devices,
        "network": network,
        "private_hosts": [*rights.private_hosts],
        "env": [*rights.env],
        "secrets": secrets,
        "kv_max_bytes": rights.kv_max_bytes,
    }
    return dict(whole)
