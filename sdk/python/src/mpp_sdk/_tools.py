"""The tools of this package, and how one is called."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload, TypeVar

from mpp_sdk import _reply, _run
from mpp_sdk._types import Decoder, decoder, hints_of
from mpp_sdk.content import Content, Structured, ToolRequest, ToolResponse
from mpp_sdk.context import Context
from mpp_sdk.errors import InvalidArgument, ToolError

Function = TypeVar("Function", bound=Callable[..., Any])

VAR_KEYWORDS, VAR_POSITIONAL, COROUTINE, GENERATORS = 0x08, 0x04, 0x80, 0x220
"""Flags of code objects. Reason: importing inspect for them costs more than all of this module."""


class Tool:
    """A function that is a tool, and what its author says of it."""

    __slots__ = (
        "asks", "context", "decoders", "description", "examples", "extra", "fn", "is_async", "name", "needed", "parameters", "returns", "security_level", "title", "wraps",
    )  # fmt: skip

    def __init__(self, fn: Callable[..., Any], name: str, title: str, description: str, security_level: str) -> None:
        self.fn = fn
        self.name, self.title, self.description, self.security_level = name, title, description, security_level
        self.examples: tuple[Mapping[str, Any], ...] = ()
        self.asks: tuple[str, ...] = ()
        self.extra: dict[str, Any] = {}
        """What other doors (mpp_sdk.fastmcp) keep with a tool."""
        self.context: tuple[type, ...] = (Context,)
        """Types of parameters that are given the context."""
        self.is_async = bool(code_of(fn).co_flags & COROUTINE)
        self.decoders: dict[str, Decoder] | None = None
        self.needed: frozenset[str] = frozenset()
        self.parameters: dict[str, type] = {}
        """Parameters that are given the context, and its type."""
        self.returns: Any = None
        self.wraps = False
        """Whether the answer becomes ``{"result": answer}``, because structuredContent is an object."""

    def prepare(self) -> None:
        """Make the decoders. Done once, best before a snapshot."""
        if self.decoders is not None:
            return
        hints = self.hints()
        self.returns = hints.get("return", typing.Any)
        self.wraps = _reply.wraps(self.returns)
        self.parameters = {name: hints[name] for name in names_of(self.fn) if is_context(hints.get(name), self.context)}
        given = self.given(hints)
        self.needed = frozenset(given) - self.defaults().keys()
        self.decoders = {name: decoder(hints.get(name, typing.Any)) for name in given}

    def hints(self) -> dict[str, Any]:
        """The types of the parameters, and of what is given back."""
        return hints_of(self.fn)

    def given(self, hints: Mapping[str, Any]) -> tuple[str, ...]:
        """The parameters that are arguments of the tool."""
        return tuple(name for name in names_of(self.fn) if not is_context(hints.get(name), self.context))

    def defaults(self) -> dict[str, Any]:
        """The parameters that may be left out."""
        target = plain_function(self.fn)
        code = code_of(target)
        positional = code.co_varnames[: code.co_argcount]
        values = target.__defaults__ or ()
        found: dict[str, Any] = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
        found.update(target.__kwdefaults__ or {})
        return {name: value for name, value in found.items() if name not in self.parameters}

    def may_ask(self, name: str) -> bool:
        return name in self.asks or (self.decoders is not None and name in self.decoders)

    def read(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as the function takes them."""
        decoders = self.decoders or {}
        out = {}
        for name, value in arguments.items():
            read = decoders.get(name)
            if read is None:
                if self.may_ask(name):
                    continue
                raise InvalidArgument(f"is not known; the tool {self.name!r} takes {', '.join(decoders) or 'none'}").at(name)
            try:
                out[name] = read(value)
            except InvalidArgument as fault:
                raise fault.at(name) from None
        if len(out) < len(decoders):
            missing = self.needed - out.keys()
            if missing:
                raise InvalidArgument("is missing").at(min(missing))
        return out

    def call(self, arguments: dict[str, Any]) -> str:
        """The result as JSON."""
        self.prepare()
        given = self.read(arguments)
        for name in self.parameters:
            given[name] = self.make_context()
        found = self.run(given)
        if self.is_async or hasattr(found, "__await__"):
            from mpp_sdk import _loop  # noqa: PLC0415 - asyncio is heavy, and prepared where a tool is async

            found = _loop.run(found)
        return self.reply(found)

    def run(self, given: dict[str, Any]) -> Any:
        return self.fn(**given)

    def make_context(self) -> Any:
        return Context(_run.now.meta if _run.now else {})

    def reply(self, found: Any) -> str:
        """The answer as JSON."""
        return _reply.of(self, found)

    def fault(self, found: BaseException) -> str:
        """What came of an exception, as JSON."""
        return _reply.fault(found)


tools: dict[str, Tool] = {}
replaced: list[tuple[Tool, Tool]] = []
"""Tools whose function another one of the same name and module took the place of."""
handlers: list[Callable[[ToolRequest], ToolResponse]] = []


def plain_function(fn: Callable[..., Any]) -> Any:
    """The function itself, below decorators that say what they wrap, and below a method."""
    found: Any = fn
    while hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return getattr(found, "__func__", found)


def code_of(fn: Callable[..., Any]) -> Any:
    code = getattr(plain_function(fn), "__code__", None)
    if code is None:
        raise TypeError(f"{fn!r} is no Python function, so its parameters are not known: write a function around it")
    return code


def names_of(fn: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the parameters, without the ``self`` of a method."""
    code = code_of(fn)
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names[1:] if isinstance(fn, types.MethodType) else names


def is_context(kind: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a parameter is given the context: its type is that of a context, with or without ``| None`` and type parameters."""
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType, typing.Annotated}:
        return any(is_context(one, kinds) for one in typing.get_args(kind))
    found = origin or kind
    return isinstance(found, type) and issubclass(found, kinds)


def add(tool: Tool) -> None:
    """A name stands for one tool. A module that is read twice (by a test) replaces its own."""
    known = tools.get(tool.name)
    if known is not None and (known.fn.__module__, known.fn.__qualname__) != (tool.fn.__module__, tool.fn.__qualname__):
        raise ValueError(f"there are two tools with the name {tool.name!r}: {known.fn.__qualname__} and {tool.fn.__qualname__}")
    if known is not None and code_of(known.fn).co_firstlineno != code_of(tool.fn).co_firstlineno:
        replaced.append((known, tool))
    tools[tool.name] = tool


@overload
def tool(fn: Function, /) -> Function: ...


@overload
def tool(
    *,
    name: str = "",
    title: str = "",
    description: str = "",
    security_level: str = "medium",
    examples: Sequence[Mapping[str, Any]] = (),
    asks: Iterable[str] = (),
) -> Callable[[Function], Function]: ...


def tool(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str = "",
    title: str = "",
    description: str = "",
    security_level: str = "medium",
    examples: Sequence[Mapping[str, Any]] = (),
    asks: Iterable[str] = (),
) -> Any:
    """Make a function a tool. It stays an ordinary function.

    Args:
        fn: The function.
        name: The tool's name; that of the function if left out.
        title: A line for people.
        description: What it does; the docstring of the function if left out.
        security_level: ``low``, ``medium``, ``high`` or ``critical``.
        examples: Arguments of typical calls. They are checked when the package is built.
        asks: Names of the questions that it may ask; see ``ask``.
    """

    def decorate(function: Function) -> Function:
        made = Tool(function, name or getattr(function, "__name__", ""), title, description, security_level)
        made.examples = tuple(examples)
        made.asks = tuple(asks)
        add(made)
        return function

    return decorate if fn is None else decorate(fn)


def tool_handler(fn: Callable[[ToolRequest], ToolResponse]) -> Callable[[ToolRequest], ToolResponse]:
    """Make ``fn`` answer all tools that are no function of their own. The manifest says which there are and what they take."""
    handlers[:] = [fn]
    return fn


def prepare() -> None:
    """Make all that a call needs: decoders, clients that go through the host, and a loop where a tool is async. For the time before a snapshot."""
    from mpp_sdk import _host  # noqa: PLC0415 - a module of ours that knows this one's neighbours only

    _host.choose()
    if not sys.modules.keys().isdisjoint(("urllib.request", "requests", "httpx")):
        from mpp_sdk import _clients  # noqa: PLC0415 - only where there is one of them

        _clients.install()
    for one in tools.values():
        one.prepare()
    waiting = tuple(code_of(one.fn) for one in tools.values() if one.is_async)
    if waiting:
        from mpp_sdk import _loop  # noqa: PLC0415 - see above

        _loop.prepare(waiting)


def handled(name: str, arguments: dict[str, Any], meta: dict[str, Any]) -> str:
    """The result of a call of ``tool_handler``."""
    found: Any = handlers[0](ToolRequest(name, arguments, meta))
    if hasattr(found, "__await__"):
        from mpp_sdk import _loop  # noqa: PLC0415 - see above

        found = _loop.run(found)
    return _reply.any_of(found)


def call(name: str, arguments: dict[str, Any], meta: dict[str, Any]) -> str | None:
    """The result of one call as JSON; None where there is no such tool. Faults of the tool are results."""
    found = tools.get(name)
    if found is None and not handlers:
        return None
    _run.now = _run.Run(name, meta, arguments, (lambda asked: True) if found is None else found.may_ask)  # noqa: ARG005 - the host judges it
    try:
        return handled(name, arguments, meta) if found is None else found.call(arguments)
    except BaseException as fault:  # noqa: BLE001 - whatever a tool raises, its caller gets an answer
        return (_reply.fault if found is None else found.fault)(fault)
    finally:
        _run.now = None


__all__ = ["Content", "Structured", "Tool", "ToolError", "call", "prepare", "tool", "tool_handler", "tools"]
