"""``Context`` as tools of FastMCP servers use it, over the host of this package."""

from __future__ import annotations

import types
import typing
from collections.abc import Generator
from typing import Any

from mpp_sdk import log
from mpp_sdk.asking import ask, ask_folders, ask_model
from mpp_sdk.context import Context as _Context
from mpp_sdk.reporting import progress as report

_SCALARS = (str, int, float, bool)


class _Done:
    """What was done already, for servers that await it and for those that do not."""

    __slots__ = ("value",)

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self.value


class AcceptedElicitation:
    """The person answered: ``data`` is the answer."""

    action = "accept"

    def __init__(self, data: Any) -> None:
        self.data = data


class DeclinedElicitation:
    """The person said no."""

    action = "decline"
    data = None


class CancelledElicitation:
    """The person did not answer."""

    action = "cancel"
    data = None


class _RequestContext:
    __slots__ = ("lifespan_context", "meta", "request_id", "session")

    def __init__(self, context: Context) -> None:
        self.session = context.session
        self.request_id = context.request_id
        self.lifespan_context = context._server.lifespan_context  # noqa: SLF001 - of this package
        self.meta = None


class ServerSession:
    """The connection of a server to its client, as far as a package has one."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create_message(self, messages: list[Any], max_tokens: int = 1_000, *, system_prompt: str | None = None, **_options: Any) -> _Done:
        """Ask the model of the caller. Only the text of the messages goes along."""
        text = "\n".join(str(getattr(one.content, "text", one.content)) for one in messages)
        found = ask_model(self._context.next_name(), text, max_tokens=max_tokens, system=system_prompt or "")
        from mpp_sdk.fastmcp._content import TextContent  # noqa: PLC0415 - the answer only

        return _Done(_Sampled(TextContent(found)))

    def list_roots(self) -> _Done:
        return _Done(_Roots(ask_folders(self._context.next_name())))

    def send_log_message(self, level: str, data: Any, **_options: Any) -> _Done:
        log.write(level if level in log.LEVELS else "info", data)
        return _Done()


class _Sampled:
    role = "assistant"

    def __init__(self, content: Any) -> None:
        self.content = content


class _Roots:
    def __init__(self, roots: list[dict[str, str]]) -> None:
        self.roots = [_Root(one) for one in roots]


class _Root:
    def __init__(self, found: dict[str, str]) -> None:
        self.uri, self.name = found.get("uri", ""), found.get("name")


class Context(_Context):
    """The context of a call. Log, progress and questions go to the host of this package."""

    __slots__ = ("_count", "_server", "_state")

    def __class_getitem__(cls, parameters: Any) -> Any:
        """Servers write ``Context[ServerSession, None]``, with as many types as their SDK had at the time."""
        return types.GenericAlias(cls, parameters)

    def __init__(self, meta: dict[str, Any], server: Any) -> None:
        super().__init__(meta)
        self._server = server
        self._count = 0
        self._state: dict[str, Any] = {}

    @property
    def request_id(self) -> str:
        return self.invocation

    @property
    def client_id(self) -> str:
        return self.agent.name

    @property
    def fastmcp(self) -> Any:
        return self._server

    mcp_server = fastmcp

    @property
    def session(self) -> ServerSession:
        return ServerSession(self)

    @property
    def request_context(self) -> _RequestContext:
        return _RequestContext(self)

    def log(self, level: str, message: Any, **_options: Any) -> _Done:
        log.write("info" if level not in log.LEVELS else level, message)
        return _Done()

    def debug(self, message: Any, **_options: Any) -> _Done:
        return self.log("debug", message)

    def info(self, message: Any, **_options: Any) -> _Done:
        return self.log("info", message)

    def warning(self, message: Any, **_options: Any) -> _Done:
        return self.log("warning", message)

    def error(self, message: Any, **_options: Any) -> _Done:
        return self.log("error", message)

    def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> _Done:
        report(progress, total, message or "")
        return _Done()

    def set_state(self, key: str, value: Any) -> _Done:
        self._state[key] = value
        return _Done()

    def get_state(self, key: str) -> Any:
        return self._state.get(key)

    def read_resource(self, uri: Any) -> _Done:
        """The resource, from the function of this file that makes it."""
        return _Done(self._server.read(str(uri)))

    def next_name(self) -> str:
        """The name of the next question. A call that is made again asks in the same order, so each finds its own answer."""
        self._count += 1
        return "answer" if self._count == 1 else f"answer{self._count}"

    def elicit(self, message: str, schema: Any = None, *, response_type: Any = None) -> _Done:
        """Ask a person. ``schema`` is a model; ``response_type`` may also be ``str``, ``int``, a list of choices, or None for a yes or no."""
        wanted = schema if schema is not None else response_type
        form, read = _form(wanted)
        answer = ask(self.next_name(), message, form)
        if answer.accepted:
            return _Done(AcceptedElicitation(read(answer.content)))
        return _Done(DeclinedElicitation() if answer.action == "decline" else CancelledElicitation())

    def sample(self, messages: Any, *, system_prompt: str | None = None, max_tokens: int = 512, **_options: Any) -> _Done:
        """Ask the model of the caller for a text."""
        from mpp_sdk.fastmcp._content import TextContent  # noqa: PLC0415 - the answer only

        text = (
            messages
            if isinstance(messages, str)
            else "\n".join(str(getattr(getattr(one, "content", one), "text", getattr(one, "content", one))) for one in messages)
        )
        return _Done(TextContent(ask_model(self.next_name(), text, max_tokens=max_tokens, system=system_prompt or "")))


def _form(wanted: Any) -> tuple[dict[str, Any], Any]:
    """The fields of a form, and how its answer becomes what the server wants."""
    if wanted is None:
        return {}, lambda content: content
    if isinstance(wanted, list):
        return _one({"type": "string", "enum": wanted}, lambda value: value)
    if wanted in _SCALARS or typing.get_origin(wanted) is not None or not isinstance(wanted, type):
        return _typed(wanted)
    model: Any = wanted
    if hasattr(model, "model_json_schema"):
        return _flat(model.model_json_schema()), model.model_validate
    return _typed(wanted) if not hasattr(wanted, "__dataclass_fields__") else _data(wanted)


def _one(schema: dict[str, Any], read: Any) -> tuple[dict[str, Any], Any]:
    form = {"type": "object", "properties": {"value": schema}, "required": ["value"]}
    return form, lambda content: read(content.get("value"))


def _typed(wanted: Any) -> tuple[dict[str, Any], Any]:
    from mpp_sdk._types import decoder  # noqa: PLC0415 - of the SDK
    from mpp_sdk.schemas import Schemas  # noqa: PLC0415 - prepared where a tool asks

    schemas = Schemas(is_open=True)
    return _one(_inlined(schemas.of(wanted), schemas.definitions), decoder(wanted))


def _data(wanted: type) -> tuple[dict[str, Any], Any]:
    from mpp_sdk._types import decoder  # noqa: PLC0415 - of the SDK
    from mpp_sdk.schemas import Schemas  # noqa: PLC0415 - prepared where a tool asks

    schemas = Schemas(is_open=True)
    return _flat(schemas.whole(schemas.of(wanted))), decoder(wanted)


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """A form without references and words that only a model needs."""
    definitions = schema.get("$defs", {})
    found = _inlined(schema, definitions)
    out: dict[str, Any] = {"type": "object", "properties": {name: _inlined(one, definitions) for name, one in found.get("properties", {}).items()}}
    if found.get("required"):
        out["required"] = found["required"]
    return out


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    return {**definitions[reference.rpartition("/")[2]], **{key: value for key, value in schema.items() if key != "$ref"}}
