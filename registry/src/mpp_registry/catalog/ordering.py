"""A text for each version that sorts, byte by byte, as versions do."""

from __future__ import annotations

from mpp.protocol.registry.state import order_of

_RELEASE = "~"
"""Behind all that the parts of a pre-release begin with."""


def ordering_of(version: str) -> str:
    """Numbers with their length in front; the parts of a pre-release each with an end that sorts before whatever goes on."""
    major, minor, patch, is_release, parts = order_of(version)
    numbers = ".".join(_number(one) for one in (major, minor, patch))
    return f"{numbers}{_RELEASE}" if is_release else numbers + "".join(f"1{word}!" if is_word else f"0{_number(number)}!" for is_word, number, word in parts)


def _number(number: int) -> str:
    digits = str(number)
    return f"{len(digits):03d}{digits}"
