"""Following a registry: every leaf of its log is read, and what it says of its packages is computed anew.

Whoever does this sees what no client can: that the map which all clients are shown is the one that follows from the log.

Spec: registry section 9.
"""
