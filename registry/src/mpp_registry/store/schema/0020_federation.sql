-- Registries beside this one. BYTES is BLOB in SQLite and BYTEA in PostgreSQL.

CREATE TABLE peer_lists (
    version BIGINT PRIMARY KEY,
    document BYTES NOT NULL,       -- the signed file
    sha256 TEXT NOT NULL,          -- of the file, as in the leaf peers.changed
    at BIGINT NOT NULL
);

CREATE TABLE peer_private (        -- namespaces that are never asked about outside
    namespace TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE peer_seen (           -- the newest checkpoint of each other registry that was proven here
    registry_id TEXT PRIMARY KEY,
    roots BYTES NOT NULL,          -- the longest root document seen
    size BIGINT NOT NULL,
    root BYTES NOT NULL,
    note BYTES NOT NULL,
    at BIGINT NOT NULL             -- when it was seen
);

CREATE TABLE peer_evidence (       -- the first of each kind is kept: what came first cannot be washed away by more
    registry_id TEXT NOT NULL,
    kind TEXT NOT NULL,            -- fork, rollback, forged
    at BIGINT NOT NULL,
    words TEXT NOT NULL,
    before BYTES NOT NULL,         -- of a fork: the checkpoint that was known
    after BYTES NOT NULL,          -- and the one that cannot stand beside it; of a forged answer: the answer
    PRIMARY KEY (registry_id, kind)
);

CREATE TABLE peer_homes (          -- the registry that a package was first found in
    package_id TEXT PRIMARY KEY,
    registry_id TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE peer_files (          -- files of other registries that are kept here
    file_hash TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    registry_id TEXT NOT NULL,
    at BIGINT NOT NULL             -- when it was asked for last
);
CREATE INDEX peer_files_by_use ON peer_files (at, file_hash);
