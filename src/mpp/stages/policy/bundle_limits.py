"""Limits of signed policy bundles."""

from __future__ import annotations

from mpp.limits import KIB, MIB
from mpp.stages.archive.limits import PUBLISHER_BYTES_MAX

BUNDLE_POLICY_BYTES_MAX = 8 * MIB
"""Bytes of what is signed in a bundle. Reason: ten thousand rules fit; it is read before anybody's signature counts."""

BUNDLE_BYTES_MAX = (BUNDLE_POLICY_BYTES_MAX + 2) // 3 * 4 + PUBLISHER_BYTES_MAX + 16 * KIB
"""Bytes of a bundle file. Reason: the signed part in base64, the root documents, and the signatures with their keys."""

BUNDLE_NAME_MAX = 100
"""Characters of the name of a bundle. Reason: it is shown on one line."""

BUNDLE_VERSION_MAX = 2**31 - 1
"""Highest version of a bundle. Reason: one each second for sixty years."""

BUNDLE_TIME_MAX = 4102444800
"""Latest moment in a bundle: the beginning of the year 2100, in seconds since 1970. Reason: as for signatures; a later one is a slip."""

GRACE_SECONDS_MAX = 90 * 24 * 3600
"""Seconds for which a bundle may hold after its end. Reason: longer than a season is no grace but another end."""

CLOCK_SKEW_SECONDS_MAX = 300
"""Seconds by which a bundle may be from the future. Reason: clocks that are set over the network differ by less."""

EVENT_TEXT_MAX = 300
"""Characters of one text of an event about a policy. Reason: paths, digests and sentences are shorter; a foreign file may be named anyhow."""
