-- What the rules of publishing keep. Truth is in the log; these tables hold what waits, and what is no event.

CREATE TABLE publisher_keys (      -- keys of the newest root documents: whom a signed request is of
    key_id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    is_proven BIGINT NOT NULL,     -- did the key itself sign for this publisher? Anybody can name any public key
    at BIGINT NOT NULL,
    PRIMARY KEY (key_id, publisher_id)
);
CREATE INDEX keys_by_publisher ON publisher_keys (publisher_id);

CREATE TABLE uploads (             -- a file that is being kept and that no row names yet
    file_hash TEXT PRIMARY KEY,
    at BIGINT NOT NULL
);

CREATE TABLE shapes (              -- by which names are found that look like another
    shape TEXT NOT NULL,
    named TEXT NOT NULL,           -- package id; name space with a dot at its end; publisher id
    PRIMARY KEY (shape, named)
);

CREATE TABLE allowed_ids (         -- ids that an administrator lets in though they look like another
    package_id TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL,    -- for whom
    reason TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE usage (               -- what a publisher has, and what it may have (0: as the registry says)
    publisher_id TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL,
    versions BIGINT NOT NULL,
    packages BIGINT NOT NULL,
    bytes_most BIGINT NOT NULL,
    versions_most BIGINT NOT NULL,
    packages_most BIGINT NOT NULL
);

CREATE TABLE namespace_past (      -- who held a namespace before
    namespace TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    proven_at BIGINT NOT NULL,
    lapsed_at BIGINT NOT NULL,     -- 0: holds it
    PRIMARY KEY (namespace, publisher_id)
);

CREATE TABLE owner_wishes (        -- a list of owners that is not agreed by all whom it needs
    package_id TEXT NOT NULL,
    owners TEXT NOT NULL,          -- canonical JSON
    publisher_id TEXT NOT NULL,    -- who wants it
    at BIGINT NOT NULL,
    PRIMARY KEY (package_id, owners, publisher_id)
);

CREATE TABLE staged (
    staged_id TEXT PRIMARY KEY,
    package_id TEXT NOT NULL,
    version TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    visibility TEXT NOT NULL,
    uploaded_by TEXT NOT NULL,     -- key id, or oidc: and the id of the rule
    signers TEXT NOT NULL,         -- key ids, one space between
    state TEXT NOT NULL,           -- waiting, published, refused, expired
    reason TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX staged_by_state ON staged (state, at);
CREATE INDEX staged_by_version ON staged (package_id, version);
CREATE INDEX staged_by_file ON staged (file_hash);

CREATE TABLE staged_approvals (
    staged_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (staged_id, key_id)
);

CREATE TABLE recoveries (
    publisher_id TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    successor TEXT NOT NULL,
    state TEXT NOT NULL,           -- wanted (not public yet), asked, vetoed, done, refused
    due BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (publisher_id, asked_at)
);
CREATE INDEX recoveries_by_state ON recoveries (state, due);

CREATE TABLE advisories (
    advisory_id TEXT PRIMARY KEY,
    package_id TEXT NOT NULL,
    publisher_id TEXT NOT NULL,    -- of who wrote it; admin: the registry
    severity TEXT NOT NULL,
    document BYTES NOT NULL,       -- canonical JSON, whose digest is in the log
    published_at BIGINT NOT NULL
);
CREATE INDEX advisories_by_time ON advisories (published_at, advisory_id);
CREATE INDEX advisories_by_package ON advisories (package_id);

CREATE TABLE reports (
    report_id TEXT PRIMARY KEY,
    package_id TEXT NOT NULL,
    version TEXT NOT NULL,
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    contact TEXT NOT NULL,
    reporter TEXT NOT NULL,        -- keyed digest of the address, so that one address is not counted twice
    state TEXT NOT NULL,           -- open, closed
    answer TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX reports_by_state ON reports (state, at);
CREATE INDEX reports_by_reporter ON reports (reporter, at);
CREATE INDEX reports_by_time ON reports (at);

CREATE TABLE oidc_issuers (
    issuer TEXT PRIMARY KEY,
    keys_url TEXT NOT NULL,        -- empty: the keys were given by hand
    keys BYTES NOT NULL,           -- JWKS
    fetched_at BIGINT NOT NULL
);

CREATE TABLE oidc_rules (          -- whose builds may publish what
    rule_id TEXT PRIMARY KEY,
    publisher_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    claims TEXT NOT NULL,          -- canonical JSON, name to text
    packages TEXT NOT NULL,        -- ids, one space between
    at BIGINT NOT NULL
);
CREATE INDEX oidc_rules_by_issuer ON oidc_rules (issuer, publisher_id);

CREATE TABLE tokens (
    token_hash TEXT PRIMARY KEY,   -- SHA-256; the token itself is nowhere
    publisher_id TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    packages TEXT NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX tokens_by_end ON tokens (until);
