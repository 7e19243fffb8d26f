"""Builders and simulators for tests: of this project, of hosts, of tools. Shipped, so that others can test too."""
