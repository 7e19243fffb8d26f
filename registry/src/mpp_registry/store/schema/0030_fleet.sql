-- Fleets: hosts that were enrolled, what is signed for them, what they say of themselves. BYTES is BLOB in SQLite and BYTEA in PostgreSQL.

CREATE TABLE fleet_documents (     -- made and signed elsewhere; kept and handed on here
    kind TEXT NOT NULL,            -- root, policy, trust
    name TEXT NOT NULL,            -- empty: the root
    version BIGINT NOT NULL,
    digest TEXT NOT NULL,          -- of what is signed
    document BYTES NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (kind, name, version)
);

CREATE TABLE fleet_codes (
    code_sha256 TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    policy_name TEXT NOT NULL,
    trust_name TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    host_id TEXT NOT NULL,         -- who used it; empty: nobody yet
    used_at BIGINT NOT NULL
);

CREATE TABLE fleet_hosts (
    host_id TEXT PRIMARY KEY,      -- the id of its key
    public BYTES NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,           -- of the code by which it came
    status TEXT NOT NULL,          -- active, removed
    policy_name TEXT NOT NULL,
    trust_name TEXT NOT NULL,
    enrolled_at BIGINT NOT NULL,
    reported_at BIGINT NOT NULL,   -- by its own clock, as its newest report says; 0: none came
    received_at BIGINT NOT NULL,   -- by ours
    mpp TEXT NOT NULL,
    policy_version BIGINT NOT NULL,
    policy_digest TEXT NOT NULL,
    trust_version BIGINT NOT NULL,
    trust_digest TEXT NOT NULL
);

CREATE TABLE fleet_installs (
    host_id TEXT NOT NULL,
    package_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    version TEXT NOT NULL,
    publisher_id TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    is_active BIGINT NOT NULL,
    PRIMARY KEY (host_id, package_id, content_hash)
);
CREATE INDEX fleet_installs_by_package ON fleet_installs (package_id, content_hash, host_id);

CREATE TABLE fleet_uses (
    host_id TEXT NOT NULL,
    package_id TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    agent TEXT NOT NULL,
    calls BIGINT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (host_id, package_id, content_hash, agent)
);

CREATE TABLE fleet_logs (          -- the records of hosts that are witnessed here
    origin TEXT PRIMARY KEY,
    host_id TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,   -- of the origin, as it stands in an address
    log_key TEXT NOT NULL,
    size BIGINT NOT NULL,
    root BYTES NOT NULL,
    note BYTES NOT NULL,           -- empty: nothing was cosigned yet
    at BIGINT NOT NULL
);
CREATE INDEX fleet_logs_by_host ON fleet_logs (host_id);

CREATE TABLE fleet_alarms (        -- the first of each kind is kept: what came first cannot be washed away by more
    host_id TEXT NOT NULL,
    kind TEXT NOT NULL,            -- fork, inconsistent, shrunk, log-key, clock
    at BIGINT NOT NULL,
    words TEXT NOT NULL,
    before BYTES NOT NULL,
    after BYTES NOT NULL,
    PRIMARY KEY (host_id, kind)
);
