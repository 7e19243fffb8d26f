"""Digests, strict Ed25519, signed envelopes, root documents and sealed private keys. Pure: no file, no clock."""
