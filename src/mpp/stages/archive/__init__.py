"""Stage 1, archive: untrusted bytes become a list of members, or nothing.

Takes: bytes that cannot change while they are read (``bytes`` or a sealed memory file).
Gives: ``Archive``: members in canonical order, and the promise that the bytes are their only encoding.
Refuses: every ZIP that is not canonical (``archive.*``), too large (``size.*``) or badly named (``path.*``).
Limits: stages/archive/limits.py; nothing is inflated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.archive.reader import check_names, check_sizes, read_archive, read_structure
    from mpp.stages.archive.types import (
        LAYER_NAME,
        MANIFEST_NAME,
        PROVENANCE_NAME,
        PUBLISHER_NAME,
        SBOM_NAME,
        SEAL_NAMES,
        SIGNATURE_NAME,
        Archive,
        Buffer,
        Hashes,
        Member,
    )
    from mpp.stages.archive.members import hashes, member_chunks, read_member
    from mpp.stages.archive.writer import pack, seal, unseal

__getattr__ = door(
    __name__,
    {
        "reader": "check_names check_sizes read_archive read_structure",
        "types": "LAYER_NAME MANIFEST_NAME PROVENANCE_NAME PUBLISHER_NAME SBOM_NAME SEAL_NAMES SIGNATURE_NAME Archive Buffer Hashes Member",
        "members": "hashes member_chunks read_member",
        "writer": "pack seal unseal",
    },
)

__all__ = [
    "LAYER_NAME",
    "MANIFEST_NAME",
    "PROVENANCE_NAME",
    "PUBLISHER_NAME",
    "SBOM_NAME",
    "SEAL_NAMES",
    "SIGNATURE_NAME",
    "Archive",
    "Buffer",
    "Hashes",
    "Member",
    "check_names",
    "check_sizes",
    "hashes",
    "member_chunks",
    "pack",
    "read_archive",
    "read_member",
    "read_structure",
    "seal",
    "unseal",
]
