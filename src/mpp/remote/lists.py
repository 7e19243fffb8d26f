"""Signed lists of peers that were seen, kept for a while, so that neither an outage nor each command costs a question.

They are kept as they were signed, and judged again each time that they are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from mpp.crypto import base64text
from mpp.crypto.roots import RootChain
from mpp.errors import Refused, RemoteFailed
from mpp.files import locked, make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import canonical, read
from mpp.model.value import value
from mpp.protocol.registry.peerlist import PeerList, check_age, read_list
from mpp.remote.discovering import checked_list, too_old
from mpp.remote.limits import LIST_FRESH_SECONDS, LIST_MEMORY_BYTES_MAX


@value
class Kept:
    data: bytes
    seen_at: int
    """When the registry last gave it, in seconds since 1970."""


def read_kept(data: bytes, *, where: str) -> Kept:
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where=where), where, faults)
    fields.number("mpp_peer_list_memory", least=1, most=1)
    text = fields.raw("list")
    found = base64text.decode(text) if isinstance(text, str) and len(text) <= LIST_MEMORY_BYTES_MAX else None
    seen_at = fields.number("seen_at", least=0, most=JSON_INT_MAX)
    if found is None:
        faults.add("form", where, "holds no list of peers", "remove the file: the list is asked for again")
    fields.end()
    faults.stop()
    return Kept(data=found or b"", seen_at=seen_at)


class ListMemory:
    """The lists of one home. ``ask`` gets the file at an address; ``max_age`` bounds what is used while a registry is down."""

    def __init__(self, folder: str, ask: Callable[[str, str], bytes], now: int, max_age: int) -> None:
        self._folder, self._ask, self._now, self._max_age = folder, ask, now, max_age

    def __call__(self, url: str, registry_id: str, chain: RootChain) -> PeerList:
        path = os.path.join(self._folder, f"{registry_id}.peers")
        kept = self._kept(path)
        before = None if kept is None else self._read(kept.data, registry_id, chain)
        if kept is not None and before is not None and 0 <= self._now - kept.seen_at <= LIST_FRESH_SECONDS:
            return check_age(before, self._now)
        try:
            data = self._ask(url, registry_id)
        except RemoteFailed as fault:
            if kept is None or before is None:
                raise
            if not 0 <= self._now - kept.seen_at <= self._max_age:
                raise too_old(registry_id, fault) from None
            return check_age(before, self._now)
        except Refused as fault:
            if fault.code == "registry.absent":
                raise Refused("registry.peer", "the registry has no list of peers any more", where=registry_id[:16], hint="ask who runs it") from None
            raise
        listed = checked_list(self._read(data, registry_id, chain), before)
        # Kept, also when it is too old: from then on none that is older still is taken.
        self._keep(path, data, registry_id, chain)
        return check_age(listed, self._now)

    def _read(self, data: bytes, registry_id: str, chain: RootChain) -> PeerList:
        listed = read_list(data, chain, where="peers")
        if listed.registry_id != registry_id:
            raise Refused("registry.peers", "the list of peers is of another registry", where=registry_id[:16], hint="ask who runs the registry")
        return listed

    def _kept(self, path: str) -> Kept | None:
        if not os.path.lexists(path):
            return None
        return read_kept(read_bounded(path, LIST_MEMORY_BYTES_MAX), where=path)

    def _keep(self, path: str, data: bytes, registry_id: str, chain: RootChain) -> None:
        """Under the lock, and never over a newer one: another process may have seen more meanwhile."""
        make_private_folder(self._folder)
        with locked(path + ".lock", "the lists of peers"):
            latest = self._kept(path)
            if latest is not None and self._read(latest.data, registry_id, chain).version > self._read(data, registry_id, chain).version:
                return
            document = canonical({"mpp_peer_list_memory": 1, "list": base64text.encode(data), "seen_at": self._now})
            write_atomic(path, document, PRIVATE)
