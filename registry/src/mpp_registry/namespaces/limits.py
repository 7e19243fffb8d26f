"""Limits of name spaces: what may be asked of the world, and for how long a proof holds."""

from __future__ import annotations

from mpp.limits import DAY_SECONDS, KIB

TXT_RECORDS_MAX = 64
"""TXT records of one name. Reason: real names have a few; each is compared."""

TXT_CHARS_MAX = 512
"""Characters of one TXT record that are read. Reason: ours has 78; longer ones are of others."""

CNAMES_MAX = 4
"""Names that a name may stand for, one after the other. Reason: a delegation needs one; long chains are loops or traps."""

DNS_SECONDS_MAX = 5.0
"""Seconds for one question to the resolver. Reason: it answers in a tenth of one; a publisher can ask again."""

FETCH_BYTES_MAX = 16 * KIB
"""Bytes of ``mpp-publisher.json``. Reason: it names a few publishers."""

FETCH_SECONDS_MAX = 10.0
"""Seconds for one request to the web, however its server trickles. Reason: a person waits for the answer."""

PUBLISHERS_NAMED_MAX = 64
"""Publishers that one domain names. Reason: a company has a few teams."""

RECHECK_SECONDS = DAY_SECONDS - 4 * 3600
"""Seconds after which a proof is looked at again. Reason: daily, with room for a job that runs a little earlier than yesterday."""

RECHECKS_MAX = 200
"""Proofs looked at in one run. Reason: each may take ten seconds; the next run goes on."""

FAILURES_MAX = 3
"""Days on which a proof was not there, after which it has lapsed. Reason: a move of name servers takes a day or two."""

TAKEOVER_SECONDS = 30 * DAY_SECONDS
"""Seconds after a lapse in which nobody else can prove the name space. Reason: a domain that was forgotten can be renewed in this time."""

OUTAGE_LEAST = 3
"""Proofs that all cannot be reached, from which on the fault is taken for ours. Reason: so many domains do not fail at once."""

PRIVATE_HOSTS_MAX = 64
"""Hosts of the operator's own network that may be asked. Reason: a company has a few."""
