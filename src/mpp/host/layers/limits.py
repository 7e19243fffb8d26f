"""Limits of the layer store."""

from __future__ import annotations

LAYERS_MAX = 64
"""Layers of one home. Reason: each has some megabytes; versions of a handful of interpreters."""
