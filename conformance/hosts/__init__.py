"""Adapters: short programs between the suite and a host. README.md says when one is needed."""
