-- Versions that the registry holds back are few among many, and an administrator looks at them each day.
CREATE INDEX versions_in_quarantine ON versions (published_at, package_id) WHERE status = 'quarantined';
