"""Frozen values and the readers that make them from untrusted JSON. Pure: no file, clock or network."""
