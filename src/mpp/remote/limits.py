"""Limits of the client of registries."""

from __future__ import annotations

from mpp.limits import KIB, MIB

DOCUMENT_BYTES_MAX = 4 * MIB
"""Bytes of one JSON document of a registry. Reason: a page of a hundred versions has under a hundred kilobytes."""

PROBLEM_BYTES_MAX = 64 * KIB
"""Bytes of an error that are read. Reason: it has a few sentences; the rest is not for us."""

ASK_SECONDS_MAX = 60
"""Seconds of one question to a registry, with its redirects. Reason: a person waits for it."""

SILENCE_SECONDS_MAX = 20
"""Seconds in which a server must take the connection and go on sending. Reason: one that is silent for longer is down."""

TRANSFER_SECONDS_MAX = 900
"""Seconds of one download or upload. Reason: the largest package passes at 3 Mbit/s."""

REDIRECTS_MAX = 3
"""Redirects that are followed. Reason: an object storage takes one; more are a loop."""

URL_CHARS_MAX = 2000
"""Characters of an address. Reason: no web server takes longer ones."""

HEADERS_MAX = 100
"""Headers of one answer. Reason: the library of the language stops there too; servers send twenty."""

PIECE_BYTES = 64 * KIB
"""Bytes read or sent at a time. Reason: a progress bar moves, and a call to the system costs little."""

CONFIG_BYTES_MAX = 256 * KIB
"""Bytes of registries.toml. Reason: a person writes it; tens of registries fit."""

REGISTRIES_MAX = 50
"""Registries in one configuration. Reason: each is a question to a person; a company has a handful."""

NAMESPACES_MAX = 200
"""Name spaces of one registry. Reason: a company has a handful."""

MIRRORS_MAX = 8
"""Mirrors of one registry. Reason: each may be tried in turn while a person waits."""

MEMORY_BYTES_MAX = 2 * MIB
"""Bytes of what is remembered of one registry. Reason: its root documents, one checkpoint and bounded evidence."""

EVIDENCE_MAX = 20
"""Contradictions that are kept of one registry. Reason: the first one proves it; more only fill the disk."""

STALE_SECONDS = 24 * 3600
"""Seconds after which a checkpoint is too old for an install, where nothing else is configured. Reason: a registry renews it hourly; a day bridges a bad weekend of its operator no further."""

COOLDOWN_SECONDS = 72 * 3600
"""Seconds that a version must be public before it is installed by itself, where nothing else is configured. Reason: most malicious releases are found in three days."""

AGE_SECONDS_MAX = 366 * 24 * 3600
"""Largest age that can be configured. Reason: whoever means for ever means a mistake."""

WITNESSES_MAX = 16
"""Witnesses of one registry. Reason: more than anybody runs."""

WITNESS_CHARS_MAX = 400
"""Characters of the key of a witness. Reason: a name, and sixty characters of key."""

PAGES_MAX = 200
"""Pages of one list that are read. Reason: bounds a server that always names a next one."""

SEARCH_SHOWN_MAX = 100
"""Hits of one search that are asked for. Reason: a person reads a screen or two."""

CHOICES_MAX = 10
"""Publishers or packages that are listed where a short name means several. Reason: a person reads a screen."""

TEXT_SHOWN_MAX = 200
"""Characters of a text of a registry that are shown. Reason: a line or two of a terminal."""

TOKEN_CHARS_MAX = 4096
"""Characters of a token that is kept for a registry. Reason: those of identity providers have one or two thousand."""

LIST_FRESH_SECONDS = 600
"""Seconds for which a list of peers is not asked for again. Reason: a peer that is taken out introduces nobody ten minutes later; a command with twenty packages asks once."""

LIST_MEMORY_BYTES_MAX = 9 * MIB
"""Bytes of the file of one list of peers that was seen. Reason: the largest list, in base64."""

INTRODUCING_SECONDS_MAX = 15
"""Seconds of one question about an introduction. Reason: a registry asks its peers for four; a person waits for at most four such questions."""
