"""A tool of a FastMCP server: what it takes and how it answers are as there, so that a migrated server answers as before."""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable
from typing import Any

from mpp_sdk import _reply, _run, _tools
from mpp_sdk._types import encode, plain
from mpp_sdk.asking import Asked
from mpp_sdk.content import Content, Structured, ToolResponse
from mpp_sdk.context import Context as _Context
from mpp_sdk.fastmcp._context import Context

_ASKING = frozenset(("elicit", "create_message", "sample", "list_roots"))
_WRAPPED = (str, int, float, bool, bytes, type(None))


class ServerTool(_tools.Tool):
    """One function of a server."""

    __slots__ = ("_fields", "server", "structured_output")

    def __init__(self, fn: Callable[..., Any], server: Any, name: str, title: str, description: str, annotations: Any, structured_output: bool | None) -> None:
        super().__init__(fn, name, title or str(hints_in(annotations).get("title") or ""), description, level_of(annotations))
        self.server = server
        self.structured_output = structured_output
        self._fields: dict[str, Any] | None = None
        self.extra.update(open=True, returns=returns_of)
        self.context = (Context, _Context)
        code = _tools.code_of(fn)
        if asks_in(code):
            self.asks = ("answer",)

    def may_ask(self, name: str) -> bool:
        return super().may_ask(name) or (bool(self.asks) and name.startswith("answer") and name[len("answer") :].isdigit())

    def fields(self) -> dict[str, Any]:
        """Parameters whose default is a ``Field``."""
        if self._fields is None:
            self._fields = {name: value for name, value in super().defaults().items() if hasattr(value, "is_required") and hasattr(value, "get_default")}
        return self._fields

    def hints(self) -> dict[str, Any]:
        found = super().hints()
        for name, field in self.fields().items():
            found[name] = typing.Annotated[found.get(name, Any), field]
        return found

    def defaults(self) -> dict[str, Any]:
        found = super().defaults()
        for name, field in self.fields().items():
            if field.is_required():
                found.pop(name, None)
            elif name in found:
                found[name] = field.get_default(call_default_factory=True)
        return found

    def prepare(self) -> None:
        super().prepare()
        if self.asks:
            import mpp_sdk.schemas  # noqa: F401, PLC0415 - forms are made at run time; loaded before a snapshot
        if structured(self.returns, self.structured_output):
            self.wraps = is_wrapped(self.returns)

    def read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        decoders = self.decoders or {}
        out = super().read({name: parsed(value, name, self) for name, value in arguments.items() if name in decoders})
        for name in self.fields():
            if name not in out:
                out[name] = self.defaults()[name]
        return out

    def make_context(self) -> Any:
        return Context(_run.now.meta if _run.now else {}, self.server)

    def run(self, given: dict[str, Any]) -> Any:
        return self.fn(**given) if self.server.lifespan is None else self.server.in_lifespan(self.fn, given)

    def fault(self, found: BaseException) -> str:
        if isinstance(found, Asked) or not isinstance(found, Exception):
            return _reply.fault(found)
        _reply.log_fault(found)
        return _reply.failed(f"Error executing tool {self.name}: {found}")

    def reply(self, found: Any) -> str:
        if isinstance(found, (Structured, ToolResponse)):
            return _reply.any_of(found)
        items = ",".join(encode(one.item()) if isinstance(one, Content) else _reply.item(one) for one in contents(found))
        if not structured(self.returns, self.structured_output):
            return _reply.complete(items, "")
        return _reply.complete(items, encode({"result": found} if self.wraps else found))


def asks_in(code: Any) -> bool:
    """Whether a function, or one inside of it, asks."""
    return bool(_ASKING.intersection(code.co_names)) or any(asks_in(one) for one in code.co_consts if hasattr(one, "co_names"))


def parsed(value: Any, name: str, tool: ServerTool) -> Any:
    """Some clients send lists and objects as JSON in a text; FastMCP reads them, so they are read here."""
    if not isinstance(value, str) or value[:1] not in {"[", "{"} or tool.hints().get(name) is str:
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, (list, dict)) else value


def hints_in(annotations: Any) -> dict[str, Any]:
    """What a server says of its tool, as a dict or as an object."""
    found = getattr(annotations, "hints", annotations) or {}
    return found if isinstance(found, dict) else vars(found)


def level_of(annotations: Any) -> str:
    """The security level, by what a server says of its tool."""
    known = hints_in(annotations)
    if known.get("readOnlyHint") is True:
        return "low"
    return "high" if known.get("destructiveHint") is True else "medium"


def contents(found: Any) -> list[Any]:
    """The answer as items: a list gives an item for each of its own, anything else a text."""
    if found is None:
        return []
    if isinstance(found, (list, tuple)):
        return [item for one in found for item in contents(one)]
    if isinstance(found, (str, Content)) and not isinstance(found, enum.Enum):
        return [found]
    return [json.dumps(found, indent=2, ensure_ascii=False, default=_fallback)]


def _fallback(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return str(value)


def structured(kind: Any, wanted: bool | None) -> bool:
    """Whether answers of this type have ``structuredContent``, as FastMCP decides it."""
    if wanted is False or kind is Any or kind in {list, dict, tuple, set, frozenset}:
        return False
    kind = _reply.bare(kind)
    if kind is None or kind in _WRAPPED:
        return True
    if typing.get_origin(kind) is not None:
        return not _holds_class(kind)
    return _reply.is_object(kind) or is_choice(kind) or _is_named_tuple(kind)


def _holds_class(kind: Any) -> bool:
    """Whether something stands in it that has no schema: content, above all."""
    if isinstance(kind, type) and issubclass(kind, (Content, Structured, ToolResponse)):
        return True
    return any(_holds_class(one) for one in typing.get_args(kind))


def is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_named_tuple(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def is_wrapped(kind: Any) -> bool:
    """Whether the structured answer is ``{"result": ...}``."""
    kind = _reply.bare(kind)
    origin = typing.get_origin(kind)
    if origin is dict:
        return typing.get_args(kind)[0] is not str
    return origin in {typing.Union, types.UnionType} or not _reply.is_object(kind)


def returns_of(tool: Any, hints: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of the answer, for the manifest."""
    kind = hints.get("return", Any)
    if not structured(kind, tool.structured_output):
        return None
    from mpp_sdk.schemas import Schemas, wrapped  # noqa: PLC0415 - only when a package is built

    schemas = Schemas(is_open=True)
    return schemas.whole(wrapped(schemas.of(kind))) if is_wrapped(kind) else schemas.root(kind)
