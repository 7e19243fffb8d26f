"""What a tool may answer with. Spec: spec/call-contract.md sections 4 and 5. A plain value will do; these are for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mpp_sdk._host import to_base64
from mpp_sdk.errors import Rejected


class Content:
    """One item of an answer."""

    __slots__ = ("annotations", "meta")

    def __init__(self) -> None:
        self.annotations: dict[str, Any] | None = None
        self.meta: dict[str, Any] | None = None

    def annotated(self, *, audience: Sequence[str] | None = None, priority: float | None = None, last_modified: str = "") -> Content:
        """The same item with advice to whoever shows it: ``audience`` of ``user`` and ``assistant``, ``priority`` from 0 to 1."""
        found: dict[str, Any] = {}
        if audience is not None:
            found["audience"] = list(audience)
        if priority is not None:
            found["priority"] = priority
        if last_modified:
            found["lastModified"] = last_modified
        self.annotations = found
        return self

    def item(self) -> dict[str, Any]:
        """The item as the contract has it."""
        out = self._own()
        if self.annotations:
            out["annotations"] = self.annotations
        if self.meta:
            out["_meta"] = self.meta
        return out

    def _own(self) -> dict[str, Any]:
        raise TypeError("take Text, Image, Audio, Resource or ResourceLink")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._own())[:200]})"


class Text(Content):
    """A text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def _own(self) -> dict[str, Any]:
        return {"type": "text", "text": self.text}


class _Media(Content):
    __slots__ = ("data", "mime_type")
    kind = ""

    def __init__(self, data: bytes, mime_type: str) -> None:
        super().__init__()
        if not mime_type.startswith(self.kind + "/"):
            raise ValueError(f"the media type of {self.kind} begins with {self.kind}/, not {mime_type!r}")
        self.data = bytes(data)
        self.mime_type = mime_type

    def _own(self) -> dict[str, Any]:
        return {"type": self.kind, "data": to_base64(self.data), "mimeType": self.mime_type}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.data)} bytes, {self.mime_type!r})"


class Image(_Media):
    """A picture: its bytes, and its media type."""

    __slots__ = ()
    kind = "image"

    def __init__(self, data: bytes, mime_type: str = "image/png") -> None:
        super().__init__(data, mime_type)


class Audio(_Media):
    """A sound: its bytes, and its media type."""

    __slots__ = ()
    kind = "audio"

    def __init__(self, data: bytes, mime_type: str = "audio/wav") -> None:
        super().__init__(data, mime_type)


class Resource(Content):
    """A text or bytes with an address of their own."""

    __slots__ = ("body", "mime_type", "uri")

    def __init__(self, uri: str, body: str | bytes, mime_type: str = "") -> None:
        super().__init__()
        self.uri, self.body, self.mime_type = uri, body, mime_type

    def _own(self) -> dict[str, Any]:
        inner: dict[str, Any] = {"uri": self.uri}
        if self.mime_type:
            inner["mimeType"] = self.mime_type
        if isinstance(self.body, str):
            inner["text"] = self.body
        else:
            inner["blob"] = to_base64(self.body)
        return {"type": "resource", "resource": inner}


class ResourceLink(Content):
    """An address that the caller may follow; the host does not."""

    __slots__ = ("description", "mime_type", "name", "size", "title", "uri")

    def __init__(self, uri: str, name: str, *, title: str = "", description: str = "", mime_type: str = "", size: int | None = None) -> None:
        super().__init__()
        self.uri, self.name, self.title, self.description, self.mime_type, self.size = uri, name, title, description, mime_type, size

    def _own(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "resource_link", "uri": self.uri, "name": self.name}
        words = {"title": self.title, "description": self.description, "mimeType": self.mime_type}
        out.update({key: found for key, found in words.items() if found})
        if self.size is not None:
            out["size"] = self.size
        return out


class Structured:
    """An object for programs, and beside it what a person or a model reads: a text, or items. Without, the object as JSON."""

    __slots__ = ("content", "value")

    def __init__(self, value: Any, content: str | Content | Sequence[str | Content] | None = None) -> None:
        self.value = value
        self.content = content


class ToolResponse:
    """An answer in full. ``success`` and ``error`` make one."""

    __slots__ = ("is_error", "meta", "value")

    def __init__(self, value: Any, *, is_error: bool = False, meta: Mapping[str, Any] | None = None) -> None:
        self.value = value
        self.is_error = is_error
        self.meta = meta

    @classmethod
    def success(cls, value: Any = None) -> ToolResponse:
        """The answer: a text, content, a list of them, or an object, which becomes ``structuredContent`` too."""
        return cls(value)

    @classmethod
    def error(cls, message: str) -> ToolResponse:
        """The tool could not do it, and why, in words that help the caller."""
        return cls(str(message), is_error=True)

    @classmethod
    def reject(cls, code: int, message: str, data: Any = None) -> ToolResponse:
        """The tool cannot handle the request: a reply error with a number. A host shows the message and never ``data``."""
        return cls(Rejected(code, message, data), is_error=True)


class ToolRequest:
    """A call, for ``tool_handler``."""

    __slots__ = ("arguments", "meta", "tool")

    def __init__(self, tool: str, arguments: dict[str, Any], meta: dict[str, Any]) -> None:
        self.tool = tool
        self.arguments = arguments
        self.meta = meta
        """The context of the call; ``mpp_sdk.context.current()`` reads it."""
