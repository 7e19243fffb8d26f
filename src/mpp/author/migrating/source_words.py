"""What names of Python mean for a server that moves into a package."""

from __future__ import annotations

FASTMCP_NAMES: frozenset[str] = frozenset((
    "AcceptedElicitation", "AssistantMessage", "Audio", "AudioContent", "BlobResourceContents", "CancelledElicitation", "Context", "DeclinedElicitation", "EmbeddedResource",
    "FastMCP", "Image", "ImageContent", "MCPServer", "Message", "ResourceLink", "SamplingMessage", "ServerSession", "TextContent", "TextResourceContents", "ToolAnnotations",
    "ToolError", "UserMessage",
))  # fmt: skip
"""What ``mpp_sdk.fastmcp`` has; a test compares it with the SDK."""

MODULES: dict[str, str] = {
    **dict.fromkeys(
        (
            "mcp.server.fastmcp", "mcp.server.fastmcp.server", "mcp.server.fastmcp.utilities.types", "mcp.server.fastmcp.exceptions", "mcp.server.mcpserver",
            "mcp.server.mcpserver.exceptions", "mcp.server.session", "mcp.server.elicitation", "mcp.types", "fastmcp", "fastmcp.server", "fastmcp.exceptions", "fastmcp.utilities.types",
            "fastmcp.server.context", "mcp.server.fastmcp.prompts.base", "mcp.server.mcpserver.prompts.base", "fastmcp.prompts.prompt",
        ),
        "mpp_sdk.fastmcp",
    ),
    **dict.fromkeys(("mcp.server.fastmcp.prompts", "mcp.server.mcpserver.prompts", "fastmcp.prompts"), "mpp_sdk.fastmcp.prompts"),
}  # fmt: skip
"""Modules of FastMCP, and of the standard SDK beside it: what they are here."""

PROMPT_NAMES = frozenset(("base", "Message", "UserMessage", "AssistantMessage"))
"""What ``mpp_sdk.fastmcp.prompts`` has."""

_NO_SOCKET = "there are no sockets; call a service over HTTP"
SOCKETS: dict[str, str] = {
    "socket": "there are no sockets; clients of HTTP work, and go through the host",
    "ssl": "the host makes connections; settings of certificates have no effect",
    **dict.fromkeys(
        (
            "smtplib",
            "imaplib",
            "poplib",
            "ftplib",
            "telnetlib",
            "xmlrpc",
            "asyncpg",
            "psycopg",
            "redis",
            "pymongo",
            "pymysql",
            "paramiko",
            "websockets",
            "websocket",
        ),
        _NO_SOCKET,
    ),
    "aiohttp": "it has native code and sockets of its own; take httpx, or mpp_sdk.http",
    "socketserver": "a tool listens to nobody; it is called",
    **dict.fromkeys(("fastapi", "flask", "starlette", "uvicorn", "django"), "a tool listens to nobody; it is called"),
    **dict.fromkeys(("selenium", "playwright"), "no program can be started in the sandbox"),
}
"""Modules that live on sockets and programs, and what to do instead."""

DISTRIBUTIONS: dict[str, str] = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "jwt": "pyjwt",
    "markdown": "markdown",
    "nacl": "pynacl",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Names of modules that differ from the names of what is installed."""

MUTABLE_CALLS = frozenset(("dict", "list", "set", "defaultdict", "deque", "Counter", "OrderedDict"))
CHANGES = frozenset((
    "append", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear", "extend", "insert", "appendleft", "popleft", "sort", "reverse",
))  # fmt: skip
"""Methods that change what they are called on."""
