"""What the host does for a running tool, each service behind its own judge."""
