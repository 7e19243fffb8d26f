"""Where a registry keeps things: rows in a database, packages as blobs. Each is a port with two implementations and one contract suite."""
