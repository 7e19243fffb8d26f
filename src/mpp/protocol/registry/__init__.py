"""What a registry and its clients say to each other: leaves of the log, checkpoints, proofs, signed requests, documents. Pure: bytes in, values out.

Spec: spec/registry.md.
"""
