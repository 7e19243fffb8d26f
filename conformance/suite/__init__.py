"""Runs the vectors against a host. ``python -m conformance.suite --help`` says how."""
