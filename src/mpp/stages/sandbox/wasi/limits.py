"""Limits of WASI preview 1. What a call may use in total stands in its ``Quota``; these bound single functions."""

from __future__ import annotations

from mpp.limits import MIB

BUFFERS_MAX = 1024
"""Buffers of one read or write. Reason: the number that Linux allows in one call."""

PATH_BYTES_MAX = 4096
"""Bytes of a path. Reason: what Linux takes."""

SUBSCRIPTIONS_MAX = 4096
"""Subscriptions of one poll. Reason: more than any guest can have descriptors and timers; each costs host time."""

RANDOM_STEP_BYTES = MIB
"""Random bytes made at a time. Reason: small against the time limit, which is looked at between two steps."""

CLOCK_STEP_NS = 1000
"""Nanoseconds between two values of a clock. Reason: fine enough for programs, too coarse to time a cache line."""

WRITTEN_BYTES_MAX = 256 * MIB
"""Bytes that one call may write to files, growth without data counted. Reason: a full disk harms everybody on it."""

CREATED_MAX = 1000
"""Files, folders and links that one call may make. Reason: names and inodes run out before bytes do."""

DESCRIPTORS_MAX = 128
"""Descriptors that a guest may hold. Reason: half of what its process may hold."""

ENTRIES_MAX = 50_000
"""Folder entries that the listings of one call may hold. Reason: a listing is held whole, about 100 bytes each."""

OPEN_RETRIES_MAX = 8
"""Further tries of a lookup that met a rename elsewhere. Reason: the kernel asks for another try; a loop of renames must not hold us."""

WISHES_MAX = 256
"""Ways of opening a file that are remembered. Reason: a program has two or three; one that tries all numbers must not fill memory."""

HOST_ANSWER_RAW = -(1 << 30)
"""Below this an answer of ``mpp_host.call`` is an error. Reason: no answer has so many bytes."""
