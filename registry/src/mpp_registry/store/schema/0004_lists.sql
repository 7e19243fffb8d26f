CREATE INDEX namespaces_by_publisher ON namespaces (publisher_id, namespace);
