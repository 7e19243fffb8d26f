"""Limits of building layers."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

FETCH_SECONDS_MAX = 600
"""Seconds for one call of apt. Reason: forty megabytes on a slow line; a mirror that hangs must end."""

STEP_SECONDS_MAX = 3600
"""Seconds for one step of a recipe. Reason: an interpreter compiles in two minutes on two processors and in half an hour on an old one."""

LOG_TAIL_BYTES = 2 * KIB
"""Bytes of a log that are shown when a step fails. Reason: the mistake stands at the end; the whole log is named."""

SOURCE_BYTES_MAX = 64 * MIB
"""Bytes of one archive of sources. Reason: the largest one has 23 MB."""

SOURCES_LIST_BYTES_MAX = MIB
"""Bytes of one file of apt's configuration. Reason: real ones have kilobytes."""

MODULE_SOURCE_BYTES_MAX = 4 * MIB
"""Bytes of one module of a standard library. Reason: the largest has 400 kB."""

FROZEN_BYTES_MAX = 64 * MIB
"""Bytes of all bytecode of a standard library. Reason: there are nine megabytes."""

LAYER_BYTES_MAX = 64 * MIB
"""Bytes of a layer's module. Reason: a host refuses a larger one (W-1)."""
