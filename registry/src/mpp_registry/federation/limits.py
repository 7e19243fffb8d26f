"""Limits of federation."""

from __future__ import annotations

from mpp.limits import KIB, MIB

BUDGET = 16
"""Questions that one question of a client may cause, in all registries together. Reason: bounds what anybody can have registries do to each other."""

LIST_RENEW_SECONDS = 12 * 3600
"""Seconds after which the list of peers is signed anew. Reason: a quarter of what it counts for, so that an outage of a day is none of it; two leaves of the log a day."""

PARALLEL_MAX = 8
"""Peers that are asked at once about one package. Reason: of more, the first few answer."""

ASK_SECONDS_MAX = 4
"""Seconds of one question to a peer, with its answer. Reason: a peer that has the package answers in milliseconds; one that asks others needs some."""

HOP_SECONDS = 1
"""Seconds that a registry further along the way has less. Reason: who asked must still be there when the answer comes."""

PEER_SILENCE_SECONDS_MAX = 2
"""Seconds in which a peer must take the connection and go on sending. Reason: one that is silent for longer is down."""

ASKING_MAX = 16
"""Questions to peers at once, in one process. Reason: each is a thread."""

ASKING_EACH_MAX = 3
"""Questions to one peer at once. Reason: one that hangs must not hold the threads that others need."""

DISCOVERIES_MAX = 8
"""Packages that are looked for outside at once, in one process. Reason: the threads that answer everything else are forty."""

ANSWER_BYTES_MAX = 768 * KIB
"""Bytes of a peer's answer. Reason: a bundle, the root documents of its registry, and their encoding."""

PROOF_BYTES_MAX = 64 * KIB
"""Bytes of a consistency proof. Reason: 63 hashes in base64 have four thousand."""

KNOWN_MAX = 4096
"""Answers that are kept in memory. Reason: some ten kilobytes each."""

KNOWN_BYTES_MAX = 64 * MIB
"""Bytes of kept answers. Reason: it is a cache, and others need the memory."""

KNOWN_SECONDS = 60
"""Seconds for which a proven answer is kept. Reason: a revocation at home is seen here a minute later."""

UNKNOWN_SECONDS = 15
"""Seconds for which is remembered that nobody has a package. Reason: bounds what the same question costs again; a new package is found soon."""

BUNDLE_SECONDS_MAX = 2 * 86_400
"""Age of the checkpoint in a peer's answer, in seconds. Reason: a registry renews it each hour; two days allow for a weekend of trouble, and no more."""

FAILURES_MAX = 3
"""Failures in a row after which a peer is left alone. Reason: one can be chance."""

REST_SECONDS = 15
"""Seconds for which a peer is first left alone. Reason: a restart takes as long."""

REST_SECONDS_MAX = 600
"""Seconds for which it is left alone at most. Reason: it doubles each time; after an outage of a day it is back within minutes."""

EVIDENCE_MAX = 1_000
"""Rows of evidence in all. Reason: five kinds of a hundred peers, and room for registries that peers introduce; more is noise that somebody makes."""

SEEN_MAX = 10_000
"""Registries whose checkpoints are kept. Reason: those of the list, and those that were introduced; each is some kilobytes."""

HOMES_MAX = 1_000_000
"""Packages whose home is kept. Reason: some hundred megabytes; whoever makes up more names finds them not kept."""

EVIDENCE_BYTES_MAX = 64 * KIB
"""Bytes of each of the two pieces of evidence about a peer. Reason: two signed checkpoints, or one false answer."""

VERSION_CHARS_MAX = 128
"""Characters of a version in a question. Reason: as in manifests."""

PROXY_SECONDS_MAX = 300
"""Seconds of fetching a file from its home registry. Reason: the largest package at 7 Mbit/s."""

PROXY_FETCHES_MAX = 2
"""Files that are fetched at once. Reason: each is up to 256 MiB on its way to the store."""

PROXY_BYTES = 2 * 1024 * MIB
"""Bytes of files of other registries that are kept. Reason: some thousand packages; the oldest go first."""
