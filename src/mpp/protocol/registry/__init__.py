"""What a registry and its clients say to each other: events of its log, checkpoints, proofs, requests, documents. Pure."""
