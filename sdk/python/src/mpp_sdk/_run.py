"""What belongs to the call that is under way. One process serves one call at a time, so this is one object."""

from __future__ import annotations

from typing import Any


class Run:
    """The call that is under way."""

    __slots__ = ("allowed", "answers", "meta", "name")

    def __init__(self, name: str, meta: dict[str, Any], answers: dict[str, Any], allowed: Any) -> None:
        self.name = name
        self.meta = meta
        self.answers = answers
        """All arguments as they came: answers to questions stand among them."""
        self.allowed = allowed
        """Which names of questions the tool declares."""


now: Run | None = None
