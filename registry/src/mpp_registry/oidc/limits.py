"""Limits of trusted publishing."""

from __future__ import annotations

from mpp.limits import KIB

RULES_EACH_MAX = 100
"""Rules of one publisher. Reason: one for each package and environment."""

RULE_CLAIMS_MAX = 16
"""Claims that one rule names. Reason: repository, workflow, branch and environment are four."""

CLAIM_CHARS_MAX = 400
"""Characters of the name and of the value of a claim. Reason: the longest, a workflow with its path and branch, have two hundred."""

RULE_PACKAGES_MAX = 50
"""Package ids of one rule. Reason: a repository builds a few; all of them may be published by whoever holds the token."""

ISSUERS_MAX = 32
"""Issuers of a registry. Reason: there are a dozen build services."""

KEYS_FETCH_BYTES_MAX = 256 * KIB
"""Bytes of the keys of an issuer, as fetched. Reason: as for a file of them."""

KEYS_FRESH_SECONDS = 3600
"""Seconds after which the keys of an issuer are fetched again. Reason: a key that was withdrawn must not count for long."""

KEYS_AGAIN_SECONDS = 60
"""Seconds between two fetches of the keys of one issuer, however often a token names a key that is not among them. Reason: strangers send such tokens."""

ID_TOKEN_SECONDS_MAX = 3600
"""Seconds from the issue of a build's token to its end. Reason: build services give five to sixty minutes; a longer one was made for another use."""
