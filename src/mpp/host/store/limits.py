"""Limits of the package store."""

from __future__ import annotations

from mpp.limits import MIB

LOCK_BYTES_MAX = 8 * MIB
"""Bytes of the lockfile. Reason: a host reads it at each change; a thousand packages with several versions fit."""

PACKAGES_MAX = 2000
"""Package ids in a lockfile. Reason: a host serves tens; the document must stay small enough to be read at each change."""

VERSIONS_MAX = 50
"""Versions of one package side by side. Reason: people go back by one or two; older ones only take room."""

SOURCE_CHARS_MAX = 4096
"""Characters of the place a package came from. Reason: as long as a path of this system."""

ALIAS_CHARS_MAX = 32
"""Characters of an alias. Reason: with two underscores and a tool's name it must fit the 64 characters that clients take."""

TIME_MAX = 253402300799
"""Latest time of an install: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

OPENED_MAX = 128
"""Verdicts that are kept, each with its package in memory. Reason: a host has tens in use; anew each takes milliseconds."""

STRAY_MAX = 10_000
"""Files and folders looked at when the store is tidied. Reason: bounds a folder that somebody filled; the next change goes on."""
