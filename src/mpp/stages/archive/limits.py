"""Limits of the archive stage; all hold before anything is inflated."""

from __future__ import annotations

from mpp.limits import KIB, MIB

ENTRIES_MAX = 4096
"""Members of a package. Reason: bounds the work per file; real tools have tens."""

FILE_BYTES_MAX = 128 * MIB
"""Bytes of one inflated member. Reason: bounds a zip bomb; an interpreter layer has about 40 MiB."""

TOTAL_BYTES_MAX = 256 * MIB
"""Bytes of the whole file, and of all members inflated. Reason: bounds memory and time of one verification."""

RATIO_MAX = 200
"""Inflated over packed size of a member. Reason: real wasm and text stay under 20; bombs reach 1,000."""

RATIO_FLOOR_BYTES = 64
"""Packed size below which the ratio counts as of this size. Reason: tiny repetitive files are no bomb."""

DEFLATED_BYTES_MAX = 24 * MIB
"""Packed bytes of all deflated members together. Reason: a deflate stream of empty blocks costs a second for each 20 MiB and gives nothing."""

PUBLISHER_BYTES_MAX = 256 * KIB
"""Bytes of ``_mpp/publisher.json``. Reason: it is parsed before it is authenticated; 100 rotations fit, or 60 that each revoke a key."""

SIGNATURE_BYTES_MAX = 2 * MIB
"""Bytes of ``_mpp/signature.dsse.json``. Reason: parsed before authenticated; the digests of 4,096 files fit."""

CHUNK_BYTES = 256 * KIB
"""Bytes inflated at a time. Reason: keeps memory flat; larger is no faster."""
