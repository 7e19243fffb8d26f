"""Limits that more than one layer needs. A stage's own limits are in its ``limits.py``.

Each limit is a constant with its unit and its reason. tests/test_docs.py holds that each is documented.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

DAY_SECONDS = 86_400
"""Seconds of a day. Reason: what is given and shown in days is counted in seconds."""

JSON_DEPTH_MAX = 32
"""Levels of nesting in any JSON we read. Reason: deep nesting exhausts the stack of a recursive reader."""

JSON_INT_MAX = 2**53 - 1
"""Largest magnitude of an integer in a signed document. Reason: larger ones change in JavaScript readers."""

JSON_VALUES_MAX = 300_000
"""Commas and opening brackets in any JSON we read. Reason: bounds memory before anything is parsed; a manifest cannot hold more."""

FAULTS_MAX = 100
"""Faults listed for one document. Reason: a hostile document must not make a report of unbounded size."""

TEXT_SHOWN_MAX = 80
"""Characters of an untrusted text quoted in an error. Reason: errors reach terminals and logs."""

SIGNERS_MAX = 32
"""Keys in one root document and signatures on one document. Reason: bounds the signature checks per file."""

ROOT_VERSIONS_MAX = 100
"""Versions in one root chain. Reason: a publisher that rotates monthly lasts eight years; bounds signature checks."""
