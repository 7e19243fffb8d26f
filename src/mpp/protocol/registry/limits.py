"""Limits of what a registry says. Spec: spec/registry.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import KIB, MIB

LEAF_BYTES_MAX = 16 * KIB
"""Bytes of one leaf of the log. Reason: the largest, an advisory about many versions, has 14 KB; most have 400 bytes."""

TIME_MAX = 253_402_300_799
"""Latest time in what a registry says: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

OWNERS_MAX = 32
"""Publishers that own or maintain one package. Reason: each can publish in its name; people must be able to look through them."""

VERSIONS_MAX = 2000
"""Versions of one package. Reason: its state is read whole when it changes; one release a day lasts five years."""

ADVISORY_VERSIONS_MAX = 200
"""Versions that one advisory is about. Reason: bounds its leaf; a second advisory can go on."""

ADVISORY_ID_MAX = 64
"""Characters of the id of an advisory. Reason: it is shown on one line; CVE and GHSA ids are shorter."""

FLEET_NAME_MAX = 64
"""Characters of the name of a fleet. Reason: it is shown on one line."""

REASON_MAX = 500
"""Characters of a reason. Reason: it is shown on one screen, with a decision to make."""

VALUE_BYTES_MAX = 4 * KIB
"""Bytes of a value of the map, and of a version line. Reason: real ones have 500."""

LINES_KNOWN_MAX = 16_384
"""Version lines whose hash is remembered. Reason: eight packages of the largest kind; each line costs 300 bytes and saves 8 microseconds at each change."""

STATE_BYTES_MAX = 2048 * KIB
"""Bytes of the state of one package. Reason: 2,000 versions of 400 bytes each, and its owners."""

PATH_HASHES_MAX = 64
"""Hashes of one inclusion proof. Reason: the height of a tree of 2^63 leaves."""

BUNDLE_BYTES_MAX = 64 * KIB
"""Bytes of one bundle. Reason: real ones have 6 KB; root documents of many versions and many cosignatures fit."""

ROOTS_BYTES_MAX = 40 * KIB
"""Bytes of a registry's root document in a bundle. Reason: it leaves room for the rest; forty rotations of two keys fit."""

SKEW_SECONDS_MAX = 300
"""Seconds by which a registry's clock may be ahead. Reason: machines that set their clocks differ by less; more would stretch an age limit."""

PEER_LIST_SECONDS_MAX = 48 * 3600
"""Seconds for which a list of peers counts from its time on. Reason: its registry signs it anew after twelve hours; one that is down over a day comes back in time, and a peer that was taken out is gone in two."""

REQUEST_SECONDS = 60
"""Seconds for which a signed request holds, before and after its time. Reason: the way to a registry and clocks that differ; a nonce need not be kept for longer."""

REQUEST_TEXT_MAX = 16 * KIB
"""Characters of the header of a signed request. Reason: servers take no longer ones; real ones have 800."""

TARGET_CHARS_MAX = 2 * KIB
"""Characters of path and query of a request. Reason: servers take no longer ones."""

WRAPPING_BYTES_MAX = 272 * KIB
"""Bytes of a signed file beside what is signed. Reason: the largest root documents of a publisher, and thirty-two signatures with the ids of their keys."""

PEERS_MAX = 100
"""Peers of one registry. Reason: an administrator vouches for each; bounds reading and the page of peers."""

PEER_NAMESPACES_MAX = 100
"""Namespaces that one peer may answer for. Reason: as above."""

PEERS_PAYLOAD_MAX = 4 * MIB
"""Bytes of what is signed in a list of peers. Reason: a hundred peers, each with root documents of a few rotations."""

PEER_LIST_VERSION_MAX = 2**31 - 1
"""Highest version of a list of peers. Reason: one each second for sixty years."""

PEER_URL_CHARS_MAX = 500
"""Characters of the address of a registry in a list of peers. Reason: it is a host and a short path."""

HOPS_MAX = 3
"""Registries on the way of one question, the first included. Reason: one that asks, one that introduces, and the home."""
