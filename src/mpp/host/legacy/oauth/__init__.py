"""Logging in at older servers over HTTP that want OAuth 2.1: found by their own metadata, agreed to by a person once, renewed without one. Spec: legacy, section 9."""
