-- Versions that nobody gets are few among many; a server that starts asks for all of them.
CREATE INDEX log_versions_stopped ON log_versions (package_id, version) WHERE status IN ('quarantined', 'revoked');
