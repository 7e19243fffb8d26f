"""Limits of agent identity and of grant chains. Spec: spec/identity.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import KIB

AGENT_NAME_CHARS_MAX = 100
"""Characters of the name of an agent or a user. Reason: it stands on one line of a question."""

IDENTITY_TIME_MAX = 253402300799
"""Latest time in a proof, statement or grant: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

PROOF_BYTES_MAX = 128 * KIB
"""Bytes of one proof of a call. Reason: it travels with each call; four delegations fit many times."""

PROOF_AGE_SECONDS_MAX = 30
"""Seconds since a proof was made. Reason: long enough for a slow network, short enough that a stolen one is worthless."""

PROOF_AHEAD_SECONDS_MAX = 5
"""Seconds that a proof may lie ahead of this host's clock. Reason: clocks of machines that set theirs differ by less."""

PROOF_KEPT_SECONDS = 3600
"""Seconds for which a spent proof is remembered. Reason: a clock that is set back by less than an hour revives none."""

STATEMENT_BYTES_MAX = 16 * KIB
"""Bytes of an identity statement, and of one delegation. Reason: they have under 1 KiB."""

STATEMENT_SECONDS_MAX = 400 * 86400
"""Seconds for which an organisation may vouch for an agent at once. Reason: a year and some time to renew; it cannot be called back."""

ROLES_MAX = 16
"""Roles in a statement. Reason: a person reads them."""

DELEGATIONS_MAX = 4
"""Steps of acting for somebody. Reason: a person must be able to follow who acts for whom."""

DELEGATION_SECONDS_MAX = 400 * 86400
"""Seconds for which somebody may be acted for at once. Reason: as for statements."""

GRANTS_MAX = 8
"""Links of a grant chain. Reason: each is a signature to verify; real chains have two or three."""

GRANT_BYTES_MAX = 256 * KIB
"""Bytes of one link of a grant chain. Reason: as many as a manifest may have, where the scope comes from."""

GRANT_CHAIN_BYTES_MAX = GRANTS_MAX * 2 * GRANT_BYTES_MAX
"""Bytes of a grant chain. Reason: all links at their largest, in base64."""

GRANT_SECONDS_MAX = 400 * 86400
"""Seconds for which a grant may hold. Reason: as for statements."""

GRANT_WORK_MAX = 200_000
"""Comparisons of requests with rules between two links of a chain. Reason: a tenth of a second; real grants need a few hundred."""
