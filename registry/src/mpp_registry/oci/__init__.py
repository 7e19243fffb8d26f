"""Packages over the OCI distribution protocol: a manifest whose single layer is the .mpp file.

Takes: what clients of container registries send.
Gives: the same packages as the API gives; a push is a publish by the same rules.
Refuses: as the API does, in the words of that protocol.
Limits: limits.py.
"""
