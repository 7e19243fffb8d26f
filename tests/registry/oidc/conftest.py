"""The fixtures of the neighbours that publish."""

from __future__ import annotations

from tests.registry.publishing.conftest import joined, world

__all__ = ("joined", "world")
