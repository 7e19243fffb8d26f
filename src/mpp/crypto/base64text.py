"""Base64 with one text per value.

Attack: lenient decoders skip characters and ignore spare bits, so one signature would have many texts.
"""

from __future__ import annotations

from base64 import b64decode, b64encode


def encode(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def decode(text: str) -> bytes | None:
    """The bytes, or None if ``text`` is not their one encoding."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if encode(data) == text else None
