"""A registry in memory as a monitor sees it, and ways for it to lie."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.errors import RemoteFailed
from mpp.protocol.registry.bundle import write_bundle
from mpp.protocol.registry.checkpoint import RegistryCheckpoint
from mpp.protocol.registry.events import PublisherRegistered
from mpp.testing.registries import MemoryRegistry, digest


def opened(*packages: str, name: str = "Example Registry") -> MemoryRegistry:
    registry = MemoryRegistry(name)
    registry.append(PublisherRegistered(publisher_id=digest("owner"), name="Owner", root_version=1, root_sha256=digest("root")))
    for package in packages:
        registry.publish(package, "1.0.0")
    return registry


class MemorySource:
    """``note``: what it shows as its newest checkpoint in place of the true one."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.registry = registry
        self.note: RegistryCheckpoint | None = None
        self.page = 1000
        self.asked: list[tuple[int, int]] = []
        self.cosignatures: list[bytes] = []
        self.status = 204
        self.fails_at = -1

    def roots(self) -> bytes:
        return self.registry.keys.chain.data

    def checkpoint(self) -> bytes:
        return (self.note or self.registry.checkpoint()).note

    def leaves(self, start: int, count: int) -> list[bytes]:
        self.asked.append((start, count))
        if start >= self.fails_at >= 0:
            raise RemoteFailed("remote.connection", "away")
        return self.registry.leaves[start : start + min(count, self.page)]

    def consistency(self, begin: int, end: int) -> Sequence[bytes]:
        assert end == len(self.registry.leaves)
        return self.registry.consistency(begin)

    def bundle(self, package_id: str, version: str) -> bytes:
        return write_bundle(self.registry.bundle(package_id, version))

    def cosign(self, lines: bytes) -> int:
        self.cosignatures.append(lines)
        return self.status
