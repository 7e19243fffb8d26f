"""What ``[build]`` of ``mpp.toml`` says, and the forms that most languages use there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from mpp.model.value import value

PATTERN = re.compile(r"[A-Za-z0-9_*?][A-Za-z0-9._+*?-]*(/[A-Za-z0-9_*?][A-Za-z0-9._+*?-]*)*")
FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")


@value
class BuildSettings:
    """What ``[build]`` of ``mpp.toml`` says; an empty language means that a ready module is packed."""

    language: str = ""
    """Its name in the registry, whatever alias was written."""
    assets: tuple[str, ...] = ("README.md", "assets/**")
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The keys that the language reads, with what they were given; who gave nothing is not in it."""

    def texts(self, key: str) -> tuple[str, ...]:
        return self.given.get(key, ())

    def text(self, key: str, default: str = "") -> str:
        return next(iter(self.texts(key)), default)
