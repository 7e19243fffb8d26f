"""Base64 with one text per value.

Attack: lenient decoders skip characters and ignore spare bits, so one signature would have many texts.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from mpp.model.fields import Fields


def encode(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def decode(text: str) -> bytes | None:
    """The bytes, or None if ``text`` is not their one encoding."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    return data if encode(data) == text else None


def read_field(fields: Fields, key: str, least: int, most: int) -> bytes:
    """The bytes of a base64 text of bounded length."""
    text = fields.text(key, most=(most + 2) // 3 * 4, least=0)
    data = decode(text)
    if data is None or not least <= len(data) <= most:
        fields.faults.add("base64", fields.path(key), f"must be canonical base64 of {least} to {most} bytes", "sign again with `mpp sign`")
        return b""
    return data
