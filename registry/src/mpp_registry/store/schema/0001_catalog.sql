-- BYTES is BLOB in SQLite and BYTEA in PostgreSQL. One statement ends with a semicolon at the end of its line.

CREATE TABLE publishers (
    publisher_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    roots BYTES NOT NULL,          -- publisher.json: all versions of the root document
    root_version BIGINT NOT NULL,
    status TEXT NOT NULL,          -- active, suspended, revoked
    registered_at BIGINT NOT NULL
);

CREATE TABLE namespaces (
    namespace TEXT PRIMARY KEY,    -- com.example
    publisher_id TEXT NOT NULL,
    method TEXT NOT NULL,          -- dns, well-known, admin
    state TEXT NOT NULL,           -- proven, lapsed
    proven_at BIGINT NOT NULL,     -- when it was proven first by this publisher
    checked_at BIGINT NOT NULL,
    failures BIGINT NOT NULL
);

CREATE TABLE packages (
    package_id TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL,    -- of the newest version
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    keywords TEXT NOT NULL,        -- words, one space between
    visibility TEXT NOT NULL,      -- public, private
    latest TEXT NOT NULL,          -- newest stable version that is active or deprecated; empty: none
    status TEXT NOT NULL,          -- active, deprecated, quarantined, revoked
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    downloads BIGINT NOT NULL
);
CREATE INDEX packages_by_publisher ON packages (publisher_id, package_id);
CREATE INDEX packages_by_id ON packages (visibility, package_id);
CREATE INDEX packages_by_update ON packages (visibility, updated_at, package_id);
CREATE INDEX packages_by_downloads ON packages (visibility, downloads, package_id);

CREATE TABLE package_owners (
    package_id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    role TEXT NOT NULL,            -- owner, maintainer
    since BIGINT NOT NULL,
    PRIMARY KEY (package_id, publisher_id)
);
CREATE INDEX owners_by_publisher ON package_owners (publisher_id, package_id);

CREATE TABLE versions (
    package_id TEXT NOT NULL,
    version TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    status TEXT NOT NULL,          -- active, deprecated, yanked, quarantined, revoked
    reason TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    log_index BIGINT NOT NULL,     -- of version.published
    ordering TEXT NOT NULL DEFAULT '',  -- sorts as versions do
    manifest BYTES NOT NULL,       -- what is large comes last: whoever asks for the rest does not pass over it
    readme BYTES NOT NULL,
    sbom BYTES NOT NULL,
    provenance BYTES NOT NULL,
    PRIMARY KEY (package_id, version)
);
CREATE INDEX versions_by_order ON versions (package_id, ordering);
CREATE INDEX versions_by_content ON versions (content_hash);
CREATE INDEX versions_by_file ON versions (file_hash);
CREATE INDEX versions_by_time ON versions (published_at, package_id);

CREATE TABLE log_leaves (
    idx BIGINT PRIMARY KEY,
    leaf BYTES NOT NULL,           -- the canonical JSON of the event
    kind TEXT NOT NULL,
    package_id TEXT NOT NULL,      -- empty: about no package
    publisher_id TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX leaves_by_package ON log_leaves (package_id, idx);
CREATE INDEX leaves_by_publisher ON log_leaves (publisher_id, idx);

CREATE TABLE log_nodes (           -- roots of full subtrees of 2^level leaves, level 0 as well
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hash BYTES NOT NULL,
    PRIMARY KEY (level, idx)
);

CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY,
    root BYTES NOT NULL,
    map_root BYTES NOT NULL,
    at BIGINT NOT NULL,
    note BYTES NOT NULL            -- signed by the log key, without cosignatures
);

CREATE TABLE cosignatures (
    size BIGINT NOT NULL,
    witness TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (size, witness)
);

CREATE TABLE once (                -- nonces of signed requests, until they could not be used again
    nonce TEXT PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX once_by_end ON once (until);

CREATE TABLE downloads_daily (
    package_id TEXT NOT NULL,
    day BIGINT NOT NULL,           -- days since 1970
    count BIGINT NOT NULL,
    PRIMARY KEY (package_id, day)
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL
);

CREATE TABLE counts (              -- so that nobody counts a million rows for a page: packages, versions, downloads
    name TEXT PRIMARY KEY,
    count BIGINT NOT NULL
);
