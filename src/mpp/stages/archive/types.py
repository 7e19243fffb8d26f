"""What the archive stage gives."""

from __future__ import annotations

import mmap
from typing import NamedTuple, TypeAlias

from mpp.model.value import value

Buffer: TypeAlias = "bytes | mmap.mmap"

MANIFEST_NAME = "manifest.json"
PUBLISHER_NAME = "_mpp/publisher.json"
SIGNATURE_NAME = "_mpp/signature.dsse.json"
SEAL_NAMES = (PUBLISHER_NAME, SIGNATURE_NAME)
SBOM_NAME = "_mpp/sbom.cdx.json"
PROVENANCE_NAME = "_mpp/provenance.json"
LAYER_NAME = "_mpp/layer.mpp"
"""The layer that an interpreted tool carries, for hosts that have none."""
RESERVED_NAMES = frozenset((SBOM_NAME, PROVENANCE_NAME, LAYER_NAME, *SEAL_NAMES))
"""The only names allowed below ``_mpp/``; a later container version may add some."""


class Member(NamedTuple):
    """One member as its header states it. ``size`` and ``crc`` are claims until the member is inflated."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int
    """Offset of the packed bytes."""


class Hashes(NamedTuple):
    """Both hashes of one file; they share all work but the last few hundred bytes."""

    content: bytes
    file: bytes


@value
class Archive:
    """A canonical archive: the members say everything that the bytes say."""

    data: memoryview
    members: tuple[Member, ...]
    body_end: int
    """Offset where the sealing members (or, unsigned, the central directory) begin."""
    directory: int
    """Offset of the central directory."""

    @property
    def sealed(self) -> bool:
        return self.members[-1].name == SIGNATURE_NAME

    @property
    def content_members(self) -> tuple[Member, ...]:
        """The members that the content hash covers."""
        return self.members[:-2] if self.sealed else self.members

    def find(self, name: str) -> Member | None:
        return next((member for member in self.members if member.name == name), None)
