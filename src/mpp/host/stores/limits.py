"""Limits of stored state. Spec: spec/call-contract.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import MIB

KV_KEY_BYTES_MAX = 512
"""Bytes of a key in UTF-8. Reason: a key is a name or a path; the index holds each one twice."""

KV_VALUE_BYTES_MAX = MIB
"""Bytes of one value. Reason: it travels as base64 in one JSON message and stands in memory several times."""

KV_LIST_MAX = 1000
"""Keys in one answer. Reason: bounds the answer to half a MiB; the rest is asked for with ``after``."""

KV_ENTRIES_MAX = 1_000_000
"""Keys of one package. Reason: the quota counts keys and values; millions of tiny ones would take many times that on disk."""

KV_OPEN_MAX = 64
"""Databases held open by one host. Reason: each takes three descriptors and up to a MiB of cache."""

KV_BUSY_MS_MAX = 5000
"""Milliseconds that a write waits for another process. Reason: one write takes milliseconds; longer is a hang."""

KV_CACHE_KIB_MAX = 1024
"""KiB of pages cached for one database. Reason: with all databases open the caches stay under 64 MiB."""

CONSENTS_KNOWN_MAX = 256
"""Consents that are kept parsed. Reason: a host has some hundred packages in use; each is some kilobytes."""
