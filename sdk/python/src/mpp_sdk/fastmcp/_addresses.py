"""Addresses of resources with variables."""

from __future__ import annotations

import re


def variables(template: str) -> list[str]:
    """The names of the variables of an address."""
    return re.findall(r"\{(\w+)\}", template)


def match(template: str, uri: str) -> dict[str, str] | None:
    """What stands in an address for the variables of a template, or None."""
    parts = re.split(r"\{(\w+)\}", template)
    expression = "".join(re.escape(part) if at % 2 == 0 else f"(?P<{part}>[^/]+)" for at, part in enumerate(parts))
    found = re.fullmatch(expression, uri)
    return None if found is None else found.groupdict()
