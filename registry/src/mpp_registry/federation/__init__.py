"""Registries beside this one: whom it asks about packages that it does not have, and what it believes of their answers.

Spec: spec/federation.md.
"""
