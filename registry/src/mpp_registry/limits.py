"""What the store, the log and the catalog of a registry take at most."""

from __future__ import annotations

from mpp.limits import KIB, MIB

BUSY_MS_MAX = 30_000
"""Milliseconds that a writer waits for its turn. Reason: a publish holds it for some milliseconds, and a hundred may stand in line."""

READERS_KEPT_MAX = 16
"""Connections that are kept for readers between their requests. Reason: more threads than these read at once only for moments."""

READER_CACHE_KIB = 8 * 1024
"""KiB of pages that one reader keeps. Reason: the upper pages of all indexes of a million versions fit."""

WRITER_CACHE_KIB = 32 * 1024
"""KiB of pages that the writer keeps. Reason: a publish touches pages of twenty tables and indexes."""

BLOB_BYTES_MAX = 256 * MIB
"""Bytes of one blob. Reason: a package with all its members has no more."""

BLOB_PIECE_BYTES = 256 * KIB
"""Bytes that are read of a blob at a time. Reason: large enough to be fast, small enough for a hundred downloads at once."""

MIGRATIONS_MAX = 1_000
"""Files of the schema. Reason: bounds a folder that is not ours."""

MIGRATION_BYTES_MAX = 256 * KIB
"""Bytes of one file of the schema. Reason: the largest has five thousand."""

CONNECTIONS_MAX = 20
"""Connections of one replica to PostgreSQL. Reason: two cores keep fewer busy, and four replicas stay below the hundred of a server."""

CONNECT_SECONDS_MAX = 10
"""Seconds for which a connection to PostgreSQL is waited for. Reason: a server that starts again is back in less, and a client waits no longer."""

STATEMENT_MS_MAX = 60_000
"""Milliseconds of one statement. Reason: ours take milliseconds; one that is lost must not hold the lock of the writer."""

TEXTS_KEPT_MAX = 1_000
"""Statements whose form for PostgreSQL is kept. Reason: the registry has a few hundred."""

OBJECT_SECONDS_MAX = 60
"""Seconds of one request to an object storage, and of its repetitions. Reason: 256 MiB over a slow line; a client waits no longer."""

OBJECT_RETRIES_MAX = 5
"""Repetitions of one request to an object storage. Reason: storages ask for one now and then; more would hide that it is down."""

PUBLIC_VERSIONS_MAX = 10_000
"""Files of one package in the folder of public files. Reason: more are asked of the registry; bounds what one look at a package holds in memory."""

PUBLIC_AT_ONCE_MAX = 100
"""Packages whose public files are looked at in one turn of the writer. Reason: some milliseconds, for which a publish waits."""

PUBLIC_LEAVES_MAX = 1_000
"""Leaves of the log that are read at a time to see which packages changed. Reason: a second of publishing."""

PUBLIC_WHOLE_SECONDS = 24 * 3600
"""Seconds between two looks at every package and every public file. Reason: it mends what was changed by hand; all else follows the log."""

PUBLIC_SECONDS = 2
"""Seconds between two looks at what changed. Reason: until then the registry itself sends the file."""

INCOMING_SECONDS_MAX = 24 * 3600
"""Seconds after which a half-written blob is removed at the next start. Reason: no upload lasts a day."""
