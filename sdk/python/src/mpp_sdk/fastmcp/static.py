"""Prompts and resources of a server as static content of its package. Spec: spec/static-content.md. Used when a package is built, never in a call.

The functions are called when the package is built, with marks in the place of their arguments. Where the marks come out again in the text
as they went in, the text with placeholders is what the package ships. Where they do not, or where the function decides something, there
is nothing that could be shipped, and that is reported.
"""

from __future__ import annotations

import base64
import dis
import json
import os
from collections.abc import Callable
from inspect import cleandoc
from typing import Any

from mpp_sdk import _tools, fastmcp
from mpp_sdk._types import plain
from mpp_sdk.content import Text
from mpp_sdk.fastmcp._addresses import variables

TEXT_CHARS_MAX = 8_192
"""Characters of a text in the list; a longer one becomes a file. Reason: static content X-5."""
_TAKEN = ("http", "https", "file", "data", "javascript", "mpp")
_MARKS = ("Mpp1Mark", "Mpp2Mark")
_ENDINGS = {"text/plain": "txt", "text/markdown": "md", "application/json": "json", "text/html": "html", "text/csv": "csv"}


class Unmapped(Exception):
    """Nothing static can stand for this function."""


class _Collected:
    def __init__(self, root: str) -> None:
        self.root = root
        self.resources: list[dict[str, Any]] = []
        self.templates: list[dict[str, Any]] = []
        self.prompts: list[dict[str, Any]] = []
        self.files: dict[str, dict[str, str]] = {}
        self.reports: list[dict[str, Any]] = []

    def report(self, path: str, line: int, message: str) -> None:
        self.reports.append({"level": "warning", "file": os.path.relpath(path, self.root) if self.root else path, "line": line, "message": message})

    def about(self, declared: fastmcp.Declared, message: str) -> None:
        code = _tools.code_of(declared.fn)
        self.report(code.co_filename, code.co_firstlineno, message)

    def body(self, name: str, mime_type: str, found: Any) -> dict[str, Any]:
        """A text, or the name of a file with it."""
        if isinstance(found, bytes):
            return self._file(name, mime_type, {"base64": base64.b64encode(found).decode("ascii")})
        text = found if isinstance(found, str) else json.dumps(plain(found), indent=2, ensure_ascii=False, default=plain)
        if len(text) <= TEXT_CHARS_MAX:
            return {"mimeType": mime_type, "text": text}
        return self._file(name, mime_type, {"text": text})

    def _file(self, name: str, mime_type: str, found: dict[str, str]) -> dict[str, Any]:
        file = f"mcp/{name}.{_ENDINGS.get(mime_type, 'bin')}"
        self.files[file] = found
        return {"mimeType": mime_type, "file": file}


def static_content(root: str) -> dict[str, Any]:
    """The contents of ``mcp/prompts.json`` and ``mcp/resources.json`` (None: there are none), the files beside them, and what could not be mapped."""
    out = _Collected(root)
    for server in fastmcp.servers:
        for declared in server.resources.values():
            _try(out, declared, _resource, f"the resource {declared.key!r} is left out")
        for declared in server.prompts.values():
            _try(out, declared, _prompt, f"the prompt {declared.key!r} is left out")
        for words, path, line in server.unmapped:
            out.report(path, line, f"left out: {words}")
        if server.lifespan is not None:
            code = _tools.code_of(server.lifespan)
            out.report(code.co_filename, code.co_firstlineno, "the lifespan of the server is entered and left in each call")
    resources = {"version": 1, **({"resources": out.resources} if out.resources else {}), **({"templates": out.templates} if out.templates else {})}
    return {
        "prompts": {"version": 1, "prompts": out.prompts} if out.prompts else None,
        "resources": resources if len(resources) > 1 else None,
        "files": out.files,
        "reports": out.reports,
    }


def _try(out: _Collected, declared: fastmcp.Declared, make: Callable[[_Collected, fastmcp.Declared], None], words: str) -> None:
    try:
        make(out, declared)
    except Unmapped as why:
        out.about(declared, f"{words}: {why}")


def _resource(out: _Collected, declared: fastmcp.Declared) -> None:
    scheme = declared.key.partition(":")[0]
    if scheme in _TAKEN:
        raise Unmapped(f"a package cannot answer for {scheme}: addresses; take a scheme of its own")
    head = {"name": declared.name, **({"title": declared.title} if declared.title else {}), "description": _words(declared)}
    names = variables(declared.key)
    if names:
        text = _with_marks(declared, names, lambda found: found)
        if not isinstance(text, str):
            raise Unmapped("its template gives no text")
        if len(text) > TEXT_CHARS_MAX:
            raise Unmapped(f"the text of a template has at most {TEXT_CHARS_MAX} characters")
        out.templates.append({"uriTemplate": declared.key, **head, "mimeType": declared.mime_type, "text": text})
        return
    found = _called(declared, {})
    out.resources.append({"uri": declared.key, **head, **out.body(declared.name, declared.mime_type, found)})
    out.about(declared, f"the resource {declared.key!r} is taken now, when the package is built, and does not change later")


def _prompt(out: _Collected, declared: fastmcp.Declared) -> None:
    names = list(_tools.names_of(declared.fn))
    target = _tools.plain_function(declared.fn)
    optional = set(names[len(names) - len(target.__defaults__ or ()) :]) | set(target.__kwdefaults__ or {})
    messages = _with_marks(declared, names, _messages)
    missing = [name for name in names if f"{{{name}}}" not in json.dumps(messages)]
    if missing:
        raise Unmapped(f"its argument {missing[0]!r} does not stand in its text as it is given")
    arguments = [{"name": name, "description": f"Stands in the prompt as {name}", "required": name not in optional} for name in names]
    title = {"title": declared.title} if declared.title else {}
    out.prompts.append(
        {"name": declared.key, **title, "description": _words(declared), **({"arguments": arguments} if arguments else {}), "messages": messages}
    )
    for name in sorted(optional):
        out.about(declared, f"the argument {name!r} of the prompt {declared.key!r} is an empty text where it is left out, not its default")


def _words(declared: fastmcp.Declared) -> str:
    return cleandoc(declared.description).strip() or declared.name


def _messages(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, (list, tuple)):
        return [message for one in found for message in _messages(one)]
    role, content = "user", found
    if isinstance(found, fastmcp.Message):
        role, content = found.role, found.content
    elif isinstance(found, dict) and "content" in found:
        role, content = found.get("role", "user"), found["content"]
    if isinstance(content, dict) and content.get("type") == "text":
        content = content["text"]
    text = content.text if isinstance(content, Text) else content
    if not isinstance(text, str) or role not in {"user", "assistant"}:
        raise Unmapped("only messages that are texts can be taken")
    return [{"role": role, "content": {"type": "text", "text": text}}]


def _with_marks(declared: fastmcp.Declared, names: list[str], read: Callable[[Any], Any]) -> Any:
    """What the function gives for any arguments, with ``{name}`` where an argument stands."""
    if decides(_tools.code_of(declared.fn)):
        raise Unmapped("its function decides something, and a package ships one text")
    found = []
    for mark in _MARKS:
        marks = {name: f"{mark}{at}x" for at, name in enumerate(names)}
        text = json.dumps(read(_called(declared, marks)), ensure_ascii=False)
        for name, one in marks.items():
            text = text.replace(one, f"{{{name}}}")
        found.append(text)
    if found[0] != found[1]:
        raise Unmapped("its arguments are changed before they stand in the text")
    return json.loads(found[0])


def decides(code: Any) -> bool:
    """Whether a function takes one way or another."""
    return any("JUMP_IF" in one.opname or one.opname.startswith(("POP_JUMP_FORWARD_IF", "POP_JUMP_BACKWARD_IF")) for one in dis.get_instructions(code))


def _called(declared: fastmcp.Declared, arguments: dict[str, str]) -> Any:
    try:
        found = declared.fn(**arguments)
        if hasattr(found, "__await__"):
            from mpp_sdk import _loop  # noqa: PLC0415 - only for async functions

            found = _loop.run(found)
    except Exception as fault:  # noqa: BLE001 - the author's code, run in another place than it was written for
        raise Unmapped(f"calling its function when the package is built fails: {type(fault).__name__}: {fault}") from None
    return found
