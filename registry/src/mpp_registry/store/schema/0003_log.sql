-- What the log needs beside its leaves: the map, and what each package is according to its leaves.

CREATE TABLE map_nodes (
    path BYTES PRIMARY KEY,
    node BYTES NOT NULL
);

CREATE TABLE log_packages (        -- what the leaves say about a package, without its versions
    package_id TEXT PRIMARY KEY,
    owners TEXT NOT NULL,          -- canonical JSON
    publisher_id TEXT NOT NULL,    -- of the newest published version
    idx BIGINT NOT NULL,           -- of the newest leaf about it
    value BYTES NOT NULL           -- what the map has for it
);

CREATE TABLE log_versions (
    package_id TEXT NOT NULL,
    version TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    status TEXT NOT NULL,
    idx BIGINT NOT NULL,           -- of its version.published
    PRIMARY KEY (package_id, version)
);
