"""A Merkle tree over entries, kept in tiles, and the signed notes that vouch for it. Nothing here knows what an entry says.

Spec: spec/7-audit.md sections 2, 3 and 6.
"""
