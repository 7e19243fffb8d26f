"""What the log of a registry takes and gives at most."""

from __future__ import annotations

from mpp.limits import KIB

NODES_ASKED_MAX = 200
"""Nodes that one question to the database names. Reason: SQLite takes 32,766 parameters; a proof has fewer than 130 nodes."""

ENTRIES_GIVEN_MAX = 1_000
"""Leaves of one answer. Reason: a monitor of a log of a million asks a thousand times, and each answer has less than a megabyte."""

CHANGES_MAX = 1_000
"""Leaves of one append. Reason: a change of a registry has few; an import comes in pieces, so that others have their turn between."""

COSIGNATURES_MAX = 32
"""Witnesses of one checkpoint. Reason: a note holds 64 signatures, and nobody runs as many witnesses."""

COSIGNATURE_BYTES_MAX = 1 * KIB
"""Bytes of one line of a witness. Reason: it has under 300."""

STATES_KEPT_MAX = 2_000
"""Packages whose state is kept in memory for the next change. Reason: those that are published to often."""

VERSIONS_KEPT_MAX = 50_000
"""Versions of the packages whose state is kept in memory. Reason: 25 MB."""

RENEW_SECONDS = 600
"""Seconds after which the newest checkpoint is signed anew. Reason: clients believe one for hours, and witnesses sign it each time."""
