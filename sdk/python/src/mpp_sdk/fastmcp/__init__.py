"""FastMCP servers as packages: ``from mpp_sdk.fastmcp import FastMCP`` in the place of ``from mcp.server.fastmcp import FastMCP``.

Tools, their context, pictures and questions work as there. Prompts and resources become static content of the package when it is built,
as far as they are texts with their arguments in them; ``mpp build`` says which are not. Transports, authentication and sessions are the
host's affair, and are not here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from mpp_sdk import _tools
from mpp_sdk.errors import ToolError
from mpp_sdk.fastmcp._content import (
    AssistantMessage,
    Audio,
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    Image,
    ImageContent,
    Message,
    ResourceLink,
    SamplingMessage,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
    UserMessage,
)
from mpp_sdk.fastmcp._context import AcceptedElicitation, CancelledElicitation, Context, DeclinedElicitation, ServerSession
from mpp_sdk.fastmcp._tool import ServerTool

try:
    import pydantic as _pydantic  # type: ignore[import-not-found]
except ImportError:
    # Servers import it beside FastMCP. In a package the builder puts the stand-in on the path; elsewhere it is put here.
    import mpp_sdk.pydantic as _pydantic

    sys.modules.setdefault("pydantic", _pydantic)

__all__ = [
    "AcceptedElicitation", "AssistantMessage", "Audio", "AudioContent", "BlobResourceContents", "CancelledElicitation", "Context", "DeclinedElicitation", "EmbeddedResource",
    "FastMCP", "Image", "ImageContent", "MCPServer", "Message", "ResourceLink", "SamplingMessage", "ServerSession", "TextContent", "TextResourceContents", "ToolAnnotations", "ToolError",
    "UserMessage",
]  # fmt: skip


class Declared:
    """A resource or a prompt, until the package is built."""

    __slots__ = ("description", "fn", "key", "mime_type", "name", "title")

    def __init__(self, key: str, fn: Callable[..., Any], name: str, title: str, description: str, mime_type: str) -> None:
        self.key, self.fn, self.name, self.title, self.description, self.mime_type = key, fn, name, title, description, mime_type


servers: list[FastMCP] = []


class FastMCP:
    """A server: a set of tools, prompts and resources. ``settings`` of transports are taken and passed over."""

    def __init__(self, name: str | None = None, instructions: str | None = None, *, lifespan: Callable[..., Any] | None = None, **settings: Any) -> None:
        self.name = name or "FastMCP"
        self.instructions = instructions
        self.lifespan = lifespan
        self.lifespan_context: Any = None
        self.passed_over = tuple(settings)
        self.resources: dict[str, Declared] = {}
        self.prompts: dict[str, Declared] = {}
        self.unmapped: list[tuple[str, str, int]] = []
        """What has no place in a package: words, file and line."""
        servers.append(self)

    def tool(
        self,
        name: Any = None,
        *,
        title: str | None = None,
        description: str | None = None,
        annotations: Any = None,
        structured_output: bool | None = None,
        **_options: Any,
    ) -> Any:
        """Make a function a tool: ``@mcp.tool()`` or ``@mcp.tool``."""
        if callable(name):
            self.add_tool(name)
            return name

        def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.add_tool(fn, name=name, title=title, description=description, annotations=annotations, structured_output=structured_output)
            return fn

        return decorate

    def add_tool(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        annotations: Any = None,
        structured_output: bool | None = None,
        **_options: Any,
    ) -> None:
        _tools.add(ServerTool(fn, self, name or fn.__name__, title or "", description or "", annotations, structured_output))

    def resource(
        self, uri: str, *, name: str | None = None, title: str | None = None, description: str | None = None, mime_type: str | None = None, **_options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Make a function a resource. Its text is taken when the package is built."""

        def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.resources[uri] = Declared(uri, fn, name or fn.__name__, title or "", description or fn.__doc__ or "", mime_type or "text/plain")
            return fn

        return decorate

    def prompt(self, name: Any = None, *, title: str | None = None, description: str | None = None, **_options: Any) -> Any:
        """Make a function a prompt. Its messages are taken when the package is built."""
        if callable(name):
            return self.prompt()(name)

        def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
            key = name or fn.__name__
            self.prompts[key] = Declared(key, fn, key, title or "", description or fn.__doc__ or "", "")
            return fn

        return decorate

    def custom_route(self, path: str, methods: Any = None, **_options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ARG002 - its signature
        """A package has no web server of its own: this is reported when it is built."""
        return self._not_here(f"custom_route({path!r}): a package has no web server of its own")

    def completion(self) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Completion of arguments has no place in a package: this is reported when it is built."""
        return self._not_here("completion(): a package completes arguments from lists of values only")

    def _not_here(self, words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
            code = _tools.code_of(fn)
            self.unmapped.append((words, code.co_filename, code.co_firstlineno))
            return fn

        return decorate

    def get_context(self) -> Context:
        """The context of the call that is under way."""
        from mpp_sdk import _run  # noqa: PLC0415 - of the SDK

        if _run.now is None:
            raise ValueError("Context is not available outside of a request")
        return Context(_run.now.meta, self)

    def read(self, uri: str) -> Any:
        """What the function of a resource gives, with the variables of its address."""
        from mpp_sdk.fastmcp._addresses import match  # noqa: PLC0415 - few tools read a resource

        for template, declared in self.resources.items():
            found = match(template, uri)
            if found is not None:
                return declared.fn(**found)
        raise ValueError(f"Unknown resource: {uri}")

    async def in_lifespan(self, fn: Callable[..., Any], given: dict[str, Any]) -> Any:
        """One call inside of what the server sets up. A server does that once, a package for each call."""
        manager = self.lifespan(self) if self.lifespan is not None else None
        async with manager as self.lifespan_context:  # type: ignore[union-attr]
            found = fn(**given)
            return await found if hasattr(found, "__await__") else found

    def run(self, transport: str = "stdio", **_options: Any) -> None:  # noqa: ARG002 - the host has the transports
        """Answer one call, where this file is the program that runs. In the sandbox the layer does that, so nothing happens here."""
        if sys._getframe(1).f_globals.get("__name__") == "__main__" and sys.platform != "wasi":  # noqa: SLF001 - who calls
            from mpp_sdk.serving import serve  # noqa: PLC0415 - only outside of the sandbox

            sys.exit(serve())

    async def run_async(self, transport: str = "stdio", **_options: Any) -> None:
        """As ``run``, for servers that start their own loop: nothing happens, the layer calls the tools."""

    run_stdio_async = run_async


MCPServer = FastMCP
