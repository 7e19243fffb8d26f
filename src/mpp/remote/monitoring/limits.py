"""Limits of a monitor."""

from __future__ import annotations

BATCH_LEAVES = 1000
"""Leaves that are asked for, judged and kept at a time. Reason: a registry gives no more in one answer, and a crash costs one of them."""

BUSY_MS_MAX = 5000
"""Milliseconds for which another process may hold the state. Reason: one batch is written in much less."""

CACHE_KIB_MAX = 16_384
"""KiB of pages in memory. Reason: the upper nodes of the map of a million packages, which every batch reads."""

FINDINGS_MAX = 20
"""Findings that are kept. Reason: the first one is the proof; more only fill the disk."""

LOOKED_AT_MAX = 50
"""Packages that are looked at to name one of which the registry says something else. Reason: each is a request."""

TOUCHED_MAX = 1000
"""Packages that are remembered as changed since the last checkpoint that held. Reason: it is only for a better message."""

KEY_FILE_BYTES_MAX = 1024
"""Bytes of the file of a witness's key. Reason: it is one line."""

ANSWER_BYTES_MAX = 16 * 1024
"""Bytes of the answer to a cosignature. Reason: there is nothing in it for us but its status."""

EVERY_SECONDS_MIN = 1
"""Seconds between two looks, at least. Reason: drills; a registry counts requests and turns away who asks more."""

EVERY_SECONDS_MAX = 86_400
"""Seconds between two looks, at most. Reason: after a day nobody would call it watched."""
