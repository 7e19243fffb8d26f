"""Under which name agents see a tool: one that every known client takes. Spec: mcp-front J-37."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

SEPARATOR = "__"
"""Between the alias of a package and the name of its tool. No alias has it in itself."""

SHOWN_NAME_CHARS_MAX = 64
"""Characters of a tool's name as agents see it. Reason: the interfaces of language models behind the clients take no longer ones."""

DIGEST_CHARS = 12
"""Hex digits in which a shortened name ends. Reason: two tools of one package meet by chance in one of 2**48 pairs; whoever seeks such a pair has both."""

_TAKEN = re.compile(r"[A-Za-z0-9_-]+")
_NOT_TAKEN = re.compile(r"[^A-Za-z0-9_-]")


def fit(name: str, most: int = SHOWN_NAME_CHARS_MAX) -> str:
    """The name itself where clients take it; else its beginning with ``_`` for what they do not take, and the beginning of its SHA-256.

    Attack: two names that differ behind the 64th character, or in a dot alone; a model that asks for one would call the other.
    """
    if len(name) <= most and _TAKEN.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARS]
    return f"{_NOT_TAKEN.sub('_', name)[: most - DIGEST_CHARS - 1]}_{digest}"


def public_name(alias: str, tool: str) -> str:
    """``<alias>__<tool>``, or its short form. An alias has at most 32 characters, so that it stands whole before the ``__`` in both: no package takes a name of another one."""
    return fit(f"{alias}{SEPARATOR}{tool}")


def usual_alias(package_id: str) -> str:
    """What a package is called where nobody says otherwise."""
    return package_id.rpartition(".")[2]


def renamed(alias: str, tools: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Tools whose whole name no client would take, each with the name under which agents see it."""
    wholes = ((f"{alias}{SEPARATOR}{tool}", public_name(alias, tool)) for tool in tools)
    return tuple((whole, name) for whole, name in wholes if whole != name)
