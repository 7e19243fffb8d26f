"""The documentation site: ``python -m tools.docsite``."""
