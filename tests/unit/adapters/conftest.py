"""Fixtures of this folder."""

from __future__ import annotations

from tests.unit.adapters.stand_ins import frameworks, host, table

__all__ = ("frameworks", "host", "table")
