"""Content under the names that FastMCP servers use."""

from __future__ import annotations

import os
from typing import Any

from mpp_sdk.content import Audio as _Audio
from mpp_sdk.content import Content, Resource, ResourceLink, Text
from mpp_sdk.content import Image as _Image

_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
_SOUNDS = {".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4", ".aac": "audio/aac"}


def _read(path: Any, data: bytes | None) -> bytes:
    if (path is None) == (data is None):
        raise ValueError("give either path or data")
    if data is not None:
        return data
    with open(path, "rb") as stream:
        return stream.read()


def _suffix(path: Any) -> str:
    return os.path.splitext(os.fspath(path))[1].lower() if path is not None else ""


class Image(_Image):
    """A picture: ``Image(data=..., format="png")`` or ``Image(path=...)``."""

    __slots__ = ()

    def __init__(self, path: Any = None, data: bytes | None = None, format: str | None = None) -> None:  # noqa: A002 - the name of FastMCP
        super().__init__(_read(path, data), f"image/{format.lower()}" if format else _IMAGES.get(_suffix(path), "image/png"))

    def to_image_content(self) -> ImageContent:
        return ImageContent(data=self.data, mimeType=self.mime_type)


class Audio(_Audio):
    """A sound: ``Audio(data=..., format="wav")`` or ``Audio(path=...)``."""

    __slots__ = ()

    def __init__(self, path: Any = None, data: bytes | None = None, format: str | None = None) -> None:  # noqa: A002 - the name of FastMCP
        super().__init__(_read(path, data), f"audio/{format.lower()}" if format else _SOUNDS.get(_suffix(path), "audio/wav"))


class TextContent(Text):
    """As ``mcp.types`` has it."""

    __slots__ = ()

    def __init__(self, text: str, type: str = "text", **_options: Any) -> None:  # noqa: A002, ARG002 - its signature
        super().__init__(text)


def _bytes(data: bytes | str) -> bytes:
    from mpp_sdk._host import from_base64  # noqa: PLC0415 - of the SDK

    return from_base64(data) if isinstance(data, str) else data


class ImageContent(_Image):
    """As ``mcp.types`` has it: ``data`` is base64."""

    __slots__ = ()

    def __init__(self, data: bytes | str, mimeType: str, type: str = "image", **_options: Any) -> None:  # noqa: A002, ARG002, N803 - its signature
        super().__init__(_bytes(data), mimeType)


class AudioContent(_Audio):
    """As ``mcp.types`` has it: ``data`` is base64."""

    __slots__ = ()

    def __init__(self, data: bytes | str, mimeType: str, type: str = "audio", **_options: Any) -> None:  # noqa: A002, ARG002, N803 - its signature
        super().__init__(_bytes(data), mimeType)


class TextResourceContents:
    """As ``mcp.types`` has it."""

    def __init__(self, uri: str, text: str, mimeType: str = "", **_options: Any) -> None:  # noqa: N803 - its signature
        self.uri, self.body, self.mime_type = str(uri), text, mimeType


class BlobResourceContents:
    """As ``mcp.types`` has it: ``blob`` is base64."""

    def __init__(self, uri: str, blob: bytes | str, mimeType: str = "", **_options: Any) -> None:  # noqa: N803 - its signature
        self.uri, self.body, self.mime_type = str(uri), _bytes(blob), mimeType


class EmbeddedResource(Resource):
    """As ``mcp.types`` has it."""

    __slots__ = ()

    def __init__(self, resource: TextResourceContents | BlobResourceContents, type: str = "resource", **_options: Any) -> None:  # noqa: A002, ARG002 - its signature
        super().__init__(resource.uri, resource.body, resource.mime_type)


class ToolAnnotations:
    """What a server says of its tool: here it gives the security level."""

    def __init__(self, **hints: Any) -> None:
        self.hints = hints


class SamplingMessage:
    """A message for the caller's model."""

    def __init__(self, role: str, content: Any) -> None:
        self.role, self.content = role, content


class Message:
    """One message of a prompt."""

    role = "user"

    def __init__(self, content: Any, role: str | None = None) -> None:
        self.content = content
        if role is not None:
            self.role = role


class UserMessage(Message):
    """A message of a person."""


class AssistantMessage(Message):
    """A message of the model."""

    role = "assistant"


__all__ = [
    "AssistantMessage", "Audio", "AudioContent", "BlobResourceContents", "Content", "EmbeddedResource", "Image", "ImageContent", "Message", "ResourceLink", "SamplingMessage",
    "TextContent", "TextResourceContents", "ToolAnnotations", "UserMessage",
]  # fmt: skip
