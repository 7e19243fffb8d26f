"""What the store, the log and the catalog of a registry take at most."""

from __future__ import annotations

from mpp.limits import KIB, MIB

BUSY_MS_MAX = 30_000
"""Milliseconds that a writer waits for its turn. Reason: a publish holds it for some milliseconds, and a hundred may stand in line."""

READERS_KEPT_MAX = 16
"""Connections that are kept for readers between their requests. Reason: more threads than these read at once only for moments."""

READER_CACHE_KIB = 8 * 1024
"""KiB of pages that one reader keeps. Reason: the upper pages of all indexes of a million versions fit."""

WRITER_CACHE_KIB = 32 * 1024
"""KiB of pages that the writer keeps. Reason: a publish touches pages of twenty tables and indexes."""

BLOB_BYTES_MAX = 256 * MIB
"""Bytes of one blob. Reason: a package with all its members has no more."""

BLOB_PIECE_BYTES = 256 * KIB
"""Bytes that are read of a blob at a time. Reason: large enough to be fast, small enough for a hundred downloads at once."""

MIGRATIONS_MAX = 1_000
"""Files of the schema. Reason: bounds a folder that is not ours."""

MIGRATION_BYTES_MAX = 256 * KIB
"""Bytes of one file of the schema. Reason: the largest has five thousand."""
