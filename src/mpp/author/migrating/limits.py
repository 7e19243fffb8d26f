"""Limits of reading what a server says and what it was seen to do."""

from __future__ import annotations

from mpp.limits import MIB

TRACE_LINE_BYTES_MAX = MIB
"""Bytes of one line of a trace. Reason: each byte of a path takes four, and a path has a few thousand at most; longer lines are passed over."""

TRACE_LINES_MAX = 5_000_000
"""Lines of a trace that are read. Reason: a minute of a busy server; what comes later is left out, and the report says so."""

SEEN_MAX = 10_000
"""Different files, hosts or addresses that are kept of one trace. Reason: grouped into folders, tens remain."""

STRINGS_BYTES = 600
"""Bytes that strace prints of each text. Reason: a query of the domain name system is shorter; paths are printed whole."""

FOLDERS_SHOWN_MAX = 40
"""Folders and files that a draft lists. Reason: a person must go through them; more are put together under the folder above."""

SOURCES_MAX = 400
"""Source files that are searched for names of variables. Reason: those of one server; installed libraries are left out."""

SOURCE_BYTES_MAX = 2 * MIB
"""Bytes of one source file. Reason: bundles of JavaScript reach megabytes."""

ROUNDS_MAX = 40
"""How often a schema is mended before it is given up. Reason: each round mends all that the reader names, a hundred at a time."""

PERMISSIONS_BYTES_MAX = 64 * 1024
"""Bytes of a file with a `permissions` block. Reason: real ones have a few lines."""

PERMISSIONS_LINES_MAX = 2000
"""Lines of such a file. Reason: as for its bytes."""
