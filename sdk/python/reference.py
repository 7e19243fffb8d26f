# ruff: noqa: INP001 - a program, no module
"""Writes docs/reference/sdk-python.md from the docstrings of the SDK: ``python sdk/python/reference.py``."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "reference" / "sdk-python.md"

PARTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Tools", "mpp_sdk", "", ("tool", "tool_handler", "serve", "prepare")),
    ("Requests and answers", "mpp_sdk", "", ("ToolRequest", "ToolResponse", "Structured", "Text", "Image", "Audio", "Resource", "ResourceLink")),
    ("Parameters", "mpp_sdk", "", ("Description", "Examples", "Range", "Length", "Pattern")),
    ("Context", "mpp_sdk", "", ("Context",)),
    ("Questions", "mpp_sdk", "", ("ask", "ask_all", "ask_model", "ask_folders", "Answer")),
    ("Progress and secrets", "mpp_sdk", "", ("progress", "secret")),
    ("kv", "mpp_sdk.kv", "kv.", ("get", "set", "delete", "list", "page", "keys", "get_json", "set_json")),
    ("http", "mpp_sdk.http", "http.", ("fetch", "get", "post", "put", "patch", "delete", "head", "Response", "StatusError", "opener", "requests_adapter", "httpx_transport")),
    ("log", "mpp_sdk.log", "log.", ("write", "debug", "info", "warning", "error")),
    (
        "Errors", "mpp_sdk.errors", "",
        ("ToolError", "Rejected", "InvalidArgument", "HostError", "BadRequest", "NotDeclared", "NotGranted", "QuotaExceeded", "TooLarge", "TimedOut", "NetworkError", "Unavailable"),
    ),
    ("Tests", "mpp_sdk.testing", "testing.", ("Bench", "Result", "Reply", "Request", "ArgumentsRefused")),
    ("FastMCP", "mpp_sdk.fastmcp", "fastmcp.", ("FastMCP", "Context", "Image", "Audio")),
)  # fmt: skip
"""Title, module, what stands before a name, names in the order of the page."""

HEAD = """# The Python SDK

Made from the docstrings of `mpp_sdk` by `python sdk/python/reference.py`. How it is used: [write a tool in Python](../how-to/python-sdk.md).
"""


def page() -> str:
    if str(HERE / "src") not in sys.path:
        sys.path.insert(0, str(HERE / "src"))
    return "\n".join([HEAD, *(line for part in PARTS for line in _part(*part))]).rstrip("\n") + "\n"


def _part(title: str, module_name: str, prefix: str, names: tuple[str, ...]) -> Iterator[str]:
    module = importlib.import_module(module_name)
    yield f"## {title}\n"
    if prefix:
        yield _prose(inspect.getdoc(module) or "") + "\n"
    for name in names:
        yield from _entry(module, prefix, name)


def _entry(module: ModuleType, prefix: str, name: str) -> Iterator[str]:
    found = getattr(module, name)
    yield f"### `{prefix}{name}{_signature(found)}`\n"
    text = inspect.getdoc(found) or ""
    if text and not (inspect.isclass(found) and found.__doc__ is None):
        yield _prose(text) + "\n"
    if inspect.isclass(found):
        rows = list(_members(found))
        if rows:
            yield "\n".join(rows) + "\n"


def _signature(found: Any) -> str:
    if inspect.isclass(found) and "__init__" not in found.__dict__:
        return ""
    target = found.__init__ if inspect.isclass(found) else found
    parameters = [one for one in inspect.signature(target).parameters.values() if one.name != "self"]
    return str(inspect.Signature([one.replace(annotation=inspect.Parameter.empty) for one in parameters]))


def _members(kind: type) -> Iterator[str]:
    for name, found in kind.__dict__.items():
        target = found.fget if isinstance(found, property) else found.__func__ if isinstance(found, (classmethod, staticmethod)) else found
        if name.startswith("_") or not (inspect.isfunction(target) or isinstance(found, property)):
            continue
        words = _prose((inspect.getdoc(target) or "").split("\n\n")[0]).replace("\n", " ")
        yield f"- `{name}{'' if isinstance(found, property) else _signature(target)}`" + (f": {words}" if words else "")


def _prose(text: str) -> str:
    """Double back-quotes are the docstrings' own; sections on arguments become a list."""
    out = []
    for line in text.replace("``", "`").split("\n"):
        if line in {"Args:", "Returns:"}:
            continue
        if line.startswith("    ") and line.strip():
            inner = line.strip()
            head, _, rest = inner.partition(": ")
            out.append(f"- `{head}`: {rest}" if rest and all(part.isidentifier() for part in head.split(", ")) else f"    {inner}")
        else:
            out.append(line)
    return "\n".join(out).strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
