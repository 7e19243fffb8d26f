"""Limits of backups."""

from __future__ import annotations

from mpp.limits import KIB

KEY_BYTES_MAX = 256 * KIB
"""Bytes of one file with keys or root documents. Reason: a root document with all its versions has no more."""

BLOBS_ASKED_MAX = 1_000
"""Files that are looked at between two questions to the database. Reason: bounds memory; a registry has a million."""

LEAVES_READ_MAX = 10_000
"""Leaves of a log that are read at a time. Reason: each has less than a kilobyte."""

FAULTS_TOLD_MAX = 100
"""Faults of a backup that are told. Reason: one is enough to know, and a lost disk has a million."""
