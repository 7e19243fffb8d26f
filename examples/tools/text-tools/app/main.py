"""Tools for texts. They need nothing outside their own computation, and the manifest asks for nothing."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

from mpp_sdk import Description, Length, Range, tool, ToolError

PLACES_MAX = 1_000
"""Places that are given. Reason: an agent reads the whole answer."""

Words = Annotated[str, Description("The text"), Length(0, 200_000)]


@dataclass(frozen=True)
class Counts:
    """What a text is made of."""

    characters: int
    words: int
    lines: int
    often: dict[str, int]


@tool(security_level="low")
def count(text: Words, most: Annotated[int, Description("How many of the frequent words are named"), Range(0, 50)] = 5) -> Counts:
    """Count characters, words and lines of a text, and name its most frequent words."""
    words = re.findall(r"\w+", text.casefold())
    return Counts(len(text), len(words), text.count("\n") + bool(text), dict(Counter(words).most_common(most)))


@tool(security_level="low")
def convert(text: Words, into: Annotated[Literal["upper", "lower", "title", "slug", "plain"], Description("What it becomes")]) -> str:
    """Change the form of a text.

    ``slug`` is a name for an address, ``plain`` is without accents.
    """
    if into == "upper":
        return text.upper()
    if into == "lower":
        return text.lower()
    if into == "title":
        return text.title()
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return plain if into == "plain" else re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


@tool(security_level="low")
def compare(old: Words, new: Words, around: Annotated[int, Description("Equal lines around a difference"), Range(0, 10)] = 3) -> str:
    """Show the differences of two texts, line by line."""
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), "old", "new", lineterm="", n=around)
    return "\n".join(found) or "no difference"


@tool(security_level="low")
def extract(text: Words, pattern: Annotated[str, Description("A regular expression of Python"), Length(1, 500)]) -> list[str]:
    """Find what matches a pattern. At most 1,000 places are given."""
    try:
        found = re.compile(pattern)
    except re.error as fault:
        raise ToolError(f"the pattern is not one: {fault}") from None
    # A pattern that runs for ever ends with the time of this call; nothing else waits for it.
    return [place.group(0) for place in islice(found.finditer(text), PLACES_MAX)]


@tool(security_level="low")
def pretty(text: Annotated[str, Description("A JSON text"), Length(1, 200_000)], indent: Annotated[int, Range(0, 8)] = 2) -> str:
    """Write a JSON text anew, one value on a line."""
    try:
        return json.dumps(json.loads(text), indent=indent or None, ensure_ascii=False, sort_keys=True)
    except (ValueError, RecursionError) as fault:
        raise ToolError(f"this is no JSON: {fault}") from None
