"""JSON Schemas of types, as manifest M-90 to M-101 want them. Used when a package is built, never in a call."""

from __future__ import annotations

import enum
import json
import sys
import types
import typing
from collections import abc
from collections.abc import Callable
from typing import Any

from mpp_sdk._types import decoder, encode, hints_of, is_needed, plain, required_keys, Unsupported, unsupported
from mpp_sdk.errors import InvalidArgument
from mpp_sdk.fields import Constraint, Length

Schema = dict[str, Any]

NO_DEFAULT = object()
"""Stands for a field that may be left out and has no value then."""

ENUM_MAX = 1_000
"""Values of a choice. Reason: manifest M-95."""

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    Any: {},
    object: {},
    bytes: {"type": "string", "contentEncoding": "base64"},
}
_TEXTS: dict[str, Schema] = {
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "datetime.date": {"type": "string", "format": "date"},
    "datetime.time": {"type": "string", "format": "time"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
    "decimal.Decimal": {"anyOf": [{"type": "number"}, {"type": "string"}]},
}
_LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)
_SETS = (set, frozenset, abc.Set, abc.MutableSet)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum", "multiple_of": "multipleOf"}


class Schemas:
    """Makes schemas; classes with fields go to ``definitions``, so that they may hold themselves."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.is_open = is_open
        """Whether keys that a class does not know are let pass, as other frameworks do."""
        self.definitions: dict[str, Schema] = {}
        self._names: dict[Any, str] = {}

    def whole(self, schema: Schema) -> Schema:
        """The schema with the definitions that it needs."""
        return {**schema, "$defs": self.definitions} if self.definitions else schema

    def root(self, kind: Any) -> Schema:
        """The schema of a class with fields as it stands by itself: not a reference, where nothing else refers to it."""
        schema = self.of(kind)
        reference = schema.get("$ref")
        if reference is None:
            return self.whole(schema)
        name = reference.rpartition("/")[2]
        found, others = self.definitions[name], {key: one for key, one in self.definitions.items() if key != name}
        if f'"{reference}"' in json.dumps(self.definitions):
            others = self.definitions
        return {**found, "$defs": others} if others else dict(found)

    def of(self, kind: Any) -> Schema:
        """The schema of a type. Raises ``Unsupported``."""
        try:
            found = _PLAIN.get(kind)
        except TypeError:  # not hashable, so it is none of them
            found = None
        if found is not None:
            return dict(found)
        if isinstance(kind, typing.TypeVar):
            return self.of(kind.__bound__ or Any)
        if hasattr(kind, "__supertype__"):
            return self.of(kind.__supertype__)
        if type(kind).__name__ == "TypeAliasType":
            return self.of(kind.__value__)
        origin = typing.get_origin(kind)
        if origin is not None:
            return self._generic(kind, origin, typing.get_args(kind))
        if isinstance(kind, type):
            return self._class(kind)
        raise unsupported(kind)

    def _generic(self, kind: Any, origin: Any, args: tuple[Any, ...]) -> Schema:
        if origin is typing.Annotated:
            return constrained(self.of(args[0]), args[1:], args[0])
        if origin in {typing.Required, typing.NotRequired} or getattr(typing, "ReadOnly", None) is origin:
            return self.of(args[0])
        if origin is typing.Literal:
            return choice(list(args))
        if origin in {typing.Union, types.UnionType}:
            return {"anyOf": [self.of(one) for one in args]}
        if isinstance(origin, type):
            return self._container(kind, origin, args)
        raise unsupported(kind)

    def _container(self, kind: Any, origin: type, args: tuple[Any, ...]) -> Schema:
        if origin is tuple:
            return self._tuple(args)
        if origin in _LISTS:
            return {"type": "array", "items": self.of(args[0])}
        if origin in _SETS:
            return {"type": "array", "items": self.of(args[0]), "uniqueItems": True}
        if origin in _DICTS:
            if args[0] not in {str, Any} and typing.get_origin(args[0]) is not typing.Literal and args[0] is not int:
                raise Unsupported(f"the keys of {kind} are no texts", "write dict[str, ...]")
            inner = self.of(args[1])
            return {"type": "object", "additionalProperties": inner or True}
        return self._class(origin)

    def _tuple(self, args: tuple[Any, ...]) -> Schema:
        if len(args) == 2 and args[1] is Ellipsis:
            return {"type": "array", "items": self.of(args[0])}
        count = len(args)
        items: Schema = {"prefixItems": [self.of(one) for one in args]} if count else {}
        return {"type": "array", **items, "minItems": count, "maxItems": count}

    def _class(self, kind: type) -> Schema:
        if kind in {tuple, *_LISTS, *_SETS}:
            extra: Schema = {"uniqueItems": True} if kind in _SETS else {}
            return {"type": "array", "items": {}, **extra}
        if kind in _DICTS:
            return {"type": "object", "additionalProperties": True}
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name in _TEXTS:
            return dict(_TEXTS[name])
        if kind.__module__.startswith("pathlib"):
            return {"type": "string", "format": "path"}
        if issubclass(kind, enum.Enum):
            return self._named(kind, lambda: {**choice([plain(one.value) for one in kind]), **own_text(kind)})
        make = self._maker(kind)
        if make is None:
            raise unsupported(kind)
        return self._named(kind, make)

    def _maker(self, kind: type) -> Callable[[], Schema] | None:
        if typing.is_typeddict(kind):
            required = required_keys(kind)
            return lambda: self._object(kind, {name: (name in required, NO_DEFAULT) for name in hints_of(kind)})
        own = getattr(kind, "__mpp_schema__", None)
        if own is not None:
            return lambda: own(self)
        if hasattr(kind, "model_json_schema"):
            return lambda: self._model(kind)
        if hasattr(kind, "__dataclass_fields__"):
            return lambda: self._object(kind, {name: (is_needed(one), one.default) for name, one in kind.__dataclass_fields__.items() if one.init})
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return lambda: self._named_tuple(kind)
        return None

    def _named(self, kind: type, make: Callable[[], Schema]) -> Schema:
        """A reference; the schema itself is made once, and may refer to itself."""
        if kind not in self._names:
            name, count = kind.__name__, 2
            while name in self.definitions:
                name, count = f"{kind.__name__}{count}", count + 1
            self._names[kind] = name
            self.definitions[name] = {}
            self.definitions[name] = make()
        return {"$ref": f"#/$defs/{self._names[kind]}"}

    def _object(self, kind: type, fields: dict[str, tuple[bool, Any]]) -> Schema:
        hints, words = hints_of(kind), _read(kind.__doc__)[1]
        properties = {}
        for name, (needed, default) in fields.items():
            try:
                schema = self.of(hints[name])
            except Unsupported as fault:
                raise Unsupported(f"the field {name!r} of {kind.__name__}: {fault}", fault.hint) from None
            properties[name] = with_default(described(schema, words.get(name, "")), hints[name], default, is_needed=needed)
        return {"type": "object", "properties": properties, **required_of(fields), **own_text(kind), **self.closed()}

    def closed(self) -> Schema:
        return {} if self.is_open else {"additionalProperties": False}

    def _named_tuple(self, kind: Any) -> Schema:
        hints = hints_of(kind)
        items = [self.of(hints.get(name, Any)) for name in kind._fields]
        return {"type": "array", "prefixItems": items, "minItems": len(items) - len(kind._field_defaults), "maxItems": len(items)}

    def _model(self, kind: Any) -> Schema:
        """The schema of a model of pydantic, or of its stand-in; its definitions become ours."""
        found: Schema = kind.model_json_schema()
        inner = found.pop("$defs", {})
        if "$ref" in found:  # of a model that holds itself, pydantic gives a reference
            found = inner.pop(found["$ref"].rpartition("/")[2])
        for name, schema in inner.items():
            if name not in self.definitions:
                self.definitions[name] = schema
        return found


def wrapped(schema: Schema) -> Schema:
    """An object with a value that is none."""
    return {"type": "object", "properties": {"result": schema}, "required": ["result"]}


def _read(text: str | None) -> tuple[str, dict[str, str]]:
    """A docstring: its text, and what it says of fields. A package, whose forms need no words, does not carry the reader."""
    try:
        from mpp_sdk.docstrings import read_docstring  # noqa: PLC0415 - absent in a package
    except ImportError:
        return "", {}
    found = read_docstring(text)
    return found.text, found.parameters


def own_text(kind: type) -> Schema:
    """What a class says of itself; what Python writes for it does not count."""
    if not kind.__doc__:
        return {}
    text = _read(kind.__doc__)[0]
    written = (
        not text
        or text.startswith(f"{kind.__name__}(")
        or text in {"An enumeration.", "Enum where members are also (and must be) strings"}
        or text == (enum.Enum.__doc__ or "")
    )
    inherited = any(kind.__doc__ == base.__doc__ for base in kind.__mro__[1:])
    return {} if written or inherited else {"description": text}


def required_of(fields: dict[str, tuple[bool, Any]]) -> Schema:
    names = [name for name, (needed, _) in fields.items() if needed]
    return {"required": names} if names else {}


def choice(values: list[Any]) -> Schema:
    """One of some values."""
    if len(values) > ENUM_MAX:
        raise Unsupported(f"a choice of {len(values)} values", f"a choice has at most {ENUM_MAX} values: take a str")
    for one in values:
        if not isinstance(one, (str, int, float, bool, type(None))):
            raise Unsupported(f"the value {one!r} of a choice cannot travel as JSON", "take texts or numbers as values")
    names = {str: "string", int: "integer", float: "number", bool: "boolean"}
    kinds = {type(one) for one in values}
    kind = names.get(next(iter(kinds))) if len(kinds) == 1 else None
    return {"enum": values, **({"type": kind} if kind else {})}


def described(schema: Schema, text: str) -> Schema:
    return {**schema, "description": text} if text and "description" not in schema else schema


def constrained(schema: Schema, metadata: tuple[Any, ...], kind: Any) -> Schema:
    """The schema with what stands in ``Annotated``: our own fields, those of annotated_types and pydantic, and plain texts."""
    out = dict(schema)
    for one in metadata:
        out.update(keywords_of(one, out, kind))
    return out


def keywords_of(one: Any, schema: Schema, kind: Any) -> Schema:
    if isinstance(one, str):
        return {"description": one}
    if isinstance(one, Length):
        return lengths(schema, one.least, one.most)
    if isinstance(one, Constraint):
        return one.keywords
    if isinstance(one, type) or callable(one):
        return {}
    return foreign(one, schema, kind)


def foreign(one: Any, schema: Schema, kind: Any) -> Schema:
    """What an object says that looks like a constraint of annotated_types or a Field of pydantic."""
    out: Schema = {}
    for name, keyword in _LIMITS.items():
        value = getattr(one, name, None)
        if isinstance(value, (int, float)):
            out[keyword] = value
    out.update(lengths(schema, getattr(one, "min_length", None), getattr(one, "max_length", None)))
    for name in ("pattern", "description", "title", "examples"):
        value = getattr(one, name, None)
        if isinstance(value, (str, list)):
            out[name] = value
    documentation = getattr(one, "documentation", None)
    if isinstance(documentation, str):
        out["description"] = documentation
    for inner in getattr(one, "metadata", None) or ():
        out.update(foreign(inner, schema, kind))
    extra = getattr(one, "json_schema_extra", None)
    return {**out, **extra} if isinstance(extra, dict) else out


def lengths(schema: Schema, least: Any, most: Any) -> Schema:
    kinds = {"string": "Length", "array": "Items", "object": "Properties"}
    targets = [schema, *schema.get("anyOf", ())]
    word = next((kinds[one["type"]] for one in targets if one.get("type") in kinds), "Length")
    found = {f"min{word}": least, f"max{word}": most}
    return {key: value for key, value in found.items() if isinstance(value, int)}


def with_default(schema: Schema, kind: Any, default: Any, *, is_needed: bool) -> Schema:
    """The schema with its default, where one can be told. Raises ``Unsupported`` for one of another type."""
    if is_needed or default is NO_DEFAULT or default is getattr(sys.modules.get("dataclasses"), "MISSING", NO_DEFAULT):
        return schema
    try:
        written = json.loads(encode(default))
        decoder(kind)(written)
    except (TypeError, ValueError) as fault:
        raise Unsupported(f"the default {default!r} cannot travel as JSON: {fault}", "take a default that JSON has, or None") from None
    except InvalidArgument as fault:
        hint = "write `| None` behind the type" if default is None else "make type and default agree"
        raise Unsupported(f"the default {default!r} is not of the type: it {fault.message}", hint) from None
    return {**schema, "default": written}
