"""Limits of the gatekeeper stage."""

from __future__ import annotations

from mpp.limits import KIB, MIB

STATEMENT_BYTES_MAX = 1536 * KIB
"""Bytes of the signed statement. Reason: the digests of 4,096 members with long names fit; parsed before it is authenticated."""

LOOKALIKES_SHOWN_MAX = 5
"""Known package ids shown as look-alikes. Reason: a person reads them at one glance."""

LOOKALIKE_DISTANCE_MAX = 2
"""Edits between two ids that are called alike. Reason: typing slips are one or two keys."""

TRUST_BYTES_MAX = 16 * MIB
"""Bytes of a trust document. Reason: thousands of publishers fit; bounds what a planted file can cost."""
