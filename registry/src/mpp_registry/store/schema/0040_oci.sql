-- What clients of OCI registries push: manifests as they wrote them, and files that no manifest names yet.

CREATE TABLE oci_manifests (
    digest TEXT PRIMARY KEY,       -- SHA-256 in hex of the bytes
    package_id TEXT NOT NULL,
    version TEXT NOT NULL,
    at BIGINT NOT NULL,
    data BYTES NOT NULL
);
CREATE INDEX oci_manifests_by_version ON oci_manifests (package_id, version, at);

CREATE TABLE oci_uploads (
    file_hash TEXT NOT NULL,
    publisher_id TEXT NOT NULL,    -- who sent it, and may publish it
    size BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (file_hash, publisher_id)
);
CREATE INDEX oci_uploads_by_publisher ON oci_uploads (publisher_id, at);
