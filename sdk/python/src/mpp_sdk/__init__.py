"""Tools for MPP in Python: functions with type hints become tools of a signed, sandboxed package.

Names are loaded when they are first used, so that a small tool loads little.
"""

from __future__ import annotations

from typing import Any, TYPE_CHECKING

from mpp_sdk._tools import prepare, tool, tool_handler
from mpp_sdk.content import Audio, Image, Resource, ResourceLink, Structured, Text, ToolRequest, ToolResponse
from mpp_sdk.context import Context
from mpp_sdk.errors import (
    HostError,
    InvalidArgument,
    NetworkError,
    NotDeclared,
    NotGranted,
    QuotaExceeded,
    Rejected,
    TimedOut,
    TooLarge,
    ToolError,
    Unavailable,
)
from mpp_sdk.serving import serve

if TYPE_CHECKING:
    from mpp_sdk import context, http, kv, log
    from mpp_sdk.asking import Answer, ask, ask_all, ask_folders, ask_model
    from mpp_sdk.fields import Description, Examples, Length, Pattern, Range
    from mpp_sdk.reporting import progress
    from mpp_sdk.secrets import Secret, secret

__version__ = "0.1.0"

_LATE = {
    **dict.fromkeys(("ask", "ask_all", "ask_folders", "ask_model", "Answer"), "mpp_sdk.asking"),
    **dict.fromkeys(("Description", "Examples", "Length", "Pattern", "Range"), "mpp_sdk.fields"),
    **dict.fromkeys(("Secret", "secret"), "mpp_sdk.secrets"),
    "progress": "mpp_sdk.reporting",
    **dict.fromkeys(("http", "kv", "log"), ""),
}

__all__ = [
    "Answer", "Audio", "Context", "Description", "Examples", "HostError", "Image", "InvalidArgument", "Length", "NetworkError", "NotDeclared", "NotGranted", "Pattern",
    "QuotaExceeded", "Range", "Rejected", "Resource", "ResourceLink", "Secret", "Structured", "Text", "TimedOut", "TooLarge", "ToolError", "ToolRequest", "ToolResponse",
    "Unavailable", "ask", "ask_all", "ask_folders", "ask_model", "context", "http", "kv", "log", "prepare", "progress", "secret", "serve", "tool", "tool_handler",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    home = _LATE.get(name)
    if home is None:
        raise AttributeError(f"module 'mpp_sdk' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only where a name is late

    found = getattr(import_module(home), name) if home else import_module(f"mpp_sdk.{name}")
    globals()[name] = found
    return found
