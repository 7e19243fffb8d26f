"""The worked example of spec/registry.md, made anew: its registry, its leaves, its map, a bundle and a request."""

from __future__ import annotations

from hashlib import sha256

from mpp.crypto.ed25519 import SeedSigner
from mpp.protocol.registry.events import Owner, PackageOwners, PublisherRegistered, VersionPublished, VersionStatusChanged
from mpp.testing.keys import publisher
from mpp.testing.registries import MemoryRegistry

HELLO, OTHER = "com.example.hello", "com.example.other"
CONTENT, FILE, SIZE = "1" * 64, "2" * 64, 3581
ABSENT = "com.example.absent"


def registry() -> MemoryRegistry:
    made, who = MemoryRegistry(), publisher()
    made.append(PublisherRegistered(publisher_id=who.id, name="Example Publisher", root_version=1, root_sha256=_sha256(who.chain.data)))
    for package_id, content, file in ((HELLO, CONTENT, FILE), (OTHER, "3" * 64, "4" * 64)):
        made.append(PackageOwners(package_id=package_id, owners=(Owner(publisher_id=who.id, role="owner"),), by=who.id))
        made.append(VersionPublished(package_id=package_id, version="0.1.0", publisher_id=who.id, content_hash=content, file_hash=file, size=SIZE))
    made.append(VersionStatusChanged(package_id=OTHER, version="0.1.0", status="yanked", reason="does not start", by=who.id))
    return made


def release_key() -> SeedSigner:
    return publisher().release[0]


def _sha256(data: bytes) -> str:

    return sha256(data).hexdigest()
